"""What is compared, how alike two values can be, and which records are worth comparing.

Conditions are SQL over the normalised columns with _l and _r for the two records of a pair. None measures an edit
distance on Chinese text: DuckDB counts bytes there, so 张 and 李 would be three edits apart. Distances run over
pinyin and digits only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["person", "organisation"]
KINDS: Final[tuple[Kind, ...]] = ("person", "organisation")


@dataclass(frozen=True)
class Level:
    """One degree of likeness. `m` and `u` (its probability among pairs of one and of two entities, 0 to 1) hold
    until training finds better. `term`: the column whose frequency says what the agreement is worth.
    `counted`: the column that must agree, where agreement is so rare among strangers that a sample shows none
    and training counts it instead; a rare term is then worth what was counted, not what its two records share."""

    label: str
    sql: str
    m: float
    u: float
    term: str | None = None
    counted: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Levels from the most to the least alike; what meets none is `otherwise`, what meets `absent` says nothing.
    `stranger`, `stranger_columns`: instead of the scheme's, where those are about what is compared here."""

    name: str
    absent: str
    levels: tuple[Level, ...]
    stranger: str = ""
    stranger_columns: tuple[str, ...] = ()

    @property
    def numbered(self) -> tuple[tuple[int, Level], ...]:
        """Levels with their gamma: the highest the most alike, 0 the last; -1 (absent) is left out."""
        top = len(self.levels) - 1
        return tuple((top - place, level) for place, level in enumerate(self.levels))


@dataclass(frozen=True)
class Key:
    """A reason to compare two records: all `parts` (SQL over one record's columns) equal and none null.
    `decides`: the comparisons that its pairs can teach nothing about."""

    name: str
    parts: tuple[str, ...]
    decides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scheme:
    """How records of one kind are compared.

    trained_on: keys by which training finds pairs, each with pairs of one entity and of two.
    stranger: what a pair of two entities nearly always meets and a pair of one hardly ever, and the columns it
    reads.
    identifier: the column that no two entities share, when it is not null.
    """

    comparisons: tuple[Comparison, ...]
    keys: tuple[Key, ...]
    trained_on: tuple[Key, ...]
    stranger: str
    stranger_columns: tuple[str, ...]
    identifier: str

    @property
    def terms(self) -> tuple[str, ...]:
        """Columns whose frequencies count, each once."""
        named = (level.term for c in self.comparisons for level in c.levels if level.term)
        return tuple(dict.fromkeys(named))

    @property
    def counted_terms(self) -> frozenset[str]:
        """Those of the terms whose agreement among strangers is counted."""
        return frozenset(
            level.term
            for c in self.comparisons
            for level in c.levels
            if level.term and level.counted
        )


OTHERWISE: Final = "ELSE"
# Written down nowhere in clear: a model carries their keyed digests.
PRIVATE_TERMS: Final = frozenset({"mobile"})


def _absent(*columns: str) -> str:
    return " or ".join(f"{column}_{side} is null" for column in columns for side in "lr")


def _same(*columns: str) -> str:
    return " and ".join(f"{column}_l = {column}_r" for column in columns)


def _near(column: str, edits: int) -> str:
    """Nearly the same ASCII text: as many bytes as characters."""
    ascii_only = " and ".join(f"bit_length({column}_{s}) = 8 * length({column}_{s})" for s in "lr")
    return (
        f"abs(length({column}_l) - length({column}_r)) <= {edits} and {ascii_only} "
        f"and levenshtein({column}_l, {column}_r) <= {edits}"
    )


def _misread(column: str, edits: int, intact: int) -> str:
    """At most `edits` digits wrong or swapped, with `intact` digits at either end left alone: most pairs fail the
    second at once, which spares the distance."""
    whole = " or ".join(
        f"{end}({column}_l, {intact}) = {end}({column}_r, {intact})" for end in ("left", "right")
    )
    return f"({whole}) and damerau_levenshtein({column}_l, {column}_r) <= {edits}"


def _otherwise(m: float, u: float) -> Level:
    return Level("otherwise", OTHERWISE, m, u)


def _plain(name: str, m: float, u: float) -> Comparison:
    level = Level("same", _same(name), m, u, counted=name)
    return Comparison(name, _absent(name), (level, _otherwise(1 - m, 1 - u)))


