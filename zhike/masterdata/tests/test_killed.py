"""Matching, merging and splitting killed at any moment end as undisturbed; ZHIKE_KILLS says how often."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from zhike.kernel.tests.factories import database

KILLS = int(os.environ.get("ZHIKE_KILLS", "20"))
# Forks a child for each line it reads, "<what> <statement to die at>", and answers with what became of it.
DRIVER = """
import os, signal, sys
from datetime import date
import django
django.setup()
from django.db import connection
from zhike.customers.models import Merge, Party
from zhike.customers.services import open_party
from zhike.customers.tests.factories import SYSTEM, unit
from zhike.masterdata.models import SourceRecord
from zhike.masterdata.services import match
from zhike.masterdata.services.reviewing import merge_customers, split_customer

def seed():
    place = unit()
    for number in range(24):
        name = "王李张刘陈杨黄赵"[number % 8] + "伟芳娜敏"[number % 4] + "丽强磊"[number % 3]
        for _twice in range(2 if number < 6 else 1):
            open_party(actor=SYSTEM, kind="person", type="individual", name=name, unit=place,
                       mobile=f"1385612{number:04}", fields={"birth_on": date(1980 + number % 10, 3, 1 + number % 9)})

def merge():
    one, two = Party.objects.order_by("pk")[8:10]
    if not Merge.objects.filter(how="hand").exists():
        merge_customers(actor=SYSTEM, absorbed=two, into=one, reason="同一人")

def split():
    for each in Merge.objects.filter(how="hand", undone_at=None):
        split_customer(actor=SYSTEM, merge=each, reason="两个人")

WORK = {"seed": seed, "match": lambda: match(actor=SYSTEM, whole=True), "merge": merge, "split": split}

def child(what, last):
    count = 0
    def counted(execute, sql, params, many, context):
        nonlocal count
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)
    with connection.execute_wrapper(counted):
        WORK[what]()
    connection.close()
    return count

for line in sys.stdin:
    what, last = line.split()
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.write(writing, str(child(what, int(last))).encode())
        os._exit(0)
    os.close(writing)
    _process, status = os.waitpid(process, 0)
    done = os.read(reading, 20).decode()
    os.close(reading)
    print(done or ("killed" if os.WIFSIGNALED(status) else "failed"), flush=True)
"""
STATE = """
import json, django
django.setup()
from collections import Counter
from zhike.customers.models import ContactPoint, Merge, Party, SetAside
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import MatchModel, MatchRun, Pair, SourceRecord

def rows(queryset, *names):
    return sorted(map(str, queryset.values_list(*names)))

print(json.dumps({
    "parties": rows(Party.objects, "pk", "name", "birth_on", "stage", "name_key"),
    "records": rows(SourceRecord.objects, "pk", "party_id", "values"),
    "compared": SourceRecord.objects.filter(keys=None).count(),
    "mobiles": rows(ContactPoint.objects, "pk", "party_id"),
    "merges": rows(Merge.objects.filter(undone_at=None), "absorbed", "into", "root_id", "how"),
    "undone": Merge.objects.exclude(undone_at=None).count(),
    "aside": rows(SetAside.objects, "table", "homes"),
    "pairs": rows(Pair.objects, "left_id", "right_id", "state"),
    "running": MatchRun.objects.filter(state="running").count(),
    "done": MatchRun.objects.filter(state="done").count(),
    "models": MatchModel.objects.count(),
    "trail": Counter(AuditEntry.objects.filter(action__contains="m").values_list("action", flat=True)),
}))
"""


def driven(environment: dict[str, str], *orders: str) -> list[str]:
    """What became of each order, in one process that forks for each."""
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DRIVER],
        env=environment,
        input="".join(f"{order}\n" for order in orders),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return told.stdout.split()


def state(environment: dict[str, str]) -> Any:
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STATE],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(told.stdout)


def moments(statements: int, salt: str) -> list[int]:
    """Statements to die at, spread over all of them; the same each time."""
    chosen = random.Random(f"{salt}{KILLS}")
    return sorted(chosen.choices(range(1, statements + 1), k=KILLS))


@pytest.mark.usefixtures("django_db_blocker")
def test_killed_and_started_again_ends_the_same(tmp_path: Path) -> None:
    own = connection.settings_dict["NAME"]
    with database(f"{own}_calm") as calm, database(f"{own}_torn") as torn:
        for environment in (calm, torn):
            environment["ZHIKE_HOME"] = str(tmp_path)
        steps = ("match", "merge", "split")
        _seeded, *counts = driven(calm, *(f"{step} 0" for step in ("seed", *steps)))
        orders = ["seed 0"]
        for step, count in zip(steps, counts, strict=True):
            orders += [f"{step} {moment}" for moment in moments(int(count), step)]
            orders += [f"{step} 0"]
        answers = driven(torn, *orders)
        assert answers.count("killed") == KILLS * len(steps)
        assert "failed" not in answers
        undisturbed = state(calm)
        assert undisturbed["done"] == 1
        assert undisturbed["running"] == 0
        assert len(undisturbed["merges"]) == 6
        assert state(torn) == undisturbed
