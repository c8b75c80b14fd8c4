"""COPY text written here comes back as the values that went in."""

from __future__ import annotations

import json
import uuid
from datetime import date

import pytest
from django.db.backends.postgresql.psycopg_any import DateRange
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.customers.models import Party, Tier, TierRating
from zhike.kernel.copying import copy_rows, new_ids, new_public_ids, update_rows
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
