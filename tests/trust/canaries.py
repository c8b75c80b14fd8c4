"""Values planted to be looked for: one a classified field, in every form in which somebody might have copied it."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from django.apps import apps

from zhike.customers.identifiers import id_check
from zhike.customers.models import Party, Standing
from zhike.customers.services import (
    add_address,
    add_contact_point,
    add_identifier,
    add_timeline_entry,
)
from zhike.customers.tests.factories import SYSTEM
from zhike.kernel import clock, crypto
from zhike.kernel.classes import FieldClass
from zhike.masterdata.models import SourceRecord, SourceSystem
from zhike.products.models import Agreement, Product

DERIVED = frozenset(
    "blind tail name_key search_tokens keys".split()
)  # keyed digests and keys made of others


def sealed(number: int) -> dict[str, str]:
    """Values that are valid and nobody's: no province has the code 29, no operator the prefix 154."""
    stem = f"29010119731128{number:03}"
    return {
        "resident_id": stem + id_check(stem),
        "passport": f"E73194{number:03}",
        "mobile": f"15407319{number:03}",
        "phone": f"029-8731{number:04}",
        "email": f"kanarie{number}@example.com",
        "wechat": f"kanarie_wx{number}",
        "address": f"样例省样例市样例区金丝雀路{number}号七栋",
        "account": f"29907319428506{number:03}",
        "source": f"15407320{number:03}",
    }


def told(number: int) -> dict[str, str]:
    """Of class C2 and in clear to who sees the customer; to nobody else."""
    return {
        "name": f"金丝雀{'零一二三四五六七八九'[number % 10]}",
        "note": f"canary-note-{number}",
        "title": f"canary-title-{number}",
        "body": f"canary-body-{number}",
        "result": f"canary-result-{number}",
        "balance": f"73,194,{number:03}.17",
    }


def plant(party: Party, number: int) -> dict[str, Any]:
    """The customer gets a canary in every field of `sealed` and `told`; answers the sealed rows by kind."""
    words, said = sealed(number), told(number)
    made: dict[str, Any] = {}
    for kind in ("resident_id", "passport"):
        made[kind] = add_identifier(actor=SYSTEM, party=party, kind=kind, value=words[kind])
    for kind in ("mobile", "phone", "email", "wechat"):
        made[kind] = add_contact_point(actor=SYSTEM, party=party, kind=kind, value=words[kind])
    made["address"] = add_address(actor=SYSTEM, party=party, kind="home", value=words["address"])
    made["account"] = _agreement(party, words["account"])
    _record(party, words["source"])
    entry: dict[str, Any] = {name: said[name] for name in ("title", "body", "result")}
    add_timeline_entry(actor=SYSTEM, party=party, kind="contact", channel="phone", **entry)
    Party.objects.filter(pk=party.pk).update(note=said["note"])
    balance = Decimal(said["balance"].replace(",", ""))
    Standing.objects.filter(party=party).update(balance=balance)
    return made


def _agreement(party: Party, number: str) -> Agreement:
    product, _new = Product.objects.get_or_create(
        code="canary", defaults={"name": "样例存款", "category": "deposit", "side": "liability"}
    )
    row = Agreement(
        party=party,
        product=product,
        unit=party.unit,
        source="canary",
        source_key=str(party.pk),
        opened_on=clock.today(),
        blind=crypto.blind_index("account", number),
        tail=crypto.tail_index("account", number),
    )
    row.sealed_number = crypto.encrypt(number, row.place)
    row.save()
    since = clock.today().replace(year=2020, day=1)
    row.holdings.create(party=party, role="owner", during=(since, None))
    return row


def _record(party: Party, number: str) -> None:
    system, _new = SourceSystem.objects.get_or_create(code="canary", defaults={"name": "样例"})
    row = SourceRecord(
        system=system,
        table="people",
        key=str(party.pk),
        digest=bytes(16),
        party=party,
        values={"name": party.name},
    )
    row.sealed = crypto.encrypt(f'{{"mobile": "{number}"}}', row.place)
    row.save()


@cache
def forms(value: str) -> tuple[bytes, ...]:
    """UTF-8, UTF-16, GB18030, hexadecimal, Base64 wherever it begins, turned round, and a number in groups."""
    plain = value.encode()
    found = {plain, value.encode("utf-16-le"), value.encode("utf-16-be"), value.encode("gb18030")}
    found |= {plain.hex().encode(), plain.hex().upper().encode(), value[::-1].encode()}
    for before in range(3):
        whole = base64.b64encode(bytes(before) + plain)
        # What depends on the neighbours is left out at both ends.
        found.add(whole[(0, 2, 3)[before] : len(whole) - 4].rstrip(b"="))
    if value.isdigit():
        for mark in "- ":
            found.add(mark.join((value[:3], value[3:7], value[7:])).encode())
            found.add(mark.join(value[at : at + 4] for at in range(0, len(value), 4)).encode())
    return tuple(sorted(found))


def found_in(content: bytes, values: Mapping[str, str]) -> list[str]:
    """Which of the values stand in the bytes, or in the parts of the archive that they are."""
    parts = list(_parts(content))
    return [
        name
        for name, value in values.items()
        if any(form in part for form in forms(value) for part in parts)
    ]


def _parts(content: bytes) -> Iterator[bytes]:
    yield content
    if content.startswith(b"PK\3\4"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def sealed_fields() -> set[str]:
    """Every field of class C2 that is sealed: "app.Model.field"."""
    return {
        f"{model._meta.label}.{name}"
        for model in apps.get_models()
        for name, each in getattr(model, "field_classes", {}).items()
        if each is FieldClass.C2 and name.startswith("sealed") and name not in DERIVED
    }