# Three or four characters of which all but one stand at the same place; a missing fourth equals a missing fourth.
_ONE_CHARACTER: Final = (
    "length(name_l) = length(name_r) and length(name_l) between 3 and 4 and ("
    + " + ".join(
        f"case when substr(name_l, {n}, 1) = substr(name_r, {n}, 1) then 1 else 0 end"
        for n in range(1, 5)
    )
    + ") >= 3"
)
_NEAR_PINYIN: Final = (
    "abs(length(name_pinyin_l) - length(name_pinyin_r)) <= 2 "
    "and levenshtein(name_pinyin_l, name_pinyin_r) <= 2"
)
# A long name's distance costs much; whoever errs at both of its ends is left out.
_NEAR_LONG_PINYIN: Final = (
    "(left(name_pinyin_l, 4) = left(name_pinyin_r, 4) "
    f"or right(name_pinyin_l, 4) = right(name_pinyin_r, 4)) and {_NEAR_PINYIN}"
)
# However the syllables of a name are turned: 王小明 as 小明王 is read with 小 for its surname.
_EITHER_ORDER: Final = (
    "least(name_pinyin, name_rotated, "
    "substr(name_rotated, strpos(name_rotated, ' ') + 1) || ' ' || split_part(name_rotated, ' ', 1))"
)
_ONE_NUMBER_LACKS: Final = "(resident_id_raw_l is null or resident_id_raw_r is null)"

_A_NAME_LACKS: Final = "(name_l is null or name_r is null)"
# Whoever knows the year alone writes the first of January.
_NEW_YEAR: Final = "(right(birth_text_l, 4) = '0101') <> (right(birth_text_r, 4) = '0101')"

_PERSON_NAME: Final = Comparison(
    "name",
    f"{_A_NAME_LACKS} and ({_absent('surname')})",
    (
        Level("same name", _same("name"), 0.88, 1e-5, term="name"),
        Level("same sound", _same("name_pinyin"), 0.04, 1e-5, term="name_pinyin"),
        Level(
            "order turned",
            "name_pinyin_l = name_rotated_r or name_rotated_l = name_pinyin_r",
            0.01,
            1e-6,
        ),
        Level("sound 1 or 2 letters apart", _NEAR_PINYIN, 0.03, 1e-4),
        Level("one character differs", _ONE_CHARACTER, 0.015, 1e-3),
        Level(
            "same surname, a name lacks",
            f"{_A_NAME_LACKS} and {_same('surname')}",
            0.01,
            1e-3,
        ),
        Level(
            "one part of the name",
            f"({_same('surname')}) or ({_same('given')})",
            0.015,
            0.04,
        ),
        _otherwise(0.01, 0.96),
    ),
)
_IDENTITY: Final = Comparison(
    "identity",
    f"{_ONE_NUMBER_LACKS} and ({_absent('birth_on')})",
    (
        Level("same number", _same("resident_id_raw"), 0.85, 1e-8, counted="resident_id_raw"),
        Level(
            "number 1 or 2 digits apart",
            _misread("resident_id_raw", 2, 8),
            0.03,
            1e-6,
        ),
        Level(
            "same birthday, a number lacks",
            f"{_same('birth_on')} and {_ONE_NUMBER_LACKS}",
            0.1,
            5e-5,
        ),
        Level("same birthday, other number", _same("birth_on"), 0.002, 5e-5),
        Level(
            "same year, a day unknown",
            f"left(birth_text_l, 4) = left(birth_text_r, 4) and {_NEW_YEAR} and {_ONE_NUMBER_LACKS}",
            0.005,
            1e-3,
        ),
        Level(
            "birthday one digit apart, a number lacks",
            f"{_misread('birth_text', 1, 4)} and {_ONE_NUMBER_LACKS}",
            0.01,
            1e-3,
        ),
        _otherwise(0.005, 0.998),
    ),
)


def _mobile(m: float) -> Comparison:
    return Comparison(
        "mobile",
        _absent("mobile"),
        (
            Level("same", _same("mobile"), m, 1e-7, term="mobile", counted="mobile"),
            Level("one digit apart", _misread("mobile", 1, 5), 0.02, 1e-6),
            _otherwise(0.98 - m, 1.0),
        ),
    )


