"""Addresses in their parts: five administrative levels, road, number, building, unit, room and what else is named.

A text is cut into three: divisions (浙江省杭州市西湖区), street (翠苑街道文三路) and house (12号3幢2单元502室). Each
has few distinct values in a table of a million, so each is read once for all rows that share it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching.normalise.characters import simplified, simplified_column
from zhike.masterdata.matching.normalise.coding import coded, first, having, read, spread, where
from zhike.masterdata.matching.normalise.divisions import LEVELS, Divisions, divisions

_COUNT = r"[一二三四五六七八九十]{1,3}"
_COUNTED_BY = "(?:栋|幢|座|单元|号|室|层|楼|排|组|弄)"
_HOUSE = rf"(?:[0-9]|[a-z][0-9]*(?:[0-9-]|座|栋|幢|区|楼|$)|{_COUNT}{_COUNTED_BY})"
# RE2 reads these as `re` does: columns and single texts are cut alike.
_PREFIX = r"(?s)^(?P<prefix>(?:.*(?:[省市县旗盟]|[^小社园业发税]区))?)(?P<street>.*)$"

# Number, building, unit and room in that order, each optional but the first.
_USUAL = (
    r"^(?P<number>\d+)号(?:(?P<building>\d+)[幢栋])?(?:(?P<unit>\d+)单元)?(?:(?P<room>\d+)室)?$"
)
_USUAL_PARTS = ("number", "building", "unit", "room")

_MARKED = r"[^\p{Han}0-9a-z]|null|^中"
_COUNTRY = re.compile(r"^(?:中国|中华人民共和国)")
_BRACKETED = re.compile(r"[(\[【<].*?(?:[)\]】>]|$)|null")
_SEPARATORS = re.compile(r"[,，.。;；、:：_/|\\*·~—–+'\"?!&]+|(?<![0-9a-z])-+|-+(?![0-9a-z])")
_COUNTED = re.compile(rf"({_COUNT})(?={_COUNTED_BY})")
_NUMERAL = {c: n for n, c in enumerate("零一二三四五六七八九")}

_TOWNSHIP = re.compile(
    r"((?:[^路街巷号]|[路街](?=[镇乡])){1,6}?(?:街道(?:办事处)?|镇(?!政府|江市|海[区路]|[路街])|乡(?![路街镇])|苏木)"
    r"|.{2,4}街道(?:办事处)?)"
)
_ZONE = re.compile(
    r"[^路街巷号村]{0,7}?(?:开发区|工业园区|工业区|工业园|高新区|产业园|科技园|园区|保税区|度假区|示范区|集聚区|景区)"
)
_VILLAGE = re.compile(
    r"([^路街巷号弄]{1,7}?(?:村委会|居委会|社区|(?<![新一二三四五六七八九十])村(?!路|镇|街|口)|屯))"
)
_ROAD = re.compile(
    r"(.{1,9}?(?:大道|大街|公路|[国省县]道|胡同|路(?!桥|口)|街(?!道|坊)|巷|弄(?!堂))|.{1,5}[道里]$)"
)
_ROAD_IN_HOUSE = re.compile(
    r"((?:[a-z]?\d+号?|[a-z])(?:[东南西北中])?(?:大道|大街|路|街(?!区)|[国省县]道|线))"
)
# Places that number their buildings; elsewhere the first number is that of a house in a row.
_COMPOUND = re.compile(
    r"(?:小区|新村|花园|[苑园区城府湾庭郡墅坊里]|公寓|大[厦楼]|广场|市场|中心|公馆|宿舍|学校|学院|大学|医院|[一二三四五六]村|[期号院])$"
)
_PART = re.compile(r"(?:\d+|[a-z])(?:区|期|苑)")
_ROW = re.compile(r"(\d+)(?:组|队|社)")
_LANE = re.compile(r"(\d+弄)(?:(\d+)(?:支弄|号|(?!\d|楼|栋|幢|室|单元)))?")
_NUMBERS = re.compile(
    r"(\d+)(?:-(\d+))?(?:-(\d+))?(?:号|#)?"
    r"(?!\d|-|[号#]?(?:栋|幢|座|楼)|单元|层|室|f\b|米|期|区|组|队|门|年|排)"
)
_BUILDING = re.compile(
    r"([a-z]?\d+[a-z]?|[a-z])(?:号楼|#楼?|栋|幢|座(?!机)|排|号(?=\d+(?:单元|室|楼|层)))"
)
_UNIT = re.compile(r"(\d+|[a-z])(?:单元|号门|门(?!口))")
_FLOOR = re.compile(r"(\d+)(?:楼|层|f(?![a-z0-9]))")
_ROOM = re.compile(r"([a-z]?-?\d+(?:-\d+)*[a-z]?)(?:室|房(?!产)|铺|店(?!铺))")
_CHAIN = re.compile(r"([a-z]?\d+[a-z]?|[a-z])-(?:(\d+|[a-z])-)?([a-z]?\d{2,5}[a-z]?)(?:室|号)?$")
_LAST_ROOM = re.compile(r"(?<![\d号])-?([a-z]?\d{2,5}[a-z]?)(?:号|室)?$")
_FIRST_BUILDING = re.compile(r"([a-z]?\d+[a-z]?|[a-z](?=-))(?!区|期|米|组|路|队|\d)号?")
_SPAN = 12  # numbers of one house, 12-14号, lie no further apart


@dataclass(frozen=True, slots=True)
class Address:
    """Parts of an address as written, without 号, 幢, 室 behind digits; None where absent.

    `place` is what else is named (a compound, a market); `key` compacts road (else village or place), number
    and building, and is None without one of the first three and a number.
    """

    province: str | None = None
    city: str | None = None
    county: str | None = None
    township: str | None = None
    village: str | None = None
    road: str | None = None
    number: str | None = None
    building: str | None = None
    unit: str | None = None
    room: str | None = None
    place: str | None = None

    @property
    def key(self) -> str | None:
        street = self.road or self.village or self.place
        if not street or not (self.number or self.building):
            return None
        return f"{street}{self.number or ''}{'-' if self.building else ''}{self.building or ''}"


@dataclass(frozen=True, slots=True)
class Street:
    """Between divisions and house. `ends` says what the house's first number counts: a road's, a village's or a
    place's."""

    township: str | None = None
    village: str | None = None
    road: str | None = None
    place: str | None = None
    ends: str = ""


