"""A load of the Berka files killed again and again, and started again, ends as an undisturbed one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.db import connection

from zhike.kernel.tests.factories import database
from zhike.packs.bank.tests import test_berka

pytestmark = test_berka.pytestmark

# Prints every step and waits for a word before it goes on, so that the test kills it exactly there.
LOADER = """
import sys
import django
django.setup()
from zhike.kernel.actor import system
from zhike.kernel.packs import find_mapping
from zhike.kernel.warehouse import Warehouse
from zhike.masterdata.services import load
from pathlib import Path

def step(name):
    print(name, flush=True)
    sys.stdin.readline()

append = Warehouse.append

def told(self, *arguments, **named):
    step("before the warehouse")
    done = append(self, *arguments, **named)
    step("after the warehouse")
    return done

Warehouse.append = told
load(actor=system("test"), mapping=find_mapping("berka"), paths=[Path(sys.argv[1])],
     progress=lambda phase, share: step(f"{phase} {'done' if share == 1 else 'begun'}"))
step("end")
"""
STATE = """
import hashlib, json, django
django.setup()
from zhike.customers.models import Party
from zhike.kernel.models import AuditEntry
from zhike.kernel.warehouse import Warehouse
from zhike.masterdata.models import ImportFile, ImportRun, SourceRecord
from zhike.masterdata.queries import summary
from zhike.organisation.models import Unit
from zhike.products.models import Agreement, Holding, Product

def rows(queryset, *names):
    listed = sorted(map(str, queryset.values_list(*names)))
    return len(listed), hashlib.sha256("\\n".join(listed).encode()).hexdigest()

with Warehouse().reading("facts/transactions") as backend:
    stored = backend.con.execute("SELECT * FROM transactions").fetchall()
keys = dict(Agreement.objects.values_list("pk", "source_key"))
names = dict(Party.objects.values_list("pk", "name"))
facts = sorted(str((names[row[0]], keys[row[1]], *row[2:])) for row in stored)
print(json.dumps({
    "units": rows(Unit.objects, "code", "name", "kind", "parent__code", "region"),
    "products": rows(Product.objects, "code", "name", "category"),
    "parties": rows(Party.objects, "name", "sex", "birth_on", "unit__code", "search_tokens", "name_key", "note"),
    "records": rows(SourceRecord.objects, "system__code", "table", "key", "line", "party__name"),
    "agreements": rows(Agreement.objects, "source_key", "party__name", "product__code", "unit__code",
        "opened_on", "matures_on", "status", "principal", "terms"),
    "holdings": rows(Holding.objects, "source_key", "party__name", "agreement__source_key", "role", "during"),
    "files": rows(ImportFile.objects.filter(state="loaded"), "table", "name", "rows_read", "rows_accepted",
        "rows_rejected", "rows_unchanged", "sums"),
    "writing": ImportFile.objects.filter(state="writing").count(),
    "trail": rows(AuditEntry.objects.filter(action="masterdata.file.load"), "action"),
    "running": ImportRun.objects.filter(state="running").count(),
    "facts": (len(facts), hashlib.sha256("\\n".join(facts).encode()).hexdigest()),
    "summary": summary("berka"),
}, default=str))
"""


def run_until(environment: dict[str, str], home: Path, last: str) -> bool:
    """Let a load go on until it says `last` and kill it there; False when it came to its end before."""
    with subprocess.Popen(
        [sys.executable, "-c", LOADER, str(test_berka.DATA)],
        env={**environment, "ZHIKE_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == last:
                os.kill(process.pid, signal.SIGKILL)
                return True
            process.stdin.write("go on\n")
            process.stdin.flush()
    assert process.returncode == 0
    return False


def state(environment: dict[str, str], home: Path) -> Any:
    told = subprocess.run(
        [sys.executable, "-c", STATE],
        env={**environment, "ZHIKE_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(told.stdout)


KILLED_AT = (
    "district begun",
    "client begun",
    "account begun",
    "order begun",
    "before the warehouse",
    "after the warehouse",
)


def test_killed_and_started_again_ends_the_same(tmp_path: Path, django_db_blocker: Any) -> None:
    own = connection.settings_dict["NAME"]
    with (
        database(f"{own}_smooth") as smooth,
        database(f"{own}_killed") as killed,
    ):
        assert not run_until(smooth, tmp_path / "smooth", "never")
        for moment in KILLED_AT:
            assert run_until(killed, tmp_path / "killed", moment), moment
        assert not run_until(killed, tmp_path / "killed", "never")
        undisturbed = state(smooth, tmp_path / "smooth")
        assert undisturbed["facts"][0] == 49102
        assert undisturbed["running"] == undisturbed["writing"] == 0
        assert state(killed, tmp_path / "killed") == undisturbed
