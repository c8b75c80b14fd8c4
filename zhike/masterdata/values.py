"""From what a file says to what a target takes. Pure; works on columns, and on each distinct value only once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from zhike.kernel.clock import BUSINESS_ZONE
from zhike.kernel.registry import Registry
from zhike.masterdata.marks import LOST_DIGITS

if TYPE_CHECKING:
    from zhike.masterdata.mapping import Field
    from zhike.masterdata.targets import Takes

Column = Any  # pyarrow publishes no types

BETWEEN = "\x1f"
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = re.compile(r"[+-]?[0-9]{1,16}(\.[0-9]*)?")
MONEY_BYTES = b"0123456789.+-"
SHORT_AMOUNT = 16
MONEY = r"^[+-]?[0-9]{1,16}([.][0-9]{1,2})?$"
YEARS = range(1850, 2151)


@dataclass(frozen=True)
class ValueReader:
    """A source's own way to write a value. `read` takes the columns' texts and answers the value as text, "" for none.

    Dates as YYYY-MM-DD. Raises ValueError with a reason that does not repeat the value.
    """

    id: str
    read: Callable[..., str]


readers: Registry[ValueReader] = Registry("masterdata.value_readers")


@dataclass(frozen=True)
class Fault:
    """Why the value of one row (by its number in the batch) is refused."""

    row: int
    raw: str
    reason: str


@dataclass(frozen=True)
class Converted:
    """A column of the target's own type with nulls where there is nothing, and what was refused."""

    values: Column
    faults: list[Fault] = field(default_factory=list)


readers.register(ValueReader("joined", lambda *texts: "；".join(text for text in texts if text)))

ARROW = {
    "text": pa.string(),
    "sealed": pa.string(),
    "ref": pa.string(),
    "integer": pa.int64(),
    "flag": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"),
}


def arrow_type(takes: Takes) -> Any:
    if takes.choices:
        return pa.dictionary(pa.int8(), pa.string())
    return pa.decimal128(18, takes.scale) if takes.kind == "decimal" else ARROW[takes.kind]


def listed(column: Column) -> list[Any]:
    """The values of a converted column as Python's; None for nothing."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    # Days by way of numpy, at a fortieth of what `to_pylist` takes for them.
    days = pa.types.is_date32(column.type)
    found: list[Any] = (
        column.to_numpy(zero_copy_only=False).tolist() if days else column.to_pylist()
    )
    return found


def convert(columns: Mapping[str, Column], rows: int, spec: Field, takes: Takes) -> Converted:
    """The values of one field for a batch of `rows` rows; `columns` are the file's, by name."""
    kind = arrow_type(takes)
    if spec.constant is not None:
        value = parsed(spec.constant, spec, takes)
        found = Converted(pa.repeat(pa.scalar(value, kind), rows))
    else:
        found = _read([columns[name] for name in spec.columns], spec, takes)
    if not spec.when:
        return found
    applies = _holds(columns, spec.when)
    picked = pc.if_else(applies, found.values, pa.scalar(None, kind))
    return Converted(picked, [fault for fault in found.faults if applies[fault.row].as_py()])


def _holds(columns: Mapping[str, Column], when: Mapping[str, str]) -> Column:
    tests = [
        pc.equal(pc.utf8_trim_whitespace(_text(columns[name])), value)
        for name, value in when.items()
    ]
    held = tests[0]
    for test in tests[1:]:
        held = pc.and_(held, test)
    return pc.fill_null(held, False)


