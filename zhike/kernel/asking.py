"""One set of rows that a page asks in several ways: a page of them, how many there are, those of some keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property, partial, reduce
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connections, router
from django.db.models import F, Model, Q, QuerySet

from zhike.kernel.prepared import Among, Value, execute, kept_sql, prepared

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, eq=False)
class Rows(Generic[M]):
    """A queryset that is built only where the SQL of what it is asked is not known yet.

    `key` tells its rows from all others, whatever happens to them: who asks, on which day, and under which
    conditions; None where nothing does, and each question is put together anew. `door` are the same rows
    before they were narrowed.
    """

    model: type[M]
    build: Callable[[], QuerySet[M]]
    key: tuple[Any, ...] | None = None
    door: Rows[M] | None = None

    @classmethod
    def of(cls, rows: QuerySet[M]) -> Rows[M]:
        """Rows nobody can tell from others."""
        return cls(rows.model, lambda: rows)

    @cached_property
    def queryset(self) -> QuerySet[M]:
        return self.build()

    def narrowed(self, *conditions: Q) -> Rows[M]:
        """Those that meet the conditions, one after the other."""
        key = self.key
        return Rows(
            self.model,
            lambda: reduce(lambda rows, each: rows.filter(each), conditions, self.queryset),
            (*key, *conditions) if key and all(map(_says_all, conditions)) else None,
            self.door or self,
        )

    def asked(
        self, words: Hashable, question: Callable[..., QuerySet[M, Any]], **given: Value
    ) -> list[Any]:
        """`question(rows, **given)`; `words` tell it from all else that is asked of such rows.

        See `kernel.prepared` for what may be given and answered.
        """
        if self.key is None:
            return list(question(self.queryset, **given))
        try:
            return prepared((*self.key, words), self._put(question), given)
        except EmptyResultSet:
            return []

    def count(
        self, words: Hashable, question: Callable[..., QuerySet[M, Any]], **given: Value
    ) -> int:
        """How many rows the question has, which may be cut."""
        if self.key is None:
            return question(self.queryset, **given).count()
        try:
            sql, parameters = kept_sql((*self.key, words), self._put(question), given)
        except EmptyResultSet:
            return 0
        whole = f"SELECT count(*) FROM ({sql}) counted"  # noqa: S608  put together by Django
        number: int = execute(connections[router.db_for_read(self.model)], whole, parameters)[0][0]
        return number

    def _put(self, question: Callable[..., QuerySet[M, Any]]) -> Callable[..., QuerySet[M, Any]]:
        return lambda **given: question(self.queryset, **given)

    def behind(self, doors: Sequence[Q], few: int) -> Iterator[Part[M]]:
        """These rows apart by the `doors` they come through, one after the other, each row in one part.

        An index answers each door, and none answers one or the other: a million rows would be looked at for a tenth.
        Behind all doors but the first stand few: up to `few` are looked up by their keys, which no planner guesses.
        """
        before, *others = doors if len(doors) > 1 else (Q(),)
        yield Part("first", partial(_through, door=before))
        # Whatever tells the rows from others tells their doors.
        everybody = Rows(self.model, self.model._default_manager.all, (self.door or self).key)
        for n, door in enumerate(others):
            through = partial(_through, door=door, before=before)
            keys = everybody.asked(("keys", n, few), partial(_keys, through=through, few=few))
            if len(keys) > few:
                yield Part(("many", n), through)
            elif keys:
                yield Part("few", told_by, {"keys": keys})
            before |= door

    def told_by(self, keys: list[int]) -> list[M]:
        """Those among the rows behind the same door that have these keys, in no order."""
        return (self.door or self).asked("told by", told_by, keys=keys)


@dataclass(frozen=True)
class Part(Generic[M]):
    """`narrowed(rows, **given)` are the rows of a part; `words` tell it from the others."""

    words: Hashable
    narrowed: Callable[..., QuerySet[M]]
    given: Mapping[str, Value] = field(default_factory=dict)


def _through(rows: QuerySet[M], door: Q, before: Q | None = None) -> QuerySet[M]:
    behind = rows.filter(door)
    return behind if before is None else behind.exclude(before)


def _keys(
    rows: QuerySet[M], through: Callable[[QuerySet[M]], QuerySet[M]], few: int
) -> QuerySet[M, Any]:
    return through(rows).order_by().values_list("pk", flat=True)[: few + 1]


def told_by(rows: QuerySet[M], keys: list[int]) -> QuerySet[M]:
    return rows.order_by().filter(Among(F("pk"), keys))


def _says_all(condition: Q) -> bool:
    """Whether two conditions that are written alike ask the same: there is no query within."""
    return all(
        _says_all(each) if isinstance(each, Q) else isinstance(each, tuple) and _is_plain(each[1])
        for each in condition.children
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | Decimal | date)
