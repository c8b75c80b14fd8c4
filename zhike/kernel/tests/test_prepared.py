"""A query whose words are kept answers as the same query made anew, for any values."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BigIntegerField, Func, QuerySet, TextField, Value
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from zhike.kernel import prepared as kept
from zhike.kernel.models import AuditEntry
from zhike.kernel.prepared import Value as Given
from zhike.kernel.prepared import kept_sql, prepared

T0 = datetime(2026, 11, 1, tzinfo=UTC)


def written(party: int, action: str, at: datetime) -> AuditEntry:
    return AuditEntry.objects.create(
        at=at, party_id=party, action=action, actor_name="", object_type="x", outcome="done"
    )


def last_of(
    party: int, action: str, before: datetime, key: int, limit: int = 3
) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(party_id=party, action=action, pk__lt=(before, key))
    return rows.exclude(outcome="refused").order_by("-at", "-id")[:limit]


class Kept(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(
        rows=st.lists(st.tuples(st.integers(1, 3), st.sampled_from("ab%"), st.integers(0, 9))),
        asked=st.lists(
            st.tuples(st.integers(1, 4), st.sampled_from("abc%"), st.integers(0, 10)), min_size=2
        ),
    )
    def test_it_answers_as_the_query_made_anew(
        self, rows: list[tuple[int, str, int]], asked: list[tuple[int, str, int]]
    ) -> None:
        for party, action, day in rows:
            written(party, action, T0 + timedelta(day))
        for party, action, day in asked:
            values: dict[str, Given] = {
                "party": party,
                "action": action,
                "before": T0 + timedelta(day),
                "key": 2**62,
            }
            found = prepared("test.last", last_of, values)
            assert [row.pk for row in found] == [row.pk for row in last_of(**values)]  # type: ignore[arg-type]


@pytest.mark.django_db
def test_the_words_are_made_once_and_asked_each_time() -> None:
    made = []

    def build(public_id: UUID) -> QuerySet[AuditEntry]:
        made.append(public_id)
        return AuditEntry.objects.filter(object_public_id=public_id)

    with CaptureQueriesContext(connection) as asked:
        for _turn in range(3):
            prepared("test.once", build, {"public_id": uuid4()})
    assert len(asked) == 3
    assert len(made) == 2  # to tell its values from the rest


@pytest.mark.django_db
def test_a_list_is_one_value_of_words_that_others_are_written_around() -> None:
    for party in (1, 2, 3):
        written(party, "a", T0)
    made = []

    def build(parties: list[int], actions: list[str]) -> QuerySet[AuditEntry, int | None]:
        made.append(parties)
        wanted = (
            Func(Value(each, ArrayField(field)), template="SELECT unnest(%(expressions)s)")
            for each, field in ((parties, BigIntegerField()), (actions, TextField()))
        )
        numbers, words = wanted
        rows = AuditEntry.objects.filter(party_id__in=numbers, action__in=words)
        return rows.values_list("party_id", flat=True)

    for parties, actions in (([1, 2], ["a"]), ([3], ["b", "a"]), ([1, 2, 3], ["b"])):
        sql, params = kept_sql("test.list", build, {"parties": parties, "actions": actions})
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT party_id FROM ({sql}) rows ORDER BY 1", params)
            assert [row for (row,) in cursor.fetchall()] == (parties if "a" in actions else [])
    assert len(made) == 2


def test_what_more_hangs_on_a_value_is_refused() -> None:
    wrong: dict[str, object] = {
        "changed": lambda party: AuditEntry.objects.filter(party_id=party + 1),
        "looked at": lambda party: AuditEntry.objects.filter(party_id=party)[: party % 7 + 1],
        "left out": lambda party: AuditEntry.objects.filter(party_id=4),
        "no model": lambda party: AuditEntry.objects.filter(party_id=party).values("pk"),
    }
    for name, build in wrong.items():
        with pytest.raises(TypeError):
            prepared(("test", name), build, {"party": 4})  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        prepared("test.flag", lambda done: AuditEntry.objects.filter(outcome=done), {"done": True})


@pytest.mark.django_db
def test_a_process_keeps_a_limited_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_known", OrderedDict())
    monkeypatch.setattr(kept, "AT_MOST", 2)
    made = []

    def build(p: int) -> QuerySet[AuditEntry]:
        made.append(p)
        return AuditEntry.objects.filter(party_id=p)

    for n in range(5):
        for key in (n, 0):
            prepared(("test.many", key), build, {"p": n})
        assert len(kept._known) <= 2
    assert len(made) == 2 * 5, "what is asked time and again stays"
