"""What the list of import runs may be asked for, narrowed and grouped by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import Actor
from zhike.masterdata.models import ImportRun, SourceSystem
from zhike.ui.filters import Filter
from zhike.ui.lists import criteria
from zhike.ui.lists.bulk import Listing, listings
from zhike.ui.lists.criteria import Criterion
from zhike.ui.lists.groups import Grouping

PAGE = "masterdata.run_list"
FILTERS = (Filter("state", _("State"), ImportRun.State.choices, lambda value: Q(state=value)),)


def _systems(actor: Actor) -> Mapping[Any, Any]:
    rows = SourceSystem.objects.visible_to(actor).order_by("code")
    return {system.code: system.name for system in rows}


def _states(actor: Actor) -> Mapping[Any, Any]:
    return dict(ImportRun.State.choices)


GROUPINGS = (
    Grouping("state", _("State"), "state", _states, board=False),
    Grouping("system", _("Source system"), "system__code", _systems, board=False),
)


def _list() -> type[Any]:
    from zhike.masterdata.views.runs import RunList

    return RunList


def register() -> None:
    """Called once when the room starts."""
    listings.register(Listing(PAGE, _list, "masterdata:runs"))
    criteria.register(
        PAGE,
        Criterion(
            f"{PAGE}:state", PAGE, _("State"), "choice", "state",
            lambda actor: ImportRun.State.choices, nullable=False,
        ),
        Criterion(
            f"{PAGE}:system", PAGE, _("Source system"), "choice", "system__code",
            lambda actor: [*_systems(actor).items()], nullable=False,
        ),
        Criterion(f"{PAGE}:started", PAGE, _("Started"), "moment", "started_at", nullable=False),
        Criterion(f"{PAGE}:ended", PAGE, _("Ended"), "moment", "ended_at"),
    )  # fmt: skip
