"""Nobody in the sample can be a living person: right in form, and in ranges that nobody was given."""

from __future__ import annotations

import csv
import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from stdnum import luhn
from stdnum.cn import ric, uscc

from zhike.packs.bank.sample import words
from zhike.packs.bank.sample.identifiers import card_numbers, firm_ids, mobiles, person_ids
from zhike.packs.bank.sample.marks import (
    CARD_PREFIX,
    EMAIL_DOMAIN,
    ID_AREA_PREFIX,
    MOBILE_PREFIXES,
    PHONE_AREA_CODE,
    is_sample_id,
    is_sample_mobile,
)
from zhike.packs.bank.sample.tests.conftest import Sample

DATA = Path(__file__).resolve().parents[6] / "shared" / "data"
HALF_WIDTH = str.maketrans("０１２３４５６７８９Ｘ", "0123456789X")
ENTITIES = st.lists(st.integers(0, 12_000_000), min_size=1, max_size=20)


def public_rows(path: str) -> Iterator[dict[str, str]]:
    """Rows of a public register; skips where the registers are not beside the project, never in CI."""
    if not (DATA / path).exists():
        if os.environ.get("CI"):
            pytest.fail(f"the public data lack {path}")
        pytest.skip(f"needs the public data beside the project: {path}")
    with gzip.open(DATA / path, "rt", encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


@given(ENTITIES, st.integers(-20_000, 20_000), st.integers(0, 1), st.integers(0, 10**8))
def test_person_ids_are_right(entities: list[int], birth: int, female: int, start: int) -> None:
    entity = np.array(entities)
    same = np.ones_like(entity)
    for number in person_ids(entity, birth * same, female * same, start).to_pylist():
        assert ric.calc_check_digit(number) == number[-1]
        day = ric.get_birth_date(number)
        assert (np.datetime64(day) - np.datetime64("1970-01-01")).astype(int) == birth
        assert int(number[16]) % 2 == 1 - female
        assert is_sample_id(number)


@given(ENTITIES, st.integers(0, 10**8))
def test_firm_ids_are_right(entities: list[int], start: int) -> None:
    for number in firm_ids(np.array(entities), start).to_pylist():
        assert uscc.validate(number) == number
        body, check = number[8:16], number[16]
        rest = sum(int(d) * w for d, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
        assert check == {0: "0", 1: "X"}.get(rest, str(11 - rest))
        assert is_sample_id(number)


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=20), st.integers(0, 10**8))
def test_card_numbers_are_right(cards: list[int], start: int) -> None:
    for number in card_numbers(np.array(cards), start).to_pylist():
        assert luhn.validate(number) == number
        assert len(number) == 19
        assert number.startswith(CARD_PREFIX)


@given(ENTITIES, st.integers(0, 10**8))
def test_two_entities_never_share_a_mobile(entities: list[int], start: int) -> None:
    entity = np.array(sorted(set(entities)))
    numbers = [m for g in (0, 1) for m in mobiles(entity, g, start).to_pylist()]
    assert len(set(numbers)) == len(numbers)
    assert all(is_sample_mobile(number) for number in numbers)


@pytest.mark.parametrize("number", ["110101199003078515", "", "29", "2900001990010100", "abc"])
def test_other_ids_are_no_sample(number: str) -> None:
    assert not is_sample_id(number)


@pytest.mark.parametrize("number", ["13800138000", "1540123456", "15411234567", "154012345678"])
def test_other_mobiles_are_no_sample(number: str) -> None:
    assert not is_sample_mobile(number)


def test_every_identifier_in_the_files_is_marked(sample: Sample) -> None:
    """Looks at the text itself, not at columns, so that a swapped or broken field is seen too."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted(sample.folder.rglob("*.csv"))
    ).translate(HALF_WIDTH)
    for path in (sample.folder / "notebooks").iterdir():
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        cells = [f"{c:.0f}" if isinstance(c, float) else str(c) for row in rows for c in row]
        text += "\n" + "\n".join(cells).translate(HALF_WIDTH).replace(" ", "").replace("-", "")
    found = re.findall(r"(?<![0-9A-Za-z.])1[3-9]\d{9}(?![0-9A-Za-z])", text)
    # Customer numbers have ten digits, account numbers seventeen: eleven are a mobile.
    assert len(found) > 2_000
    assert [number for number in found if not is_sample_mobile(number)] == []
    mails = re.findall(r"[\w.]+@[\w.]+", text)
    assert {mail.split("@")[1] for mail in mails} == {EMAIL_DOMAIN}
    phones = re.findall(r"(?<!\d)0\d{3}-?\d{7}(?!\d)", text)
    assert phones
    assert all(phone.startswith(PHONE_AREA_CODE) for phone in phones)


def test_ids_in_the_files_are_marked(sample: Sample) -> None:
    wrong = old = missing = 0
    for path, place in (("core/customers.csv", 4), ("card/customers.csv", 2)):
        for line in sample.lines(path):
            number = line[place].translate(HALF_WIDTH) if len(line) > place else ""
            if not number:
                missing += 1
                continue
            assert is_sample_id(number)
            old += len(number) == 15
            if len(number) == 18 and number.startswith(ID_AREA_PREFIX):
                wrong += ric.calc_check_digit(number) != number[-1]
            elif len(number) == 18:
                assert uscc.is_valid(number)
    assert 3 <= wrong <= 40
    assert 10 <= old <= 80
    assert 20 <= missing <= 120


@pytest.mark.data
@pytest.mark.parametrize("table", ["id_area_codes_current", "id_area_codes_timeline"])
def test_id_areas_were_never_assigned(table: str) -> None:
    codes = [row["code"] for row in public_rows(f"cn_id_area_codes/{table}.csv.gz")]
    assert len(codes) > 3_000
    assert [code for code in codes if code.startswith(ID_AREA_PREFIX)] == []


@pytest.mark.data
def test_numbers_were_never_assigned() -> None:
    rows = [
        (row["prefix7"], row["area_code"])
        for row in public_rows("cn_phone_segments/phone_segments.csv.gz")
    ]
    assert len(rows) > 400_000
    assert [prefix for prefix, _ in rows if prefix.startswith(MOBILE_PREFIXES)] == []
    assert [area for _, area in rows if area == PHONE_AREA_CODE] == []


@pytest.mark.data
def test_places_do_not_exist() -> None:
    names = {row["name"] for row in public_rows("cn_divisions/areas.csv.gz")}
    names |= {row["name"] for row in public_rows("cn_divisions/cities.csv.gz")}
    names |= {row["name"] for row in public_rows("cn_id_area_codes/id_area_codes_timeline.csv.gz")}
    invented = (*words.COUNTIES, words.CITY.removesuffix("市"))
    assert [name for name in names if name.startswith(invented)] == []


@pytest.mark.data
def test_surnames_are_plausible() -> None:
    known = {row["surname"] for row in public_rows("cn_names/familyname.csv.gz")}
    assert set(words.SURNAMES) - known == set()
    assert len(set(words.SURNAMES)) == len(words.SURNAMES)
