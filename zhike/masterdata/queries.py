"""Reads over what was loaded, and over what records say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.access.masks import MASKS
from zhike.customers.models import Party
from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.prepared import prepared
from zhike.kernel.services import must_see
from zhike.masterdata.matching.comparing import SCHEMES
from zhike.masterdata.models import ImportFile, Pair, SourceRecord, SourceSystem
from zhike.masterdata.services.surviving import WORDS, standing, words
from zhike.masterdata.survivorship import Survivor, Word

# What a pair is compared by → the fields of the records behind it.
COMPARED: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "identity": ("resident_id", "birth_on"),
    "code": ("credit_code",),
    "mobile": ("mobile",),
    "phone": ("phone",),
    "email": ("email",),
    "passport": ("passport",),
    "sex": ("sex",),
    "address": ("home_address", "registered_address", "work_address", "mailing_address"),
}
LABELS: Mapping[str, str | Promise] = {
    "prior": _("before anything is compared"),
    "name": pgettext_lazy("of a customer", "name"),
    "identity": _("document and birth date"),
    "code": _("unified social credit code"),
    "mobile": _("mobile"),
    "phone": _("telephone"),
    "email": _("e-mail"),
    "passport": _("passport"),
    "sex": _("sex"),
    "address": _("address"),
    "place": _("county"),
    "employer": _("employer"),
    "representative": _("legal representative"),
}
SEALED_LABELS: Mapping[str, str | Promise] = {
    "resident_id": _("resident identity card"),
    "passport": _("passport"),
    "credit_code": _("unified social credit code"),
    "mobile": _("mobile"),
    "phone": _("telephone"),
    "email": _("e-mail"),
    "wechat": _("WeChat"),
    "home_address": _("home"),
    "work_address": _("work"),
    "registered_address": _("registered"),
    "mailing_address": _("mailing"),
}
MASK_OF: Mapping[str, str] = {
    **dict.fromkeys(("resident_id", "passport", "credit_code"), "identity"),
    **dict.fromkeys(("mobile", "phone", "email", "wechat"), ""),
}


@dataclass(frozen=True)
class Side:
    """One field of two records beside each other, masked where it identifies; `agrees` is None where a side is silent.

    `level` says how alike they are in the words of the comparison, `weight` what that is worth (log2), both of the
    first field of a comparison only.
    """

    name: str
    label: str
    left: str
    right: str
    agrees: bool | None
    level: str = ""
    weight: float | None = None


@dataclass(frozen=True)
class FieldWords:
    """What stands in a field of a customer, and the words that do not."""

    field: str
    label: str
    survivor: Survivor
    others: tuple[Word, ...]


def sides(actor: Actor, pair: Pair) -> list[Side]:
    """Every field that one of the two records says something of; those that were compared first."""
    must_see(actor, pair)
    firm = pair.left.party.kind == Party.Kind.ORGANISATION
    scheme = SCHEMES["organisation" if firm else "person"]
    levels = {
        (comparison.name, number): level.label
        for comparison in scheme.comparisons
        for number, level in comparison.numbered
    }
    both = [record.values | record.identifying() for record in (pair.left, pair.right)]
    of_field = {field: name for name, fields in COMPARED.items() for field in fields}
    told: set[str] = set()
    found = []
    for field in (*of_field, *(name for name in WORDS if name not in of_field), "wechat"):
        left, right = (str(words.get(field) or "") for words in both)
        if not left and not right:
            continue
        comparison = of_field.get(field, "")
        weighed = pair.weights.get(comparison) if comparison not in told else None
        level = ""
        if weighed is not None:
            told.add(comparison)
            level = levels.get((comparison, int(weighed[0])), "")
        found.append(
            Side(
                field,
                label_of(field),
                _shown(field, left),
                _shown(field, right),
                left == right if left and right else None,
                level,
                weighed[1] if weighed is not None else None,
            )
        )
    return found


def waterfall(pair: Pair) -> list[tuple[str, float]]:
    """(what, weight) from the prior on; they add up to the weight of the pair."""
    steps = sorted(pair.weights.items(), key=lambda each: -abs(each[1][1]))
    return [
        (str(LABELS["prior"]), pair.prior),
        *((str(LABELS.get(name, name)), weighed[1]) for name, weighed in steps),
    ]


@wall.lowered()
def words_of(actor: Actor, party: Party) -> list[FieldWords]:
    """Field by field what stands and what else its records say, the better words first."""
    must_see(actor, party)
    said = words([party.pk]).get(party.pk, {})
    found = []
    for field, survivor in standing([party.pk]).get(party.pk, {}).items():
        others = [word for word in said[field] if word.record != survivor.word.record]
        others.sort(key=lambda word: (word.trust, word.seen_at), reverse=True)
        found.append(FieldWords(field, label_of(field), survivor, tuple(others)))
    return sorted(found, key=lambda each: WORDS.index(each.field))


@wall.lowered()
def records_of(actor: Actor, party: Party) -> list[SourceRecord]:
    """The records a customer is made of, the oldest first, with their systems and files."""
    seen = Party.objects.visible_to(actor).filter(pk=party.pk)
    records = SourceRecord.objects.filter(party__in=seen).defer("sealed", "keys", "stamps")
    return list(records.select_related("party", "system", "file__run").order_by("pk"))


@wall.lowered()
def record_of(actor: Actor, party: Party, **which: Any) -> SourceRecord | None:
    """One of the records of a customer, with its system and file."""
    seen = Party.objects.visible_to(actor).filter(pk=party.pk)
    records = SourceRecord.objects.filter(party__in=seen, **which)
    return records.select_related("party", "system", "file__run").first()


def system_names() -> dict[str, str]:
    """Source systems by code, as people call them; each customer page asks."""
    systems = prepared("masterdata.systems", SourceSystem.objects.all, {})
    return {system.code: system.name for system in systems}


def label_of(field: str) -> str:
    """A field of a record in the reader's words."""
    if field in SEALED_LABELS:
        return str(SEALED_LABELS[field])
    model_field: Any = Party._meta.get_field(field)
    return str(model_field.verbose_name)


def _shown(field: str, value: str) -> str:
    if field not in SEALED_LABELS or not value:
        return value
    kind = "address" if field.endswith("_address") else MASK_OF[field] or field
    mask: Callable[[str], str] = MASKS[kind]
    return mask(value)


def summary(system: str) -> dict[str, Any]:
    """Rows and sums by table over every file loaded from the system, and the customers they became.

    Amounts are decimal text. Raises UserError for a system nothing was loaded from.
    """
    source = SourceSystem.objects.filter(code=system).first()
    if source is None:
        raise UserError(f"Nothing was loaded from “{system}” yet.", "Load it first: zhike load.")
    tables: dict[str, dict[str, Any]] = {}
    files = ImportFile.objects.filter(run__system=source, state=ImportFile.State.LOADED)
    for file in files.order_by("pk"):
        table = tables.setdefault(
            file.table,
            {"read": 0, "accepted": 0, "rejected": 0, "unchanged": 0, "sums": {}},
        )
        table["read"] += file.rows_read
        table["accepted"] += file.rows_accepted
        table["rejected"] += file.rows_rejected
        table["unchanged"] += file.rows_unchanged
        for name, amount in file.sums.items():
            before = Decimal(table["sums"].get(name, "0"))
            table["sums"][name] = str(before + Decimal(amount))
    records = SourceRecord.objects.filter(system=source)
    return {
        "system": source.code,
        "tables": tables,
        "records": records.count(),
        "customers": records.order_by().values("party").distinct().count(),
    }