def _text(column: Column) -> Column:
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def _read(columns: Sequence[Column], spec: Field, takes: Takes) -> Converted:
    first = columns[0]
    plain = not (spec.codes or spec.reader or spec.prefix or spec.default is not None)
    if plain and takes.kind == "date" and pa.types.is_date(first.type):
        return Converted(first.cast(pa.date32()))
    exact = pa.types.is_decimal(first.type) and first.type.scale <= takes.scale
    if plain and takes.kind == "decimal" and exact:
        return Converted(first.cast(arrow_type(takes)))
    if len(columns) == 1 and pa.types.is_dictionary(first.type):
        words = pc.utf8_trim_whitespace(first.dictionary)
        return _distinct(pa.DictionaryArray.from_arrays(first.indices, words), spec, takes)
    amounts = plain and takes.kind == "decimal" and takes.scale == 2
    quick = _plain_amounts(first, takes) if amounts else None
    if quick is not None:
        return Converted(quick)
    texts = [pc.fill_null(pc.utf8_trim_whitespace(_text(column)), "") for column in columns]
    if amounts:
        return _amounts(texts[0], spec, takes)
    if plain and takes.kind in ("text", "sealed", "ref") and not takes.choices:
        return _texts(texts[0], takes)
    joined = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, BETWEEN)
    encoded = joined.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return _distinct(encoded, spec, takes)


def _texts(text: Column, takes: Takes) -> Converted:
    odd = pc.or_(pc.greater(pc.utf8_length(text), takes.longest), pc.starts_with(text, LOST_DIGITS))
    values = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    if not pc.any(odd).as_py():
        return Converted(values)
    faults = []
    for row in pc.indices_nonzero(odd).to_pylist():
        raw = text[row].as_py()
        faults.append(Fault(row, raw.lstrip(LOST_DIGITS), _odd_text(raw, takes)))
    return Converted(pc.if_else(odd, pa.scalar(None, pa.string()), values), faults)


def _odd_text(raw: str, takes: Takes) -> str:
    if raw.startswith(LOST_DIGITS):
        return "a number of more than 15 digits in a numeric cell has lost digits; format the column as text"
    return f"longer than {takes.longest} characters"


def _amounts(text: Column, spec: Field, takes: Takes) -> Converted:
    sound = pc.match_substring_regex(text, MONEY)
    values = pc.if_else(sound, text, pa.scalar(None, pa.string())).cast(arrow_type(takes))
    rest = pc.and_(pc.invert(sound), pc.not_equal(text, ""))
    if not pc.any(rest).as_py():
        return Converted(values)
    faults = []
    mended: list[Decimal | None] = values.to_pylist()
    for row in pc.indices_nonzero(rest).to_pylist():
        raw = text[row].as_py()
        try:
            mended[row] = parsed(raw, spec, takes)
        except ValueError as error:
            faults.append(Fault(row, raw, str(error)))
    return Converted(pa.array(mended, arrow_type(takes)), faults)


def _plain_amounts(text: Column, takes: Takes) -> Column | None:
    """All of them by one cast, or None: the cast takes more than we do (1e3, .5, zeros before), so what it is given is
    only digits, points and signs, short, and with a digit before the point."""
    if not isinstance(text, pa.StringArray) or len(text) == 0:
        return None
    characters = text.buffers()[2]
    if bytes(characters or b"").translate(None, MONEY_BYTES):
        return None
    if pc.max(pc.binary_length(text)).as_py() > SHORT_AMOUNT:
        return None
    if any(pc.any(pc.starts_with(text, bare)).as_py() for bare in (".", "+.", "-.")):
        return None
    try:
        return text.cast(arrow_type(takes))
    except pa.ArrowInvalid:
        return None


def _distinct(encoded: Column, spec: Field, takes: Takes) -> Converted:
    words = encoded.dictionary.to_pylist()
    values: list[Any] = []
    reasons: dict[int, str] = {}
    for place, raw in enumerate(words):
        try:
            values.append(read_one(tuple(raw.split(BETWEEN)), spec, takes))
        except ValueError as error:
            values.append(None)
            reasons[place] = str(error)
    column = _taken(values, encoded.indices, takes)
    if not reasons:
        return Converted(column)
    places = pa.array(list(reasons), encoded.indices.type)
    faulty = pc.indices_nonzero(pc.is_in(encoded.indices, places)).to_pylist()
    return Converted(
        column,
        [
            Fault(row, words[place].replace(BETWEEN, " | ").lstrip(LOST_DIGITS), reasons[place])
            for row in faulty
            for place in [encoded.indices[row].as_py()]
        ],
    )


