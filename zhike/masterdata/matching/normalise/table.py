"""A table of raw records as one of normal forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching.normalise import documents, reach
from zhike.masterdata.matching.normalise.addresses import address_columns
from zhike.masterdata.matching.normalise.characters import folded_column
from zhike.masterdata.matching.normalise.coding import (
    TEXT,
    coded,
    first,
    having,
    read,
    spread,
    where,
)
from zhike.masterdata.matching.normalise.companies import company_columns
from zhike.masterdata.matching.normalise.names import name_columns, sounds_column
from zhike.masterdata.matching.normalise.ranges import ASSIGNED, Ranges

RAW: Final = pa.schema(
    [
        ("record", pa.int64()),
        ("kind", pa.string()),
        ("name", pa.string()),
        ("sex", pa.string()),
        ("birth_on", pa.date32()),
        *(
            (name, pa.string())
            for name in (
                "resident_id", "passport", "credit_code", "mobile", "phone", "email", "address", "employer",
            )
        ),
    ]
)  # fmt: skip
_LEVELS = ("province", "city", "county", "township", "village")
NORMAL: Final = pa.schema(
    [
        ("record", pa.int64()),
        ("kind", TEXT),
        *((name, TEXT) for name in ("name", "name_pinyin", "name_rotated", "surname", "given", "sex")),
        ("birth_on", pa.date32()),
        *(
            (name, TEXT)
            for name in (
                "resident_id", "resident_id_raw", "credit_code", "passport", "mobile", "phone", "email",
                "province", "city", "county", "township", "village",
                "address_road", "address_number", "address_building", "address_unit", "address_room", "address_place",
                "address_key",
                "company_core", "company_place", "employer_core",
            )
        ),
    ]
)  # fmt: skip
_NONE = pa.nulls(1, pa.string())[0]  # asked for as a scalar, it would begin pandas


def records(raw: pa.Table, also: Ranges = ASSIGNED) -> pa.Table:
    """Normal forms (`NORMAL`) of raw records (`RAW`), row by row in the same order; texts are codes of a dictionary.

    Columns of `RAW` that the table lacks count as absent; those beyond it are left out. What cannot be what it
    is given as is null. Mobiles, landlines and e-mail addresses are taken from one another's columns where they
    strayed there, an organisation's credit code from that of identity numbers; birth date and sex from a valid
    identity number where they are absent. `also`: number ranges accepted though nobody was assigned them.
    """
    given = {field.name: _column(raw, field) for field in RAW}
    organisation = pc.fill_null(pc.equal(given["kind"], "organisation"), False)
    person = pc.invert(organisation)
    found: dict[str, pa.Array] = {"record": given["record"], "kind": coded(given["kind"])}
    found |= _documents(given, person, organisation, also)
    found |= _reach(given, also)

    names = name_columns(given["name"].filter(person))
    names = {part: spread(column, person) for part, column in names.items()}
    for part in ("rotated", "surname", "given"):
        found[f"name_{part}" if part == "rotated" else part] = names[part]
    company = coded(given["name"].filter(organisation))
    core, place = company_columns(company)
    sound = read(core, sounds_column(core.dictionary))
    found["name"] = first(names["text"], spread(_folded(company), organisation))
    found["name_pinyin"] = first(names["pinyin"], spread(sound, organisation))
    found["company_core"] = spread(core, organisation)
    found["company_place"] = spread(place, organisation)

    birth, sex = _facts(found["resident_id"])
    stated = coded(given["sex"])
    stated = having(stated, pc.is_in(stated.dictionary, pa.array(["F", "M"])))
    found["sex"] = where(first(stated, sex, names["sex"]), person)
    known = pc.coalesce(given["birth_on"], birth)
    found["birth_on"] = pc.if_else(person, known, pa.scalar(None, pa.date32()))

    for part, column in address_columns(given["address"]).items():
        found[part if part in _LEVELS else f"address_{part}"] = column

    employer, _ = company_columns(coded(given["employer"].filter(person)))
    representative = _folded(coded(given["employer"].filter(organisation)))
    found["employer_core"] = first(spread(employer, person), spread(representative, organisation))
    return pa.table([found[field.name] for field in NORMAL], schema=NORMAL)


def _facts(ids: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Birth date and sex of each row's valid identity number."""
    held = np.zeros(len(ids.dictionary), dtype=bool)
    held[ids.indices.drop_null().to_numpy()] = True
    valid = pc.if_else(pa.array(held), ids.dictionary, _NONE)
    birth, sex = documents.facts_columns(valid)
    return birth.take(ids.indices), read(ids, sex)


def _documents(
    given: dict[str, pa.Array], person: pa.Array, organisation: pa.Array, also: Ranges
) -> dict[str, pa.Array]:
    plain = documents.plain_column(given["resident_id"])
    written = coded(documents.completed_column(plain))
    told = pc.match_substring_regex(written.dictionary, "^[0-9]{6,}[0-9X]$")
    numbers = where(having(written, told), person)
    codes = coded(documents.plain_column(given["credit_code"]))
    strayed = coded(plain.filter(organisation))
    passports = coded(documents.plain_column(given["passport"]))
    code = first(
        read(codes, documents.credit_code_column(codes.dictionary)),
        spread(read(strayed, documents.credit_code_column(strayed.dictionary)), organisation),
    )
    return {
        "resident_id": having(numbers, documents.valid_ids(written.dictionary, also)),
        "resident_id_raw": numbers,
        "credit_code": where(code, organisation),
        "passport": where(read(passports, documents.passport_column(passports.dictionary)), person),
    }


def _reach(given: dict[str, pa.Array], also: Ranges) -> dict[str, pa.Array]:
    mobile, phone = (documents.plain_column(given[name]) for name in ("mobile", "phone"))
    email = given["email"]
    mobile, phone, strayed, email, mail = map(
        coded,
        (
            mobile,
            phone,
            documents.plain_column(_without_at(email)),
            email,
            _with_at(given["mobile"]),
        ),
    )

    def found(read_column: Callable[..., pa.Array], *columns: pa.Array) -> pa.Array:
        return first(*(read(column, read_column(column.dictionary)) for column in columns))

    mobiles = reach.mobile_column(mobile.dictionary, also)
    others = coded(having(mobile, mobiles.is_null()).cast(pa.string()))  # no mobile is a landline
    return {
        "mobile": first(
            read(mobile, mobiles),
            found(lambda texts: reach.mobile_column(texts, also), phone, strayed),
        ),
        "phone": found(lambda texts: reach.phone_column(texts, also), phone, others),
        "email": found(reach.email_column, email, mail),
    }


def _at(values: pa.Array) -> pa.Array:
    return pc.or_(pc.match_substring(values, "@"), pc.match_substring(values, "＠"))


def _with_at(values: pa.Array) -> pa.Array:
    return pc.if_else(_at(values), values, _NONE)


def _without_at(values: pa.Array) -> pa.Array:
    return pc.if_else(_at(values), _NONE, values)


def _column(raw: pa.Table, field: pa.Field) -> pa.Array:
    if field.name not in raw.column_names:
        return pa.nulls(len(raw), field.type)
    return raw[field.name].combine_chunks().cast(field.type)


def _folded(column: pa.Array) -> pa.Array:
    return read(column, folded_column(column.dictionary))
