"""Two records in the reader's words: where each came from, what agrees, how nearly, and what that is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.access.masks import MASKS
from zhike.customers import rules
from zhike.customers.models import Party
from zhike.kernel.actor import Actor
from zhike.masterdata.models import SourceRecord
from zhike.masterdata.queries import COMPARED, Side
from zhike.masterdata.services.surviving import WORDS
from zhike.masterdata.waterfall import weighed
from zhike.masterdata.word_reasons import valued

# The levels of the comparisons (matching.comparing) as a person says them.
LEVELS: Mapping[str, str | Promise] = {
    "same": pgettext_lazy("level", "the same"),
    "same name": _("the same name"),
    "same sound": _("another spelling of the same sound"),
    "order turned": _("given name and surname turned round"),
    "sound 1 or 2 letters apart": _("sounds nearly the same"),
    "one character differs": _("one character differs"),
    "same surname, a name lacks": _("the same surname; one has no full name"),
    "one part of the name": _("surname or given name alone"),
    "otherwise": pgettext_lazy("level", "different"),
    "same number": _("the same number"),
    "number 1 or 2 digits apart": _("one or two digits differ"),
    "same birthday, a number lacks": _("the same birthday; one has no number"),
    "same birthday, other number": _("the same birthday, another number"),
    "same year, a day unknown": _("the same year of birth; one day is unknown"),
    "birthday one digit apart, a number lacks": _("the birthday differs in one digit; one has no number"),
    "one digit apart": _("one digit differs"),
    "same home": _("the same home"),
    "same house": _("the same house"),
    "same house number": _("the same house number"),
    "same street": _("the same street"),
    "same street and number": _("the same street and number"),
    "township": _("the same township"),
    "1 or 2 characters apart": _("one or two characters differ"),
    "1 or 2 letters apart": _("one or two letters differ"),
    "1 to 3 letters apart": _("one to three letters differ"),
    "one core within the other": _("one name within the other"),
    "most syllables the same": _("most syllables of the name are the same"),
    "same core, no other place": _("the same core of the name, no other place"),
    "same core, other place": _("the same core of the name, another place"),
}  # fmt: skip
AGREES, NEAR, DIFFERS, SILENT = "agrees", "near", "differs", "silent"
MARKS: Mapping[str, tuple[str, str | Promise]] = {
    AGREES: ("check", pgettext_lazy("two values", "agrees")),
    NEAR: ("check", pgettext_lazy("two values", "nearly agrees")),
    DIFFERS: ("x", pgettext_lazy("two values", "differs")),
    SILENT: ("minus", _("only one says something")),
}

_COMPARED = frozenset(field for fields in COMPARED.values() for field in fields)


@dataclass(frozen=True)
class Line:
    """One field of both, how they compare (`mark`, `icon`, `words`) and what that is worth, signed ("" for nothing).

    What is not `compared` is there for whoever looks, and speaks neither for nor against.
    """

    label: str
    left: str
    right: str
    mark: str
    icon: str
    words: str
    weight: str
    speaks_for: bool
    compared: bool


@dataclass(frozen=True)
class RecordHead:
    """Where a record came from, and the customer it is part of. `run_url` is "" for who may not see imports."""

    party: Party
    system: str
    table: str
    key: str
    observed_on: date | None
    file: str
    line: int | None
    run_url: str


def compared(sides: Sequence[Side]) -> list[Line]:
    """The lines of the comparison; what was weighed says how nearly the two agree."""
    return [_line(side) for side in sides]


def _line(side: Side) -> Line:
    weight, mark = side.weight or 0, _mark(side)
    icon, words = MARKS[mark]
    left, right = (_value(side.name, value) for value in (side.left, side.right))
    return Line(
        side.label,
        left,
        right,
        mark,
        icon,
        str(LEVELS.get(side.level, side.level) or words),
        weighed(weight) if side.weight is not None else "",
        weight >= 0,
        side.name in _COMPARED,
    )


def _mark(side: Side) -> str:
    """What was weighed was compared in its normal form: there 岫禾市 and 岫禾 agree. The rest is as it is written."""
    if side.level and (side.weight or 0) > 0:
        return AGREES if side.level.startswith("same") else NEAR
    if side.level:
        return DIFFERS
    return SILENT if side.agrees is None else AGREES if side.agrees else DIFFERS


def _value(field: str, value: str) -> str:
    return valued(field, value) if value and field in WORDS else value


def record_head(actor: Actor, record: SourceRecord) -> RecordHead:
    """Needs the record's party, system and file with its run read along."""
    run = record.file.run if record.file else None
    sees = run is not None and actor.may("masterdata.view")
    return RecordHead(
        record.party,
        record.system.name,
        # What was entered here has no table anybody knows of.
        "" if record.system.code == SourceRecord.BY_HAND else record.table,
        shown_key(record.key),
        record.observed_on,
        record.file.name if record.file and sees else "",
        record.line if sees else None,
        reverse("masterdata:run", args=[run.public_id]) if run is not None and sees else "",
    )


def shown_key(key: str) -> str:
    """A record's key; masked where the source keys its records by a number that identifies."""
    return MASKS["identity"](key) if rules.sealed_kinds_in(key) else key
