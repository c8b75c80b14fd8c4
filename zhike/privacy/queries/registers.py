"""The register of processing (what is held, why, how long, who sees it, where it goes) and that of sharing.

Both are generated: the first from the declarations of all models and the table of rights, the second from the trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.access.roles import RIGHTS
from zhike.insight.sources import EXTRACTS
from zhike.kernel import clock, wall
from zhike.kernel.actor import origin_in_words, permissions_in_words
from zhike.kernel.classes import FieldClass
from zhike.kernel.keeping import Keeping, Rule
from zhike.kernel.models import AuditEntry
from zhike.kernel.scope import Holders, SignedIn, SystemOnly, Via
from zhike.kernel.wording import listed
from zhike.organisation.models import Role
from zhike.privacy.words import label_of

MOST_SHARED = 500


@dataclass(frozen=True)
class Processing:
    """Fields of one table that are kept alike."""

    table: str
    about_customers: bool
    field_class: str
    fields: tuple[str, ...]
    rule: Rule
    seen_by: str
    goes_to: str


def processing() -> list[Processing]:
    """The register, in the reader's language, the customers' tables first."""
    found = []
    for model in apps.get_models():
        keeping = getattr(model, "keeping", None)
        if isinstance(keeping, Keeping):
            found += _of(model, keeping)
    return sorted(found, key=lambda each: (not each.about_customers, each.table))


def _of(model: Any, keeping: Keeping) -> list[Processing]:
    alike: dict[tuple[FieldClass, Rule, bool], list[str]] = {}
    exported = _in_warehouse().get(model._meta.label, frozenset())
    for name, field_class in model.field_classes.items():
        if field_class is FieldClass.OPEN or name in keeping.derived:
            continue
        column = model._meta.get_field(name)
        key = (field_class, keeping.rule(name), column.column in exported)
        alike.setdefault(key, []).append(label_of(column) or name)
    return [
        Processing(
            str(model._meta.verbose_name),
            bool(keeping.about),
            field_class,
            tuple(fields),
            rule,
            _seen_by(model),
            _("the warehouse, under a bare key") if goes else "",
        )
        for (field_class, rule, goes), fields in alike.items()
    ]


@lru_cache
def _in_warehouse() -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for extract in EXTRACTS:
        for source in extract.reads:
            found[source.model] = found.get(source.model, frozenset()) | set(source.columns)
    return found


def _seen_by(model: Any) -> str:
    """Which roles a row is ever visible to; within them each sees those in their scope."""
    scope = model.scope
    while isinstance(scope, Via):
        if scope.permission:
            return _holders(scope.permission)
        model = model._meta.get_field(scope.path).related_model
        scope = model.scope
    match scope:
        case SystemOnly():
            return _("nobody; the system's own work")
        case SignedIn():
            return _("everybody with a position")
        case Holders():
            return _holders(scope.permission)
    if model._meta.app_label in {"desk", "access"} or model.__name__ == "Upload":
        return _("whoever it belongs to")
    return _holders("customers.view")


def _holders(permission: str) -> str:
    return listed(
        Role(role).label for role, rights in RIGHTS.items() if permission in rights.permissions
    )


SHARED: Mapping[str, str | Promise] = {
    "export.": gettext_lazy("a list as a file"),
    "desk.file": gettext_lazy("a list as a file"),
    "customers.export": gettext_lazy("a list as a file"),
    "token.": gettext_lazy("a program's token"),
    "privacy.access.hand_over": gettext_lazy("a copy handed to the person"),
    "reveal.": gettext_lazy("an identifier in clear"),
    "masterdata.import.revert": gettext_lazy("an import taken back"),
}
"""Beginnings of the trail's actions by which data leaves, or is shown outside its mask."""


@dataclass(frozen=True)
class Shared:
    at: Any
    who: str
    what: str | Promise
    action: str
    count: str
    why: str
    origin: str


@wall.lowered()
def shared(since: date, until: date) -> list[Shared]:
    """What left between two days, both included, the latest first, from the trail; at most `MOST_SHARED`."""
    wanted = Q()
    for beginning in SHARED:
        wanted |= Q(action__startswith=beginning)
    rows = AuditEntry.objects.filter(
        wanted,
        outcome=AuditEntry.Outcome.DONE,
        at__lt=clock.day_ends(until),
        at__gte=clock.day_ends(since) - timedelta(days=1),
    ).order_by("-at", "-id")
    return [_shared(entry) for entry in rows[:MOST_SHARED]]


def _shared(entry: AuditEntry) -> Shared:
    what = next(words for start, words in SHARED.items() if entry.action.startswith(start))
    told = [
        permissions_in_words(str(after))
        for name, (_before, after) in entry.changes.items()
        if name in {"rows", "count", "permissions"} and after
    ]
    origin = origin_in_words(entry.origin)
    return Shared(
        entry.at, entry.actor_name, what, entry.action, "; ".join(told), entry.reason, origin
    )