_NO_OTHER_PLACE: Final = (
    "coalesce(county_l = county_r, true) and coalesce(township_l = township_r, true)"
)
_ADDRESS: Final = Comparison(
    "address",
    _absent("address_key"),
    (
        Level(
            "same home",
            f"{_same('address_key')} and {_NO_OTHER_PLACE} "
            "and coalesce(address_room_l = address_room_r, true)",
            0.75,
            1e-7,
            counted="address_key",
        ),
        Level(
            "same house",
            f"{_same('address_key')} and {_NO_OTHER_PLACE}",
            0.02,
            1e-7,
            counted="address_key",
        ),
        Level(
            "same street and number",
            f"{_same('address_street', 'address_number')} and {_NO_OTHER_PLACE}",
            0.03,
            1e-6,
        ),
        Level("1 to 3 letters apart", _near("address_key", 3), 0.02, 1e-5),
        Level("same street", f"{_same('address_street')} and {_NO_OTHER_PLACE}", 0.05, 1e-4),
        Level("same house number", _same("address_number"), 0.01, 1e-2),
        _otherwise(0.12, 0.99),
    ),
)

PERSON: Final = Scheme(
    comparisons=(
        _PERSON_NAME,
        _IDENTITY,
        _mobile(0.75),
        _ADDRESS,
        Comparison(
            "employer",
            _absent("employer_core"),
            (
                Level("same", _same("employer_core"), 0.8, 1e-3, term="employer_core"),
                Level("1 or 2 letters apart", _near("employer_core", 2), 0.02, 1e-4),
                _otherwise(0.18, 0.999),
            ),
        ),
        Comparison(
            "sex",
            _absent("sex"),
            (Level("same", _same("sex"), 0.99, 0.5), _otherwise(0.01, 0.5)),
        ),
        _plain("phone", 0.8, 1e-6),
        _plain("email", 0.85, 1e-7),
        _plain("passport", 0.9, 1e-8),
        Comparison(
            "place",
            f"(address_key_l is not null and address_key_r is not null) or {_absent('county')}",
            (Level("same", _same("county"), 0.9, 0.1), _otherwise(0.1, 0.9)),
        ),
    ),
    keys=(
        Key("number", ("resident_id_raw",)),
        Key("mobile", ("mobile",)),
        Key("email", ("email",)),
        Key("passport", ("passport",)),
        Key("name and address", (_EITHER_ORDER, "address_key")),
        Key("name and employer", (_EITHER_ORDER, "employer_core")),
        Key("name and birthday", (_EITHER_ORDER, "birth_on")),
        Key("name and house number", (_EITHER_ORDER, "address_number")),
        Key("name and end of mobile", (_EITHER_ORDER, "right(mobile, 4)")),
        Key("address and employer", ("address_key", "employer_core")),
        Key("employer and start of name", ("employer_core", "left(name_pinyin, 3)")),
        Key("address and start of name", ("address_key", "left(name_pinyin, 3)")),
        Key("birthday and a part of the name", ("birth_on", "least(surname, given)")),
        Key("birthday and other part of the name", ("birth_on", "greatest(surname, given)")),
        Key("birthday and house number", ("birth_on", "address_number")),
        Key("birthday and street", ("birth_on", "address_street")),
        Key("birthday and employer", ("birth_on", "employer_core")),
        Key("name and phone", (_EITHER_ORDER, "phone")),
        Key("address and surname", ("address_key", "surname")),
        Key("address and given name", ("address_key", "given")),
        Key("county and name", ("county", _EITHER_ORDER)),
        Key("county and surname", ("county", "surname")),
        Key("county and given name", ("county", "given")),
        Key("name and start of number", (_EITHER_ORDER, "left(resident_id_raw, 6)")),
    ),
    trained_on=(
        Key("number", ("resident_id_raw",), ("identity",)),
        Key("mobile", ("mobile",), ("mobile",)),
        Key("name and address", (_EITHER_ORDER, "address_key"), ("name", "address")),
        Key("name and birthday", (_EITHER_ORDER, "birth_on"), ("name", "identity")),
        Key("birthday and address", ("birth_on", "address_key"), ("identity", "address", "place")),
    ),
    stranger=f"not ({_NEAR_PINYIN}) and surname_l <> surname_r and given_l <> given_r and birth_on_l <> birth_on_r",
    stranger_columns=("name_pinyin", "surname", "given", "birth_on"),
    identifier="resident_id",
)

