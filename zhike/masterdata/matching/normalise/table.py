"""A table of raw records as one of normal forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching.normalise import documents, reach
from zhike.masterdata.matching.normalise.addresses import address_columns
from zhike.masterdata.matching.normalise.characters import folded_column
from zhike.masterdata.matching.normalise.companies import company_name
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
        ("kind", pa.string()),
        *(
            (name, pa.string())
            for name in ("name", "name_pinyin", "name_rotated", "surname", "given", "sex")
        ),
        ("birth_on", pa.date32()),
        *(
            (name, pa.string())
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
    """Normal forms (`NORMAL`) of raw records (`RAW`), row by row in the same order.

    Columns of `RAW` that the table lacks count as absent; those beyond it are left out. What cannot be what it
    is given as is null. Mobiles, landlines and e-mail addresses are taken from one another's columns where they
    strayed there, an organisation's credit code from that of identity numbers; birth date and sex from a valid
    identity number where they are absent. `also`: number ranges accepted though nobody was assigned them.
    """
    given = {field.name: _column(raw, field) for field in RAW}
    kind = given["kind"]
    organisation = pc.fill_null(pc.equal(kind, "organisation"), False)
    person = pc.invert(organisation)
    found: dict[str, pa.Array] = {"record": given["record"], "kind": kind}
    found |= _documents(given, person, organisation, also)
    found |= _reach(given, also)

    names = name_columns(_only(given["name"], person))
    found["name"] = pc.coalesce(names["text"], _folded(_only(given["name"], organisation)))
    found["name_rotated"] = names["rotated"]
    found["surname"], found["given"] = names["surname"], names["given"]
    birth, sex = documents.facts_columns(found["resident_id"])
    stated = pc.if_else(pc.is_in(given["sex"], pa.array(["F", "M"])), given["sex"], _NONE)
    found["sex"] = _only(pc.coalesce(stated, sex, names["sex"]), person)
    found["birth_on"] = pc.if_else(
        person, pc.coalesce(given["birth_on"], birth), pa.scalar(None, pa.date32())
    )

    for part, column in address_columns(given["address"]).items():
        found[part if part in _LEVELS else f"address_{part}"] = column

    company = _parts(_only(given["name"], organisation), company_name, ("core", "place"))
    found["company_core"], found["company_place"] = company["core"], company["place"]
    found["name_pinyin"] = pc.coalesce(names["pinyin"], sounds_column(company["core"]))
    employer = _parts(_only(given["employer"], person), company_name, ("core",))
    representative = _folded(_only(given["employer"], organisation))
    found["employer_core"] = pc.coalesce(employer["core"], representative)
    return pa.table([found[field.name] for field in NORMAL], schema=NORMAL)


def _documents(
    given: dict[str, pa.Array], person: pa.Array, organisation: pa.Array, also: Ranges
) -> dict[str, pa.Array]:
    written = documents.completed_column(documents.plain_column(given["resident_id"]))
    told = pc.fill_null(pc.match_substring_regex(written, "^[0-9]{6,}[0-9X]$"), False)
    codes = documents.plain_column(given["credit_code"])
    valid_codes = (documents.credit_code_column(column) for column in (codes, written))
    return {
        "resident_id": _only(documents.resident_id_column(written, also), person),
        "resident_id_raw": pc.if_else(pc.and_(told, person), written, _NONE),
        "credit_code": _only(pc.coalesce(*valid_codes), organisation),
        "passport": _only(
            documents.passport_column(documents.plain_column(given["passport"])), person
        ),
    }


def _reach(given: dict[str, pa.Array], also: Ranges) -> dict[str, pa.Array]:
    mobile, phone = (documents.plain_column(given[name]) for name in ("mobile", "phone"))
    email = given["email"]
    strayed = documents.plain_column(_without_at(email))
    return {
        "mobile": pc.coalesce(*(reach.mobile_column(c, also) for c in (mobile, phone, strayed))),
        "phone": pc.coalesce(*(reach.phone_column(c, also) for c in (phone, mobile))),
        "email": pc.coalesce(*(reach.email_column(c) for c in (email, _with_at(given["mobile"])))),
    }


def _with_at(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(values, "[@＠]"), values, _NONE)


def _without_at(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(values, "[@＠]"), _NONE, values)


def _column(raw: pa.Table, field: pa.Field) -> pa.Array:
    if field.name not in raw.column_names:
        return pa.nulls(len(raw), field.type)
    return raw[field.name].combine_chunks().cast(field.type)


def _only(values: pa.Array, rows: pa.Array) -> pa.Array:
    return pc.if_else(rows, values, pa.scalar(None, values.type))


def _folded(values: pa.Array) -> pa.Array:
    distinct = values.dictionary_encode()
    return folded_column(distinct.dictionary).take(distinct.indices)


def _parts(
    values: pa.Array, read: Callable[[str], Any], parts: Sequence[str]
) -> dict[str, pa.Array]:
    """Named parts of what `read` makes of each distinct value."""
    distinct = values.dictionary_encode()
    made = [read(text) for text in distinct.dictionary.to_pylist()]
    return {
        part: pa.array(map(attrgetter(part), made), pa.string(), size=len(made)).take(
            distinct.indices
        )
        for part in parts
    }