def _taken(values: list[Any], indices: Column, takes: Takes) -> Column:
    """`values` by `indices`; words of a choice under one dictionary, the same for every batch."""
    if not takes.choices:
        return pa.array(values, arrow_type(takes)).take(indices)
    choices = sorted(takes.choices)
    places = [None if each is None else choices.index(each) for each in values]
    taken = pa.array(places, pa.int8()).take(indices)
    return pa.DictionaryArray.from_arrays(taken, pa.array(choices, pa.string()))


def read_one(raw: tuple[str, ...], spec: Field, takes: Takes) -> Any:
    """The value of one row's columns; None for nothing. Raises ValueError with the reason."""
    if any(each.startswith(LOST_DIGITS) for each in raw):
        raise ValueError(_odd_text(LOST_DIGITS, takes))
    word = _coded(raw, spec.codes) if spec.codes else None
    if word is None and not any(raw):
        word = spec.default
    elif word is None:
        if spec.codes:
            raise ValueError("the mapping has no code for it")
        word = readers.get(spec.reader).read(*raw) if spec.reader else raw[0]
    if not word:
        return None
    return parsed(spec.prefix + word, spec, takes)


def _coded(raw: tuple[str, ...], codes: Mapping[str, str]) -> str | None:
    """Our word for the source's, the first pattern that fits; None when none does."""
    if len(raw) == 1 and raw[0] in codes:
        return codes[raw[0]]
    for pattern, ours in codes.items():
        parts = [part.strip() for part in pattern.split("|")] if len(raw) > 1 else [pattern]
        if len(parts) == len(raw) and all(
            part == "*" or part == each for part, each in zip(parts, raw, strict=True)
        ):
            return ours
    return None


def parsed(text: str, spec: Field, takes: Takes) -> Any:
    """Text as the target's kind. Raises ValueError with a reason that does not repeat the value."""
    match takes.kind:
        case "integer":
            if not re.fullmatch(r"[0-9]{1,9}", text):
                raise ValueError("not a whole number")
            return int(text)
        case "decimal":
            return _decimal(text, takes.scale)
        case "flag":
            if text.lower() not in ("1", "0", "true", "false"):
                raise ValueError("neither 1 nor 0, true nor false")
            return text.lower() in ("1", "true")
        case "date":
            return _date(text, spec)
        case "datetime":
            return _datetime(text, spec)
    if takes.choices and text not in takes.choices:
        raise ValueError(f"not one of {', '.join(sorted(takes.choices))}")
    if len(text) > takes.longest:
        raise ValueError(_odd_text(text, takes))
    return text


def _decimal(text: str, scale: int) -> Decimal:
    if not NUMBER.fullmatch(text):
        raise ValueError("not a number (digits, a point, no thousands' separators)")
    value = Decimal(text)
    rounded = value.quantize(Decimal(1).scaleb(-scale))
    if rounded != value:
        raise ValueError(f"more than {scale} decimal places")
    return rounded


def _date(text: str, spec: Field) -> date:
    if spec.formats and not spec.reader:
        moment = _moment(text, spec.formats)
        found = moment.date() if moment else None
    else:
        found = _iso(text)
    if found is None or found.year not in YEARS:
        raise ValueError(f"no such date ({' or '.join(spec.formats) or 'YYYY-MM-DD'})")
    return found


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if ISO_DATE.fullmatch(text) else None
    except ValueError:
        return None


def _moment(text: str, formats: Sequence[str]) -> datetime | None:
    for each in formats:
        try:
            return datetime.strptime(text, each)  # noqa: DTZ007  the zone comes later
        except ValueError:
            continue
    return None


def _datetime(text: str, spec: Field) -> datetime:
    try:
        moment = _moment(text, spec.formats) if spec.formats else datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.year not in YEARS:
        raise ValueError(f"no such moment ({' or '.join(spec.formats) or 'YYYY-MM-DD HH:MM'})")
    return moment if moment.tzinfo else moment.replace(tzinfo=BUSINESS_ZONE)
