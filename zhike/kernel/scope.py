"""Which rows an actor may see. A model declares one scope; list filter and one-row check are the same condition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Model, Q

from zhike.kernel import wall

if TYPE_CHECKING:
    from zhike.kernel.actor import Actor

NO_ROWS = Q(pk__in=())


class Scope(ABC):
    """Answers the rows of `model` that `actor` may see, as one condition, the same all day.

    What changes from one moment to the next is asked of the database within the condition.
    """

    @abstractmethod
    def rows(self, actor: Actor, model: type[Model]) -> Q: ...

    @abstractmethod
    def wall(self, model: type[Model]) -> str:
        """`rows` once more, for PostgreSQL itself: a condition on the table of `model` (see `kernel.wall`)."""

    def whole(self) -> str:
        """Where this holds every row is in scope: a condition in SQL that names no row."""
        return wall.NOTHING

    def rows_of(self, actor: Actor, of: Mapping[str, Model]) -> Q | None:
        """The same among rows that hang on those of `of`, where one that was `found` says it cheaper."""
        return None


def doors(actor: Actor, model: type[Model]) -> list[Q]:
    """The alternatives of what the actor may see: an index answers each alone, but not one OR the other.

    Each is a part of `visible_to` and all together are it, so the rows behind one may be asked for alone.
    """
    scope: Scope = model.scope  # type: ignore[attr-defined]
    condition = Q() if actor.system else scope.rows(actor, model)
    if condition.connector != Q.OR or condition.negated:
        return [condition]
    return [Q(part) for part in condition.children]


def found(actor: Actor, row: Model) -> None:
    """Note that `row` came through `visible_to(actor)`; good for this one actor of this one request."""
    row._found_for = actor  # type: ignore[attr-defined]


def found_for(actor: Actor, row: Model) -> bool:
    return getattr(row, "_found_for", None) is actor


class SignedIn(Scope):
    """Every row, for whoever holds a position today (catalogues, the organisation tree)."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        return Q() if actor.roles else NO_ROWS

    def wall(self, model: type[Model]) -> str:
        return wall.SIGNED_IN


class Holders(Scope):
    """Every row, for those who hold a permission.

    With `named`, other rows name it to everybody (the system that a record came from, the login that did
    something), so that the second wall shuts only those out who are not signed in.
    """

    def __init__(self, permission: str, *, named: bool = False) -> None:
        self.permission, self.named = permission, named

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        return Q() if actor.may(self.permission) else NO_ROWS

    def wall(self, model: type[Model]) -> str:
        return wall.SIGNED_IN if self.named else wall.may(self.permission)


class OfUnits(Scope):
    """Counts of whole units, for those who hold a permission and see all of a unit's customers.

    Who sees only customers of their own counts those one by one.
    """

    def __init__(self, permission: str) -> None:
        self.permission = permission

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.may(self.permission):
            return NO_ROWS
        if actor.everywhere:
            return Q()
        return Q(unit__in=actor.units) if actor.units else NO_ROWS

    def wall(self, model: type[Model]) -> str:
        units = wall.either(wall.EVERYWHERE, f"unit_id = ANY {wall.UNITS}")
        return wall.both(wall.may(self.permission), units)


class SystemOnly(Scope):
    """No row through this door; only the system's own work reads it."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        return NO_ROWS

    def wall(self, model: type[Model]) -> str:
        return wall.NOTHING


class Via(Scope):
    """A row is visible when the row it hangs on is (a mobile number through its party)."""

    def __init__(self, path: str, permission: str = "") -> None:
        self.path = path
        self.permission = permission

    def rows_of(self, actor: Actor, of: Mapping[str, Model]) -> Q | None:
        if self.path not in of or not found_for(actor, of[self.path]):
            return None
        return NO_ROWS if self.permission and not actor.may(self.permission) else Q()

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if self.permission and not actor.may(self.permission):
            return NO_ROWS
        target: Any = model._meta.get_field(self.path).related_model
        return Q(**{f"{self.path}__in": target.objects.visible_to(actor).order_by()})

    def wall(self, model: type[Model]) -> str:
        field: Any = model._meta.get_field(self.path)
        table = field.related_model._meta.db_table
        # What it hangs on stands behind its own policy.
        there = f"EXISTS (SELECT FROM {table} upon WHERE upon.id = {model._meta.db_table}.{field.column})"
        seen = wall.either(field.related_model.scope.whole(), there)
        return wall.both(wall.may(self.permission), seen) if self.permission else seen