@dataclass(frozen=True, slots=True)
class House:
    road: str | None = None
    number: str | None = None
    building: str | None = None
    unit: str | None = None
    room: str | None = None
    place: str | None = None


def parse(raw: str) -> Address:
    """An address in its parts; any text will do, what is not recognised goes to `place`."""
    front, tail = _cut(clean(simplified(raw)))
    above, between = _front(front)
    within = house(tail, between.ends)
    return Address(
        *above.official,
        between.township,
        between.village,
        between.road or within.road,
        within.number,
        within.building,
        within.unit,
        within.room,
        (between.place or "") + (within.place or "") or None,
    )


def address_columns(values: pa.Array) -> dict[str, pa.Array]:
    """The parts and the key of `parse` for every row of a string array, as codes, each distinct piece read once."""
    whole = coded(values)
    texts = simplified_column(whole.dictionary)
    marked = pc.match_substring_regex(texts, _MARKED)
    if pc.any(marked).as_py():
        cleaned = [clean(text) for text in texts.filter(marked).to_pylist()]
        texts = pc.replace_with_mask(texts, marked, pa.array(cleaned, pa.string()))
    fronts, houses = _cut_columns(texts)
    found = _front_columns(fronts)
    tails = coded(houses)
    within = _house_columns(tails, found.pop("ends"))
    road, place = first(found["road"], within["road"]), found["place"]
    if pc.any(within["place"].is_valid()).as_py():
        place = coded(_joined(place.cast(pa.string()), within["place"].cast(pa.string())))
        place = having(place, pc.not_equal(place.dictionary, ""))
    number, building = within["number"], within["building"]
    street = first(road, found["village"], place).cast(pa.string())
    dashed = pc.binary_join_element_wise("-", building.cast(pa.string()), "")
    key = pc.binary_join_element_wise(street, _joined(number.cast(pa.string()), dashed), "")
    keyed = pc.or_(pc.is_valid(number.indices), pc.is_valid(building.indices))
    found |= {"road": road, "number": number, "building": building, "unit": within["unit"]}
    found |= {"room": within["room"], "place": place, "key": where(coded(key), keyed)}
    return {name: _of(column, whole) for name, column in found.items()}


