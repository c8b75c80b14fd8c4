"""An import killed with -9 at any moment and begun again by the queue: nothing lost, nothing doubled, the same end.

Twenty kills, at seeded moments; more by ZHIKE_KILLS. Every step of the way (a statement of the database, a batch of
the file) is a moment, counted in an undisturbed run first.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from zhike.customers.models import Address, ContactPoint, Identifier, Party
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import Displaced, ImportFile, ImportRun, SourceRecord, Upload
from zhike.masterdata.tests import uploads
from zhike.masterdata.tests.uploads import do, mapped, uploaded
from zhike.masterdata.wizard import vault

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("ZHIKE_KILLS", "20"))
ROWS = 400
# Forks for each kill, so that the beginning of Python is paid for once: a child works on the upload until the
# database has been asked so many times, and dies there.
WORKER = """
import json, os, signal, sys
import django
django.setup()
from django.db import connection
from zhike.masterdata.models import Upload
from procrastinate.contrib.django import app
work = app.tasks["zhike.masterdata.tasks.work_on_upload"]

def run(upload, at):
    asked = 0
    def count(execute, sql, params, many, context):
        nonlocal asked
        asked += 1
        if asked == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)
    with connection.execute_wrapper(count):
        work.func(upload=upload)
    return asked

for line in sys.stdin:
    upload, at = json.loads(line)
    back, there = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(there, str(run(upload, at)).encode())
        os._exit(0)
    os.close(there)
    _pid, status = os.waitpid(child, 0)
    print(json.dumps([os.WIFSIGNALED(status), int(os.read(back, 20) or 0)]), flush=True)
    os.close(back)
"""


def file(seed: int) -> bytes:
    rows = [f"{n},客户{seed}之{n},15400{n:06d},{'男' if n % 2 else '女'}" for n in range(ROWS)]
    return ("编号,姓名,微信,性别\n" + "\n".join(rows) + "\n").encode()


def state(source: str) -> dict[str, Any]:
    records = SourceRecord.objects.filter(system__code=source)
    parties = Party.objects.filter(source_records__in=records)
    return {
        "parties": len(set(parties.values_list("pk", flat=True))),
        "records": records.count(),
        "contacts": ContactPoint.objects.filter(party__in=parties).count(),
        "others": Identifier.objects.count() + Address.objects.count() + Displaced.objects.count(),
        "runs": list(ImportRun.objects.filter(system__code=source).values_list("state", flat=True)),
        "files": list(
            ImportFile.objects.filter(run__system__code=source).values_list(
                "state", "rows_read", "rows_accepted", "rows_rejected"
            )
        ),
        "trail": sorted(
            AuditEntry.objects.filter(
                object_public_id__in=[
                    *ImportRun.objects.filter(system__code=source).values_list(
                        "public_id", flat=True
                    ),
                    *ImportFile.objects.filter(run__system__code=source).values_list(
                        "public_id", flat=True
                    ),
                ]
            ).values_list("action", flat=True)
        ),
    }


@pytest.fixture
def worker(tmp_path: Path) -> Any:
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"
    if database["PORT"]:
        url += f"&port={database['PORT']}"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WORKER],
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "zhike.config.settings",
            "ZHIKE_HOME": str(settings.ZHIKE_HOME),
            "ZHIKE_KEYS": str(settings.ZHIKE_KEYS),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def work(upload: Upload, at: int) -> tuple[bool, int]:
            stdin.write(json.dumps([upload.pk, at]) + "\n")
            stdin.flush()
            killed, asked = json.loads(stdout.readline())
            return killed, asked

        yield work
        stdin.close()


def ready(client: Client, seed: int) -> tuple[Upload, str]:
    """A checked file whose load was asked for; its source."""
    upload = uploaded(client, file(seed))
    mapped(client, upload, source_name=f"源{seed}")
    do(client, upload, "load")
    assert upload.state == "loading"
    from zhike.masterdata.wizard.drafting import mapping_of

    return upload, mapping_of(upload.mapping).source.code


def test_killed_at_any_moment_it_ends_the_same(worker: Any) -> None:
    client = uploads.operator()
    smooth, source = ready(client, 0)
    killed, moments = worker(smooth, -1)
    assert not killed
    undisturbed = state(source)
    assert undisturbed["parties"] == undisturbed["records"] == undisturbed["contacts"] == ROWS
    assert moments > 20
    chosen = random.Random(20261122)
    disturbed, source = ready(client, 1)
    at = 0
    for kill in range(KILLS):
        killed, _asked = worker(disturbed, chosen.randint(1, moments))
        at += killed
        disturbed.refresh_from_db()
        found = state(source)
        if disturbed.state == "loading":
            assert (found["parties"], found["records"]) == (0, 0), "wholly or not at all"
            continue
        # Killed behind the commit: it stands whole, and the next file takes the next kills.
        assert disturbed.state == "loaded"
        worker(disturbed, -1)
        assert state(source) == undisturbed
        disturbed, source = ready(client, 2 + kill)
    assert at >= KILLS * 3 // 4
    assert not worker(disturbed, -1)[0]
    disturbed.refresh_from_db()
    assert disturbed.state == "loaded"
    assert state(source) == undisturbed
    assert vault.held() == 0
