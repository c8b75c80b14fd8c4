"""A file of a million customers through the import wizard: received, checked, loaded, taken back.

    python benchmarks/wizard.py [--rows 1000000] [--home FOLDER]

Invented persons with document, mobile, address, sex and birthday, as CSV, in a throw-away embedded PostgreSQL. Each
step runs in a process of its own, as a request or a job of the worker would: seconds by the clock, processor seconds
of the process, of the reading process and of the database backend, the most memory of either process. The steps must
leave as many customers as they say: none, none, all, none.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))
import load

HEADER = "编号,姓名,身份证号,手机,地址,性别,出生日期,开户日期\n"
STEPS = ("receive", "check", "load", "take back")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        _run(asked.step, asked.home)
        return
    with ExitStack() as stack:
        home = asked.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        load._start(stack, home)
        size = _write(home / "customers.csv", asked.rows)
        print(f"{asked.rows:,} rows, {size / 1024**2:.0f} MB", flush=True)
        for step in STEPS:
            _tell(step, home, asked.rows)
        print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f}")


def _write(path: Path, rows: int) -> int:
    """No province has the code 29, no operator the prefix 154: nobody's numbers."""
    from zhike.customers.identifiers import id_check

    family, given = (
        "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高",
        "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平",
    )
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for n in range(rows):
            name = family[n % 20] + given[n // 20 % 20] + given[n // 400 % 20]
            day = f"{1950 + n // 6_720 % 50}{1 + n // 560 % 12:02d}{1 + n // 20 % 28:02d}"
            document = f"29{n // 336_000:04d}{day}{n % 20:03d}"
            sex = "女男"[n % 20 % 2]
            file.write(
                f"{n},{name},{document}{id_check(document)},154{n:08d},岫禾市澍浦县文昌路{n % 900}号{n % 37}幢,"
                f"{sex},{day[:4]}-{day[4:6]}-{day[6:]},20{10 + n % 15}-0{1 + n % 9}-1{n % 10}\n"
            )
    return path.stat().st_size


def _tell(step: str, home: Path, rows: int) -> None:
    command = [sys.executable, __file__, "--step", step, "--home", str(home)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    got: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    expected = rows if step == "load" else 0
    assert got["customers"] == expected, got
    print(
        f"{step:<10}{got['wall']:8.1f} s  CPU {got['cpu']:7.1f} s (database {got['database']:6.1f})  "
        f"{got['mb']:>5} MB, reading {got['reading_mb']:>4} MB  {rows / got['wall']:8,.0f} rows a second",
        flush=True,
    )


def _run(step: str, home: Path) -> None:
    """What the process of a step does."""
    import django

    django.setup()
    from zhike.customers.models import Party
    from zhike.masterdata.models import Upload
    from zhike.masterdata.tests import uploads

    work: dict[str, Callable[[], Upload]] = {
        "receive": lambda: _received(home),
        "check": lambda: uploads.work(Upload.objects.get()),
        "load": lambda: uploads.work(_asked("load")),
        "take back": lambda: uploads.work(_asked("revert")),
    }
    before = load._backend_cpu()
    with load._measured() as spent:
        upload = work[step]()
    database = load._backend_cpu() - before
    assert not upload.error, upload.error
    print(
        json.dumps(
            {
                "wall": spent.wall,
                "cpu": spent.cpu,
                "database": database,
                "mb": _peak(resource.RUSAGE_SELF),
                "reading_mb": _peak(resource.RUSAGE_CHILDREN),
                "customers": Party.objects.count(),
            }
        )
    )


def _peak(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


def _received(home: Path) -> Any:
    """The file sent, its columns as suggested; its check is asked for."""
    from django.core.files.uploadedfile import UploadedFile
    from django.test.utils import setup_test_environment
    from django.urls import reverse

    from zhike.masterdata.models import Upload
    from zhike.masterdata.tests import uploads

    setup_test_environment()  # what a form holds is asked of the page's own context
    client = uploads.operator()
    with (home / "customers.csv").open("rb") as file:
        answer = client.post(
            reverse("masterdata:new"), {"file": UploadedFile(file, "customers.csv")}
        )
    assert answer.status_code == 303, answer.content.decode()
    upload = Upload.objects.get()
    said = {**uploads.suggested(client, upload), "source_name": "样例文件"}
    uploads.do(client, upload, "map", **said)
    assert upload.state == Upload.State.CHECKING, upload.error
    return upload


def _asked(what: str) -> Any:
    """The upload, whose owner asked for its load or to have it taken back."""
    from zhike.access.queries import actor_for
    from zhike.masterdata.models import Upload
    from zhike.masterdata.services import reverting, wizard

    upload = Upload.objects.select_related("run", "user").get()
    actor = actor_for(upload.user, origin="benchmark")
    if what == "load":
        return wizard.ask_load(actor=actor, upload=upload)
    assert upload.run is not None
    return reverting.ask_revert(actor=actor, run=upload.run, reason="wrong file")


if __name__ == "__main__":
    main()
