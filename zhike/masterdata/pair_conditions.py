"""What the queue of pairs may be asked for, narrowed and grouped by, and what is done with many of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers.models import Party
from zhike.kernel.actor import Actor
from zhike.masterdata.models import Pair, SourceSystem
from zhike.masterdata.services import reviewing
from zhike.ui.filters import Filter
from zhike.ui.lists import criteria
from zhike.ui.lists.bulk import BulkAction, Listing, bulk_actions, listings
from zhike.ui.lists.criteria import Choices, Criterion
from zhike.ui.lists.groups import Grouping

PAGE = "masterdata.pair"
JUDGES = "customers.merge"
FILTERS = (
    Filter("state", _("State"), Pair.State.choices, lambda value: Q(state=value)),
    Filter("kind", _("Kind"), Party.Kind.choices, lambda value: Q(left__party__kind=value)),
    Filter("why", _("Why it is asked"), Pair.Why.choices, lambda value: Q(why=value)),
)
GROUPINGS = (
    Grouping("state", _("State"), "state", lambda actor: dict(Pair.State.choices), board=False),
    Grouping("why", _("Why it is asked"), "why", lambda actor: dict(Pair.Why.choices), board=False),
)


def same(actor: Actor, pair: Pair, params: Mapping[str, Any]) -> object:
    return reviewing.judge(actor=actor, pair=pair, verdict=Pair.State.SAME)


def different(actor: Actor, pair: Pair, params: Mapping[str, Any]) -> object:
    return reviewing.judge(actor=actor, pair=pair, verdict=Pair.State.DIFFERENT)


def second_person(verdict: str) -> Callable[[Actor, Sequence[int], Mapping[str, Any]], str]:
    """Many judgements at once wait for a second person; few are done by the job."""

    def wait(actor: Actor, keys: Sequence[int], params: Mapping[str, Any]) -> str:
        pairs = list(Pair.objects.visible_to(actor).filter(pk__in=keys))
        if len({id for pair in pairs for id in (pair.left_id, pair.right_id)}) <= reviewing.ALONE:
            return ""
        reviewing.judge_many(actor=actor, pairs=pairs, verdict=verdict)
        return reverse("review:approvals")

    return wait


def _list() -> type[Any]:
    from zhike.masterdata.views.review import PairList

    return PairList


def _systems(actor: Actor) -> Choices:
    rows = SourceSystem.objects.visible_to(actor).order_by("code")
    return [(system.code, system.name) for system in rows]


def register() -> None:
    """Called once when the room starts."""
    listings.register(Listing(PAGE, _list, "review:pairs"))
    customers, judgement = _("About the customers"), _("About the judgement")
    criteria.register(
        PAGE,
        Criterion(
            f"{PAGE}:probability", PAGE, _("Probability"), "share", "probability",
            nullable=False, hint=_("that both are of one customer"),
        ),
        Criterion(f"{PAGE}:weight", PAGE, _("Weight"), "number", "match_weight", nullable=False),
        Criterion(
            f"{PAGE}:why", PAGE, _("Why it is asked"), "choice", "why",
            lambda actor: Pair.Why.choices, nullable=False,
        ),
        Criterion(f"{PAGE}:found", PAGE, pgettext_lazy("a pair", "Found"), "moment", "found_at", nullable=False),
        Criterion(
            f"{PAGE}:kind", PAGE, _("Kind"), "choice", "left__party__kind",
            lambda actor: Party.Kind.choices, group=customers, nullable=False,
        ),
        Criterion(
            f"{PAGE}:name", PAGE, _("Name of the first"), "text", "left__party__name",
            group=customers, nullable=False,
        ),
        Criterion(
            f"{PAGE}:left_system", PAGE, _("Source system of the first"), "choice",
            "left__system__code", _systems, group=customers, nullable=False,
        ),
        Criterion(
            f"{PAGE}:right_system", PAGE, _("Source system of the second"), "choice",
            "right__system__code", _systems, group=customers, nullable=False,
        ),
        Criterion(
            f"{PAGE}:state", PAGE, _("State"), "choice", "state",
            lambda actor: Pair.State.choices, group=judgement, nullable=False,
        ),
        Criterion(f"{PAGE}:judged", PAGE, _("Judged"), "moment", "decided_at", group=judgement),
        Criterion(f"{PAGE}:judge", PAGE, _("Judged by"), "text", "decided_by", group=judgement),
    )  # fmt: skip
    for name, label, icon, run_one, order in (
        ("same", _("The same customer"), "git-merge", same, 10),
        ("different", _("Different customers"), "arrows-left-right", different, 20),
    ):
        bulk_actions.register(
            BulkAction(
                f"masterdata.{name}",
                PAGE,
                label,
                icon=icon,
                permission=JUDGES,
                run_one=run_one,
                order=order,
                consent=second_person(name),
            )
        )