def _front_columns(fronts: pa.Array) -> dict[str, pa.Array]:
    """What `_front` finds, as codes; divisions and streets are read apart where they stand apart, since there are
    few of each."""
    fronts = coded(fronts)
    split = pc.extract_regex(fronts.dictionary, _PREFIX)
    prefixes, streets = coded(split.field("prefix")), coded(split.field("street"))
    above = [divisions(text) for text in prefixes.dictionary.to_pylist()]
    whole = pa.array([bool(each.county and not each.rest) for each in above], pa.bool_())
    here = whole.take(prefixes.indices)
    apart = pc.invert(here)
    streets = where(streets, here)
    streets = coded(streets.cast(pa.string()))  # without those of the others
    between = [street(text) for text in streets.dictionary.to_pylist()]
    others = [_front(text) for text in fronts.dictionary.filter(apart).to_pylist()]
    found = {}
    for place, name in enumerate(LEVELS):
        known = where(read(prefixes, _texts(each.official[place] for each in above)), here)
        other = coded(_texts(each.official[place] for each, _ in others))
        found[name] = first(known, spread(other, apart))
    for name in ("township", "village", "road", "place", "ends"):
        known = read(streets, _texts(getattr(each, name) for each in between))
        other = coded(_texts(getattr(each, name) for _, each in others))
        found[name] = first(known, spread(other, apart))
    return {name: _of(column, fronts) for name, column in found.items()}


def _house_columns(tails: pa.Array, ends: pa.Array) -> dict[str, pa.Array]:
    """What `house` finds in each of `tails`, after what `ends` says, as codes. Most are written 12号3幢2单元502室 and
    stand behind a road or a village: those are cut by columns."""
    usual = pc.extract_regex(tails.dictionary, _USUAL)
    ordinary = pc.is_in(ends.dictionary, pa.array(["road", "village"])).take(ends.indices)
    plain = pc.and_(usual.is_valid().take(tails.indices), ordinary)
    others = pc.invert(plain)
    joined = pc.binary_join_element_wise(
        ends.filter(others).cast(pa.string()), tails.filter(others).cast(pa.string()), ":"
    )
    rest = coded(joined)
    houses = [house(text, after) for after, text in _split(rest.dictionary.to_pylist())]
    found = {}
    for name in ("road", "number", "building", "unit", "room", "place"):
        other = spread(read(rest, _texts(getattr(each, name) for each in houses)), others)
        if name in _USUAL_PARTS:
            cut = usual.field(name)
            cut = pc.if_else(pc.equal(cut, ""), pa.scalar(None, pa.string()), cut)
            other = first(where(read(tails, cut), plain), other)
        found[name] = other
    return found


def _split(texts: list[str]) -> Iterator[list[str]]:
    return (text.split(":", 1) for text in texts)


def _texts(values: Iterable[str | None]) -> pa.Array:
    return pa.array(list(values), pa.string())


def _of(column: pa.Array, distinct: pa.Array) -> pa.Array:
    """`column`, one for each text of a dictionary, for the rows that hold its codes."""
    return pa.DictionaryArray.from_arrays(column.indices.take(distinct.indices), column.dictionary)


