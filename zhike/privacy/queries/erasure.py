"""What an erasure would take away at once, what a law makes us keep until when, and what stands against it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.conf import settings

from zhike.customers.models import Party
from zhike.customers.services import close_guards
from zhike.kernel import clock, wall
from zhike.kernel.keeping import Term
from zhike.privacy.queries.held import Part, everything
from zhike.privacy.rules import keeps_until, relation_ended_on
from zhike.products.models import Agreement, Holding

OURS = "privacy."


def outlives(model: Any) -> bool:
    """Whether its rows prove what was done, by a key that names nobody once the customer is gone: the trail."""
    return model.keeping.usual.term is Term.TRAIL or model._meta.label_lower.startswith(OURS)


def stays(part: Part) -> bool:
    """The same of a part; movements in the warehouse stay too, under a bare key."""
    return part.name.startswith("facts/") or outlives(apps.get_model(part.name))


@dataclass(frozen=True)
class Fate:
    """What becomes of the fields of one table: `until` None for those that go at once."""

    title: str
    rows: int
    fields: tuple[str, ...]
    term: Term
    until: date | None
    stays: bool = False


@dataclass(frozen=True)
class Preview:
    blockers: tuple[str, ...]
    ended_on: date
    fates: tuple[Fate, ...]

    @property
    def last_until(self) -> date | None:
        return max((each.until for each in self.fates if each.until), default=None)


def blockers_of(party: Party) -> tuple[str, ...]:
    """Why the data is still needed: contracts that run."""
    return tuple(reason for guard in close_guards if (reason := guard(party)))


def ended_on(party: Party) -> tuple[date, bool]:
    """When the last tie to the institution ended, and whether there ever was a contract."""
    agreements = Agreement.objects.filter(party=party).values_list("closed_on", "matures_on")
    holdings = Holding.objects.filter(party=party).values_list("during", flat=True)
    ends = [closed or matures for closed, matures in agreements]
    ends += [during.upper for during in holdings]
    today = clock.today()
    return min(relation_ended_on([party.until_on, *ends], today), today), bool(ends)


def untils(party: Party) -> dict[Term, date]:
    """Terms that still run, with their day."""
    end, had_contract = ended_on(party)
    found = {
        term: keeps_until(
            term,
            ended_on=end,
            had_contract=had_contract,
            books_years=settings.ZHIKE_RETENTION_YEARS,
            today=clock.today(),
        )
        for term in Term
    }
    return {term: until for term, until in found.items() if until is not None}


@wall.lowered()
def preview(party: Party) -> Preview:
    """Field by field what would go and what would stay, without a value; whoever asks decides on the request."""
    running, fates = untils(party), []
    for part in everything(party):
        if part.name.startswith(OURS):
            continue
        for term, fields in _by_term(part).items():
            fates.append(
                Fate(
                    part.title,
                    len(part.rows),
                    fields,
                    term,
                    running.get(term),
                    stays=stays(part),
                )
            )
    return Preview(blockers_of(party), ended_on(party)[0], tuple(fates))


def _by_term(part: Part) -> dict[Term, tuple[str, ...]]:
    fields: dict[Term, dict[str, None]] = defaultdict(dict)
    for row in part.rows:
        for value in row:
            if value.own:
                fields[value.rule.term][value.label] = None
    return {term: tuple(names) for term, names in fields.items()}
