"""What is disturbed: each flow is prepared in an institution of its own, run, and looked at.

A run that was stopped anywhere is simply begun again, as the queue, an operator or a second click would do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from zhike.activities.models import WorkItem
from zhike.config.daily import run_daily
from zhike.customers.models import (
    Assignment,
    ContactPoint,
    Identifier,
    Merge,
    Party,
    SetAside,
    Standing,
    TierRating,
    TimelineEntry,
)
from zhike.customers.services import add_contact_point, hand_over, open_party
from zhike.customers.services.leaving import take_over
from zhike.customers.tests.factories import SYSTEM, employee_with_role, party, unit
from zhike.desk.models import Notice
from zhike.insight.models import Figures, RefreshRun, Score
from zhike.insight.tests import factories as facts
from zhike.kernel import crypto, events, outbox
from zhike.kernel.models import AuditEntry, Outgoing, Reaction
from zhike.kernel.warehouse import Warehouse
from zhike.masterdata.models import ImportFile, ImportRun, MatchRun, Pair, SourceRecord
from zhike.masterdata.services import match
from zhike.masterdata.services.reviewing import merge_customers, split_customer
from zhike.masterdata.tests.factories import ACCOUNTS, PEOPLE, POSTINGS, read_in
from zhike.organisation.models import Employee, Role
from zhike.privacy.services import resealing
from zhike.products.facts import TRANSACTIONS
from zhike.products.models import Agreement

DAY = date(2026, 11, 20)


@dataclass(frozen=True)
class Flow:
    """`state` answers plain values without keys that a second attempt would draw anew."""

    prepare: Callable[[], None]
    run: Callable[[], None]
    state: Callable[[], dict[str, Any]]


def rows(found: Any, *names: str) -> list[str]:
    return sorted(map(str, found.values_list(*names)))


def trail() -> dict[str, int]:
    return dict(Counter(AuditEntry.objects.values_list("action", flat=True)))


def load_files() -> None:
    people = "".join(f"{n},客户{n},,1540000{n:04},1980-01-{n:02},\n" for n in range(1, 25))
    accounts = "".join(f"K{n},{n},A,2020-01-01,1000\n" for n in range(1, 25))
    postings = "".join(f"P{n},K{1 + n % 24},2026-11-{1 + n % 20:02},plus,{n}\n" for n in range(60))
    folder = Path(settings.ZHIKE_HOME, "sources")
    folder.mkdir(exist_ok=True)
    files = {
        "people.csv": PEOPLE + people,
        "accounts.csv": ACCOUNTS + accounts,
        "postings.csv": POSTINGS + postings,
    }
    read_in(folder, files)


def loaded() -> dict[str, Any]:
    told: list[Any] = []
    if Warehouse().exists(TRANSACTIONS):
        with Warehouse().reading(TRANSACTIONS) as backend:
            told = backend.con.execute(
                "SELECT transaction_key, amount, booked_on FROM transactions ORDER BY ALL"
            ).fetchall()
    return {
        "parties": rows(Party.objects, "name", "birth_on", "search_tokens"),
        "records": rows(SourceRecord.objects, "table", "key", "line", "party__name"),
        "contacts": rows(ContactPoint.objects, "party__name", "blind"),
        "agreements": rows(Agreement.objects, "source_key", "party__name", "principal"),
        "files": rows(
            ImportFile.objects.filter(state="loaded"), "table", "rows_read", "rows_accepted"
        ),
        "facts": list(map(str, told)),
        "trail": trail().get("masterdata.file.load", 0),
        "running": ImportRun.objects.filter(state="running").count() if told else 0,
    }


def alike() -> None:
    place = unit()
    for number in range(16):
        name = "王李张刘陈杨黄赵"[number % 8] + "伟芳娜敏"[number % 4] + "丽强磊"[number % 3]
        born = date(1980 + number % 10, 3, 1 + number % 9)
        for _twice in range(2 if number < 4 else 1):
            open_party(
                actor=SYSTEM, kind="person", type="individual", name=name, unit=place,
                mobile=f"1385612{number:04}", fields={"birth_on": born},
            )  # fmt: skip


def resolve() -> None:
    if not MatchRun.objects.filter(state="done").exists():
        match(actor=SYSTEM, whole=True)


def resolved() -> dict[str, Any]:
    return {
        "parties": rows(Party.objects, "pk", "name", "birth_on", "stage", "name_key"),
        "records": rows(SourceRecord.objects, "pk", "party_id", "values"),
        "contacts": rows(ContactPoint.objects, "pk", "party_id"),
        "documents": rows(Identifier.objects, "pk", "party_id"),
        "merges": rows(Merge.objects.filter(undone_at=None), "absorbed", "into", "root_id", "how"),
        "aside": rows(SetAside.objects, "table", "homes"),
        "pairs": rows(Pair.objects, "left_id", "right_id", "state"),
        "runs": MatchRun.objects.filter(state="done").count(),
        "trail": trail(),
    }


def merge() -> None:
    if not Merge.objects.filter(how="hand").exists():
        one, two = Party.objects.order_by("pk")[8:10]
        merge_customers(actor=SYSTEM, absorbed=two, into=one, reason="同一人")


def one_by_hand() -> None:
    alike()
    resolve()
    merge()


def split() -> None:
    for each in Merge.objects.filter(how="hand", undone_at=None):
        split_customer(actor=SYSTEM, merge=each, reason="两个人")


def book() -> None:
    """Twelve customers of one manager with an open line each, and the one who takes over."""
    place = unit()
    leaver, taker = (employee_with_role(Role.CUSTOMER_MANAGER, place) for _ in range(2))
    for number in range(12):
        customer = party(f"客户{number}", unit=place, manager=leaver)
        WorkItem.objects.create(
            party=customer, employee=leaver, rule=WorkItem.Rule.PROMISE, found_on=DAY, due_on=DAY
        )
    assert taker.pk > leaver.pk


def two() -> tuple[Employee, Employee]:
    first, second = Employee.objects.order_by("pk")
    return first, second


def give_one() -> None:
    _leaver, taker = two()
    customer = Party.objects.earliest("pk")
    if not Assignment.objects.filter(party=customer, employee=taker).exists():
        hand_over(actor=SYSTEM, party=customer, to=taker, reason="轮岗交接")
    events.react(timedelta(0))  # as the queue does with what a dead process left


def give_all() -> None:
    leaver, taker = two()
    take_over(actor=SYSTEM, employee=leaver, to=taker, on=DAY, reason="离职交接")
    events.react(timedelta(0))


def held() -> dict[str, Any]:
    return {
        "assignments": rows(Assignment.objects, "party__name", "employee__code", "role", "during"),
        "timeline": rows(TimelineEntry.objects, "party__name", "kind", "source"),
        "work": rows(WorkItem.objects, "party__name", "employee__code"),
        "notices": rows(Notice.objects, "user", "kind", "params"),
        "waiting": Reaction.objects.count(),
        "trail": trail(),
    }


def facts_of_a_bank() -> None:
    facts.seeded()
    place = facts.unit()
    manager = employee_with_role(Role.CUSTOMER_MANAGER, place)
    moved = []
    for number in range(6):
        customer = facts.party(place, f"客户{number}")
        facts.assign(customer, manager)
        account = facts.agreement(customer, facts.product())
        moved += [
            facts.movement(
                account, date(2026, month, 5), f"{1000 * number + month}", key=f"{month}"
            )
            for month in (9, 10, 11)
        ]
    facts.load(moved)


def turn() -> None:
    run_daily(actor=SYSTEM, as_of=DAY)


def turned() -> dict[str, Any]:
    return {
        "scores": rows(Score.objects, "party__name", "as_of", "balance", "contribution"),
        "standings": rows(Standing.objects, "party__name", "tier__code", "value_class"),
        "ratings": rows(TierRating.objects, "party__name", "tier__code"),
        "figures": Figures.objects.count(),
        "work": rows(WorkItem.objects, "party__name", "rule", "state", "found_on"),
        "done": RefreshRun.objects.filter(state="done").exists(),
    }


class Ledger:
    """The other side: a line for each call it got, however often. It can be asked."""

    id = "ledger"

    def carry(self, key: UUID, payload: Mapping[str, Any]) -> None:
        with self._file().open("a") as file:
            file.write(f"{key}\n")

    def has_taken(self, key: UUID) -> bool | None:
        return str(key) in self.calls()

    def calls(self) -> list[str]:
        return self._file().read_text().split() if self._file().exists() else []

    def _file(self) -> Path:
        return Path(settings.ZHIKE_HOME, "ledger")


outbox.carriers._items["ledger"] = Ledger()  # the registry is closed by now


def messages() -> None:
    for number in range(12):
        outbox.post("ledger", {"number": number})


def say() -> None:
    outbox.deliver(ask_after=timedelta(0))


def said() -> dict[str, Any]:
    calls = Counter(Ledger().calls())
    told = Outgoing.objects.values_list("state", "public_id")
    return {"messages": sorted((state, calls[str(key)]) for state, key in told)}


def sealed() -> None:
    """Numbers of twenty customers, messages, and a key made after they were sealed."""
    for number in range(20):
        customer = party(f"客户{number}", unit=unit(f"网点{number}"))
        mobile = f"1541234{number:04}"
        add_contact_point(actor=SYSTEM, party=customer, kind="mobile", value=mobile)
    messages()
    settings.ZHIKE_DATA_KEYS.add()


def reseal() -> None:
    resealing.BATCH = 4
    resealing.reseal(actor=SYSTEM)


def opening() -> dict[str, Any]:
    points = ContactPoint.objects.order_by("pk")
    return {
        "values": [each.in_clear() for each in points],
        "messages": [
            crypto.decrypt(bytes(each.sealed or b""), each.place)
            for each in Outgoing.objects.order_by("pk")
        ],
        "found": [
            ContactPoint.objects.filter(blind=crypto.blind_index("mobile", each.in_clear())).count()
            for each in points
        ],
        "left": resealing.standing(),
    }


FLOWS = {
    "load": Flow(lambda: None, load_files, loaded),
    "match": Flow(alike, resolve, resolved),
    "merge": Flow(alike, merge, resolved),
    "split": Flow(one_by_hand, split, resolved),
    "refresh": Flow(facts_of_a_bank, turn, turned),
    "assignment": Flow(book, give_one, held),
    "book": Flow(book, give_all, held),
    "outbox": Flow(messages, say, said),
    "reseal": Flow(sealed, reseal, opening),
}