def _joined(*columns: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(*columns, "", null_handling="replace", null_replacement="")


def _cut_columns(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """`_cut` for every row; a search and two slices cost a third of what the groups of one expression do."""
    texts = pa.concat_arrays([texts])  # without an offset
    at = pc.find_substring_regex(texts, _HOUSE).fill_null(-1).to_numpy()
    bounds = np.frombuffer(texts.buffers()[1], np.int32)[: len(texts) + 1]
    pieces = np.empty(2 * len(texts) + 1, np.int32)
    pieces[::2], pieces[1::2] = bounds, np.where(at < 0, bounds[1:], bounds[:-1] + at)
    both = pa.StringArray.from_buffers(
        2 * len(texts), pa.py_buffer(pieces), texts.buffers()[2] or pa.py_buffer(b"")
    )
    front = np.arange(0, 2 * len(texts), 2)
    return both.take(pa.array(front)), both.take(pa.array(front + 1))


def _cut(text: str) -> tuple[str, str]:
    found = re.search(_HOUSE, text)
    start = found.start() if found else len(text)
    return text[:start], text[start:]


def _front(front: str) -> tuple[Divisions, Street]:
    """Divisions and street of what stands before the first digit."""
    split = re.match(_PREFIX, front)
    assert split
    above = divisions(split["prefix"])
    if above.county and not above.rest:
        return above, street(split["street"])
    above = divisions(front)
    return above, street(above.rest)


def clean(text: str) -> str:
    """A simplified text without the country, brackets with what is in them, and marks that only divide."""
    return _COUNTRY.sub("", _SEPARATORS.sub("", _BRACKETED.sub("", text)))


@lru_cache(maxsize=200_000)
def street(text: str) -> Street:
    """Township, village and road at the beginning of a simplified text; what does not fit is the place."""
    township = village = road = None
    places: list[str] = []
    ends = ""
    if found := _TOWNSHIP.match(text):
        township, text, ends = found[1], text[found.end() :], "village"
    if found := _ZONE.match(text):
        text, ends = text[found.end() :], "compound"
        places.append(found[0])
    if found := _VILLAGE.match(text):
        village, text, ends = found[1], text[found.end() :], "village"
    if found := _ROAD.match(text):
        road, text, ends = found[1], text[found.end() :], "road"
    if text:
        places.append(text)
        ends = (
            "compound" if _COMPOUND.search(text) else "road" if road and _aside(text) else "place"
        )
    return Street(township, village, road, "".join(places) or None, ends)


def _aside(text: str) -> bool:
    """Whether a text between road and number only says which part of the road."""
    return re.fullmatch(r"[东南西北中一二三四五六七八九十]?[段侧边面]?", text) is not None


@lru_cache(maxsize=200_000)
def house(text: str, after: str) -> House:
    """Number, building, unit and room from the first digit on. `after`: what it follows (`Street.ends`)."""
    text = in_digits(text)
    road = number = building = unit = room = None
    if after != "road" and (found := _ROAD_IN_HOUSE.match(text)):
        road, text, after = found[1], text[found.end() :], "road"
    if after != "road" and (found := _ROW.match(text)):
        road, text, after = found[0], text[found.end() :], "road"
    part = found[0] if (found := _PART.match(text)) else ""
    if part:
        text, after = text[len(part) :], "compound"
    if after != "compound":
        if found := _LANE.match(text):
            number, building, text = found[1], found[2], text[found.end() :]
        elif (found := _NUMBERS.match(text)) and (after != "place" or "号" in found[0]):
            number, building, room = _numbers(found)
            text = text[found.end() :]
    taken: list[tuple[int, int]] = []

    def first(form: re.Pattern[str]) -> str | None:
        found = form.search(text)
        if not found or any(found.start() < end and start < found.end() for start, end in taken):
            return None
        taken.append(found.span())
        return found[1]

    if not building and (found := _CHAIN.search(text)):
        building, unit, room = found[1], found[2], found[3]
        taken.append(found.span())
    else:
        building = building or first(_BUILDING)
        unit, room = first(_UNIT), room or first(_ROOM)
        first(_FLOOR)
        room = room or first(_LAST_ROOM)
    leading = _FIRST_BUILDING.match(text) if number is None and building is None else None
    if leading and all(leading.end() <= start for start, _ in taken):
        building = leading[1]
        taken.append(leading.span())
    for start, end in sorted(taken, reverse=True):
        text = text[:start] + text[end:]
    return House(road, number, building, unit, room, part + text.strip("-号") or None)


def in_digits(text: str) -> str:
    """Numerals before a word they count (七栋, 十二楼) written as digits."""
    return _COUNTED.sub(lambda found: str(_count(found[1])), text)


def _numbers(found: re.Match[str]) -> tuple[str, str | None, str | None]:
    """Number, building and room of 12, 12-14 (one house), 12-3 and 12-3-502."""
    first, second, third = found.groups()
    if second and not third and 0 < int(second) - int(first) <= _SPAN:
        return f"{first}-{second}", None, None
    return first, second, third


def _count(numeral: str) -> int:
    """一 to 九十九 as a number; digits in a row (一二) as they stand."""
    if "十" not in numeral:
        return int("".join(str(_NUMERAL[c]) for c in numeral))
    tens, _, ones = numeral.partition("十")
    return (_NUMERAL[tens[0]] if tens else 1) * 10 + (
        _NUMERAL[ones[0]] if ones[:1] in _NUMERAL else 0
    )
