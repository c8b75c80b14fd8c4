"""Is this customer there already? What somebody is typing, compared with the records of the customers they see.

Only those are read: neither hits nor their number tell of anybody out of scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from zhike.customers.models import Party
from zhike.kernel.actor import Actor
from zhike.masterdata.matching.incremental import block_keys, score
from zhike.masterdata.matching.model import Model
from zhike.masterdata.models import MatchModel, SourceRecord
from zhike.masterdata.services import records
from zhike.masterdata.services.resolving import NORMALISER

AT_MOST = 5
CANDIDATES = 200
LEAST = 0.5
DRAFT = 0  # no record has this number


@dataclass(frozen=True)
class AlikeParty:
    """A customer in scope that the draft may be, with the probability; `same` names what speaks for it."""

    party: Party
    probability: float
    same: tuple[str, ...]


def alike(actor: Actor, draft: Mapping[str, Any]) -> list[AlikeParty]:
    """At most `AT_MOST` customers that `draft` (columns of `normalise.RAW`) may be, the likeliest first.

    Nothing before a first matching run, and nothing for a draft too thin to compare.
    """
    fitting = MatchModel.objects.filter(
        normaliser=NORMALISER
    )  # an older one waits for the next whole run
    newest = fitting.order_by("-pk").values_list("pk", flat=True).first()
    if newest is None or not draft.get("name"):
        return []
    new = records.normal([{**draft, "record": DRAFT}])
    model = _model(newest)
    keys = block_keys(new, model)["keys"].to_pylist()
    known = [key for each in keys for key in each if key is not None]
    if not known:
        return []
    near = dict(
        SourceRecord.objects.filter(
            keys__overlap=known, party__in=Party.objects.visible_to(actor).order_by()
        ).values_list("pk", "party_id")[:CANDIDATES]
    )
    if not near:
        return []
    pairs = score(model, new, records.normalised(near), least=LEAST)
    best: dict[int, dict[str, Any]] = {}
    for row in sorted(pairs.to_pylist(), key=lambda row: -row["match_weight"]):
        best.setdefault(near[row["left"] or row["right"]], row)
    chosen = dict(list(best.items())[:AT_MOST])
    parties = Party.objects.visible_to(actor).select_related("unit").in_bulk(chosen)
    return [
        AlikeParty(parties[id], row["probability"], _same(row))
        for id, row in chosen.items()
        if id in parties
    ]


def _same(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The comparisons that speak for it."""
    weights = (
        (name.removeprefix("weight_"), row[name]) for name in row if name.startswith("weight_")
    )
    return tuple(name for name, weight in weights if weight is not None and weight > 1)


@lru_cache(maxsize=2)
def _model(pk: int) -> Model:
    """A model does not change once it is trained."""
    return Model.from_json(MatchModel.objects.get(pk=pk).text, records.secret())


def draft_of(posted: Mapping[str, str]) -> dict[str, Any]:
    """A half-filled form of a new customer as a raw record."""
    firm = posted.get("kind") == Party.Kind.ORGANISATION
    return {
        "kind": "organisation" if firm else "person",
        "name": posted.get("name") or None,
        "sex": posted.get("sex") or None,
        "birth_on": _day(posted.get("birth_on", "")),
        "credit_code" if firm else "resident_id": posted.get("document") or None,
        "mobile": posted.get("mobile") or None,
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
