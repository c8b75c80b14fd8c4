"""A small source: people, their accounts and postings, with a mapping to change at will."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from zhike.kernel.actor import system
from zhike.masterdata.services import LoadReport, load

MAPPING = """
[source]
code = "small"
name = "Small bank"
trust = 80

[[given]]
into = "unit"
rows = [{ code = "1", name = "Head office", kind = "head_office" }]

[[given]]
into = "product"
rows = [{ code = "A", name = "Account", category = "deposit", side = "liability" }]

[[file]]
table = "people"
path = "people.csv*"
header = ["no", "name", "id_no", "mobile", "born", "colour"]
into = "party"
key = "no"

[file.fields]
name = { column = "name" }
resident_id = { column = "id_no" }
mobile = { column = "mobile" }
birth_on = { column = "born" }

[[file]]
table = "accounts"
path = "accounts.csv*"
optional = true
header = ["no", "owner", "product", "opened", "limit"]
into = "agreement"
key = "no"

[file.fields]
party = { column = "owner", ref = "people" }
product = { column = "product" }
unit = { column = "owner", ref = "people" }
number = { column = "no" }
opened_on = { column = "opened" }
principal = { column = "limit" }

[[file]]
table = "postings"
path = "postings*.csv*"
optional = true
header = ["no", "account", "day", "way", "amount"]
into = "transaction"
key = "no"

[file.fields]
agreement = { column = "account", ref = "accounts" }
booked_on = { column = "day" }
direction = { column = "way", codes = { plus = "in", minus = "out" } }
amount = { column = "amount" }
kind = { constant = "transfer" }
"""
PEOPLE = "no,name,id_no,mobile,born,colour\n"
ACCOUNTS = "no,owner,product,opened,limit\n"
POSTINGS = "no,account,day,way,amount\n"
# Invented: no province has the code 29, no operator the prefix 154.
ID_ONE, ID_TWO = "290101198001010019", "290101198001010027"


def write(folder: Path, files: Mapping[str, str | bytes], mapping: str = MAPPING) -> Path:
    """The mapping and the files; answers the mapping's path."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (source / name).write_bytes(data)
    path = folder / "small.toml"
    path.write_text(mapping, encoding="utf-8")
    return path


def read_in(
    folder: Path, files: Mapping[str, str | bytes] | None = None, mapping: str = MAPPING
) -> LoadReport:
    path = write(folder, files or {}, mapping)
    return load(actor=system("test"), mapping=path, paths=[folder / "source"])


def rejects(report: LoadReport) -> list[str]:
    """The lines of all reject files without their headings, fields joined by commas."""
    found = []
    for path in report.reject_files:
        with Path(path).open(encoding="utf-8", newline="") as file:
            found += [",".join(row) for row in csv.reader(file)][1:]
    return found