_PARTS: Final = [f"string_split(name_pinyin_{side}, ' ')" for side in "lr"]
_MOST_SYLLABLES: Final = (
    f"len({_PARTS[0]}) > 2 and 10 * len(list_intersect({', '.join(_PARTS)})) "
    f">= 7 * greatest(len({_PARTS[0]}), len({_PARTS[1]}))"
)
# Where a name begins and ends: four syllables, or words of a name that is not Chinese.
_FIRST_SYLLABLES: Final = r"nullif(regexp_extract(name_pinyin, '^(\S+ ){3}\S+'), '')"
_LAST_SYLLABLES: Final = r"nullif(regexp_extract(name_pinyin, '(\S+ ){3}\S+$'), '')"
_OTHER_CODE: Final = "credit_code_l <> credit_code_r"
_WITHIN: Final = (
    "(contains(company_core_l, company_core_r) or contains(company_core_r, company_core_l))"
)
ORGANISATION: Final = Scheme(
    comparisons=(
        Comparison(
            "name",
            _absent("name"),
            (
                Level("same name", _same("name"), 0.7, 1e-6, term="name", counted="name"),
                Level(
                    "same core, no other place",
                    f"{_same('company_core')} and coalesce(company_place_l = company_place_r, true)",
                    0.12,
                    1e-5,
                    term="company_core",
                    counted="company_core",
                ),
                Level(
                    "same core, other place",
                    _same("company_core"),
                    0.02,
                    1e-4,
                    term="company_core",
                ),
                Level("sound 1 or 2 letters apart", _NEAR_LONG_PINYIN, 0.03, 1e-5),
                Level(
                    "one core within the other",
                    f"length(company_core_l) >= 2 and length(company_core_r) >= 2 and {_WITHIN}",
                    0.07,
                    1e-3,
                ),
                Level("most syllables the same", _MOST_SYLLABLES, 0.04, 1e-4),
                _otherwise(0.02, 0.999),
            ),
            stranger=_OTHER_CODE,
            stranger_columns=("credit_code",),
        ),
        Comparison(
            "code",
            _absent("credit_code"),
            (
                Level("same", _same("credit_code"), 0.95, 1e-8, counted="credit_code"),
                Level(
                    "1 or 2 characters apart",
                    _misread("credit_code", 2, 8),
                    0.03,
                    1e-6,
                ),
                _otherwise(0.02, 1.0),
            ),
        ),
        _mobile(0.7),
        _plain("phone", 0.8, 1e-6),
        _plain("email", 0.8, 1e-7),
        _ADDRESS,
        Comparison(
            "representative",
            _absent("employer_core"),
            (
                Level("same", _same("employer_core"), 0.9, 1e-4, term="employer_core"),
                _otherwise(0.1, 1.0),
            ),
        ),
    ),
    keys=(
        Key("code", ("credit_code",)),
        Key("core", ("company_core",)),
        Key("name", ("name",)),
        Key("phone", ("phone",)),
        Key("mobile", ("mobile",)),
        Key("email", ("email",)),
        Key("start of name", (_FIRST_SYLLABLES,)),
        Key("end of name", (_LAST_SYLLABLES,)),
        Key("address", ("address_key",)),
        Key("representative and end of name", ("employer_core", "right(company_core, 2)")),
    ),
    trained_on=(
        Key("code", ("credit_code",), ("code",)),
        Key("core", ("company_core",), ("name",)),
        Key("phone", ("phone",), ("phone",)),
        Key("mobile", ("mobile",), ("mobile",)),
    ),
    stranger=f"not {_WITHIN}",
    stranger_columns=("company_core",),
    identifier="credit_code",
)

SCHEMES: Final[dict[Kind, Scheme]] = {"person": PERSON, "organisation": ORGANISATION}

# Columns read from the normalised table, and two made of them.
COLUMNS: Final = (
    "record", "kind", "name", "name_pinyin", "name_rotated", "surname", "given", "sex", "birth_on",
    "resident_id", "resident_id_raw", "credit_code", "passport", "mobile", "phone", "email", "county", "township",
    "address_number", "address_room", "address_key", "company_core", "company_place", "employer_core",
)  # fmt: skip
MADE: Final = {
    "birth_text": "strftime(birth_on, '%Y%m%d')",
    "address_street": "coalesce(address_road, village)",
}
# No condition on a pair asks more of these than whether they are equal.
EQUAL_ONLY: Final = frozenset(
    "surname given sex passport phone email county township address_number address_room company_place "
    "address_street".split()
)
_COLUMN: Final = re.compile(rf"\b(?:{'|'.join((*COLUMNS, *MADE))})(?=_[lr]\b|\b)")


def columns_in(*conditions: str) -> tuple[str, ...]:
    """The columns that SQL over one record or over a pair reads, each once."""
    return tuple(dict.fromkeys(found for sql in conditions for found in _COLUMN.findall(sql)))
