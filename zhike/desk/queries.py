"""Reads of what lies on a desk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext

from zhike.access.roles import APPROVES_EVERYWHERE, RIGHTS, Reach
from zhike.desk.kinds import kinds
from zhike.desk.models import Notice, Remembered
from zhike.desk.subjects import Subject, subjects
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Appointment, Role, Unit
from zhike.ui.suggestions import Hit


@dataclass(frozen=True)
class Told:
    """A notice in the reader's words."""

    notice: Notice
    text: str
    icon: str


@dataclass(frozen=True)
class Star:
    """Whether the record of a page is pinned, and how it is named in the address that changes it."""

    subject: str
    public_id: str
    pinned: bool


def notices(actor: Actor) -> QuerySet[Notice]:
    return Notice.objects.visible_to(actor).filter(user=actor.user_id)


def unread(actor: Actor) -> QuerySet[Notice]:
    return notices(actor).filter(read_at__isnull=True)


def in_words(actor: Actor, rows: Sequence[Notice]) -> list[Told]:
    """The notices with their texts filled in, in the reader's language.

    The record a notice is about is named as the reader may see it now. One query for each subject.
    """
    about = [tuple(row.params["row"]) for row in rows if "row" in row.params]
    found = _found(actor, about)
    outside = gettext("A record outside what you look after")
    told = []
    for row in rows:
        params = dict(row.params)
        if "row" in params:
            hit = found.get(tuple(params["row"]))
            params["row"] = hit.title if hit else outside
        icon = kinds.get(row.kind).icon if row.kind in kinds else "info-circle"
        told.append(Told(row, gettext(row.text) % params, icon))
    return told


def remembered(actor: Actor, *, pinned: bool, limit: int) -> list[Hit]:
    """What the actor pinned, or opened lately without pinning it, the latest first.

    Names are read now and in scope: what is out of it, gone, or of a room the actor has no right to is
    left out, what is one by now is named once. One query, and two for each subject among them.
    """
    mine = Remembered.objects.visible_to(actor).filter(user=actor.user_id)
    mine = mine.filter(pinned_at__isnull=not pinned)
    rows = list(mine.order_by("-pinned_at" if pinned else "-opened_at", "-pk")[:limit])
    keys = [(each.subject, each.object_id) for each in rows]
    found = _found(actor, keys)
    hits = [found[key] for key in keys if key in found]
    return list({hit.url: hit for hit in hits}.values())


Key = tuple[str, int]
"""A subject's id and a row's key."""


def _found(actor: Actor, keys: Sequence[Key]) -> dict[Key, Hit]:
    """Those of the rows, or what they are part of, that the actor may see; two queries for each subject among them."""
    by_subject = defaultdict(list)
    for subject_id, pk in keys:
        by_subject[subject_id].append(pk)
    found = {}
    for subject in subjects:
        if subject.id in by_subject and actor.may(subject.permission):
            roots = subject.roots(by_subject[subject.id])
            rows = _visible(actor, subject).in_bulk(set(roots.values()))
            for pk, root in roots.items():
                if root in rows:
                    found[subject.id, pk] = _hit(subject, rows[root])
    return found


def _visible(actor: Actor, subject: Subject) -> QuerySet[Any]:
    model: Any = subject.model
    return subject.narrowed(model.objects.visible_to(actor))


def _hit(subject: Subject, row: Any) -> Hit:
    return Hit(
        title=subject.title(row),
        url=row.get_absolute_url(),
        subtitle=subject.subtitle(row) or str(subject.label),
        icon=subject.icon,
    )


def holders_over(
    permission: str, unit: Unit, *, besides: int, among: Collection[str] = Role.values
) -> list[int]:
    """The employees who hold a permission today by one of the roles over the people of a unit, but for one of them.

    Those of the nearest unit that has any, from the unit itself up; then whoever answers for the institution.
    """
    roles = {role for role, rights in RIGHTS.items() if permission in rights.permissions} & set(
        among
    )
    seats = Appointment.objects.filter(
        during__contains=clock.today(), position__role__in=roles, employee__left_on__isnull=True
    ).exclude(employee=besides)
    above = [int(part) for part in unit.path.strip("/").split("/")]
    over: dict[int, list[int]] = {}
    for employee, place, role in seats.filter(position__unit__in=above).values_list(
        "employee", "position__unit", "position__role"
    ):
        reach = RIGHTS[role].reach
        if reach is Reach.UNIT_AND_BELOW or (reach is Reach.UNIT and place == unit.pk):
            over.setdefault(place, []).append(employee)
    nearest = next((over[place] for place in reversed(above) if place in over), None)
    if nearest is not None:
        return nearest
    everywhere = seats.filter(position__role__in=APPROVES_EVERYWHERE & roles)
    return list(everywhere.values_list("employee", flat=True))
