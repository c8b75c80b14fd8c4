"""COPY text written here comes back as the values that went in."""

from __future__ import annotations

import json
import uuid
from datetime import date

import pytest
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.customers.models import Party, Tier, TierRating
from zhike.kernel.copying import copy_rows, new_ids, new_public_ids, update_rows
from zhike.kernel.prepared import Among
from zhike.masterdata.models import Barred
from zhike.organisation.models import Unit

pytestmark = pytest.mark.django_db
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=texts, tokens=st.lists(texts, max_size=4), born=st.none() | st.dates(), flag=st.booleans()
)
def test_every_value_comes_back(
    name: str, tokens: list[str], born: date | None, flag: bool
) -> None:
    unit, _created = Unit.objects.get_or_create(code="1", defaults={"name": "1", "kind": "outlet"})
    (id,) = new_ids(Party, 1)
    columns = (
        "id kind type stage sex name search_tokens birth_on lunar_birthday unit_id provenance name_key occupation "
        "industry education marital_status note sample"
    ).split()
    provenance = {"name": {"source": name}}
    row = (id, Party.Kind.PERSON, "individual", "customer", "", name, tokens, born, flag, unit.pk)
    copy_rows(Party, columns, [(*row, json.dumps(provenance), *[""] * 6, False)])
    party = Party.objects.get(pk=id)
    assert (party.name, party.search_tokens) == (name, tokens)
    assert (party.birth_on, party.lunar_birthday, party.provenance) == (born, flag, provenance)
    update_rows(Party, ("name", "birth_on"), [(id, name[::-1], None)])
    party.refresh_from_db()
    assert (party.name, party.birth_on, party.version) == (name[::-1], None, 2)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(texts, st.none() | st.integers(0, 9)), min_size=1, max_size=9))
def test_every_row_of_a_column_keeps_its_value(rows: list[tuple[str, int | None]]) -> None:
    unit, _created = Unit.objects.get_or_create(code="1", defaults={"name": "1", "kind": "outlet"})
    parties = [Party(kind="person", type="individual", unit=unit, name="x") for _row in rows]
    ids = [party.pk for party in Party.objects.bulk_create(parties)]
    given_rows = [(id, *row) for id, row in zip(ids, rows, strict=True)]
    update_rows(Party, ("name", "employees_count"), given_rows)
    kept = Party.objects.filter(pk__in=ids).values_list("pk", "name", "employees_count")
    assert sorted(kept) == sorted(given_rows)


@pytest.mark.parametrize("until", [None, date(2024, 1, 1)])
def test_ranges_of_dates(until: date | None) -> None:
    unit = Unit.objects.create(code="1", name="1", kind="outlet")
    party = Party.objects.create(kind="person", type="individual", name="x", unit=unit)
    tier = Tier.objects.create(code="a", name="a", rank=900, contact_every_days=9)
    during = DateRange(date(2020, 1, 1), until)
    columns = ("party_id", "tier_id", "during", "reason", "figures")
    copy_rows(TierRating, columns, [(party.pk, tier.pk, during, "", "{}")])
    assert TierRating.objects.get().during == during


def test_public_ids_are_random_uuids() -> None:
    ids = new_public_ids(1000)
    assert len(set(ids)) == 1000
    assert {(uuid.UUID(each).version, str(uuid.UUID(each)) == each) for each in ids} == {(4, True)}
    assert {uuid.UUID(each).variant for each in ids} == {uuid.RFC_4122}


def test_an_unknown_kind_of_value_is_no_silent_text() -> None:
    with pytest.raises(TypeError):
        copy_rows(Tier, ("code",), [(object(),)])


@pytest.mark.parametrize("text", ["1", 'a"b', "a\\b", "a,b", "{}", "", "NULL", "100%", "贰"])
def test_texts_and_bytes_are_found_among_others(text: str) -> None:
    Unit.objects.create(code="1", name=text, kind="outlet")
    assert Unit.objects.filter(Among(F("name"), ["x", text])).exists()
    assert not Unit.objects.filter(Among(F("name"), ["x", f"{text}x"])).exists()
    digest = text.encode().ljust(16, b"\\")
    Barred.objects.create(digest=digest, since=date(2026, 1, 1))
    assert Barred.objects.filter(Among(F("digest"), [b"", digest])).exists()
    assert not Barred.objects.filter(Among(F("digest"), [b"", digest[1:]])).exists()
