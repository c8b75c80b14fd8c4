"""A mapping as somebody puts it together on the screen, and the TOML it is kept as. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zhike.masterdata.mapping import SourceMapping, parse_mapping
from zhike.masterdata.wizard.shapes import Look

# What rows may become, as the grammar calls it, and the table their keys are known by.
CUSTOMERS, CONTACTS = "party", "contact"
TABLES = {CUSTOMERS: "customers", CONTACTS: "contacts"}
ROW_ITSELF = ("@file", "@line")
SUFFIXES = {"csv": "csv", "xlsx": "xlsx", "parquet": "parquet"}


@dataclass(frozen=True)
class Filled:
    """A field read from a column; `format` of a day, as strptime writes it; `codes`: the file's word → ours."""

    column: str
    format: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """`into` is what the rows are; `key` the column that tells one row from another, "" where no column does; `fixed`
    are values of every row. `owners` says, as source:table, which records the customer's numbers are keys of.
    """

    source: str = ""
    source_name: str = ""
    trust: int = 50
    key: str = ""
    filled: Mapping[str, Filled] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    into: str = CUSTOMERS
    owners: str = ""


def toml(draft: Draft, look: Look) -> str:
    """The mapping of docs/sources.md that says the same."""
    lines = [
        "[source]",
        f"code = {_said(draft.source)}",
        f"name = {_said(draft.source_name)}",
        f"trust = {draft.trust}",
        "",
        "[[file]]",
        f"table = {_said(TABLES[draft.into])}",
        f"path = {_said('*.' + SUFFIXES[look.format])}",
        f"format = {_said(look.format)}",
    ]
    if look.format == "csv":
        lines += [f"encoding = {_said(look.encoding)}", f"separator = {_said(look.separator)}"]
    if look.sheet:
        lines.append(f"sheet = {_said(look.sheet)}")
    if look.skip_rows:
        lines.append(f"skip_rows = {look.skip_rows}")
    key = [draft.key] if draft.key else list(ROW_ITSELF)
    lines += [
        f"header = {_listed(look.header)}",
        f"into = {_said(draft.into)}",
        f"key = {_listed(key)}",
        "",
        "[file.fields]",
    ]
    for name, each in draft.filled.items():
        parts = [f"column = {_said(each.column)}"]
        if name == "party":
            parts.append(f"ref = {_said(draft.owners)}")
        if each.format:
            parts.append(f"format = {_said(each.format)}")
        lines.append(f"{name} = {{ {', '.join(parts)} }}" if not each.codes else "")
        if each.codes:
            codes = ", ".join(
                f"{_said(theirs)} = {_said(ours)}" for theirs, ours in each.codes.items()
            )
            lines[-1] = f"{name} = {{ {', '.join(parts)}, codes = {{ {codes} }} }}"
    lines += [f"{name} = {{ constant = {_said(value)} }}" for name, value in draft.fixed.items()]
    return "\n".join(lines) + "\n"


def _said(text: str) -> str:
    """A basic string of TOML: JSON writes the same, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _listed(texts: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join(map(_said, texts)) + "]"


def mapping_of(text: str, name: str = "") -> SourceMapping:
    """Raises UserError for whatever the mapping says wrong."""
    return parse_mapping(Path(f"{name or 'wizard'}.toml"), text.encode())


def draft_of(mapping: SourceMapping) -> Draft:
    """The draft a kept mapping was made of."""
    table = mapping.tables[0]
    return Draft(
        source=mapping.source.code,
        source_name=mapping.source.name,
        trust=mapping.source.trust,
        key="" if table.key == ROW_ITSELF else table.key[0],
        filled={
            name: Filled(each.columns[0], each.formats[0] if each.formats else "", each.codes)
            for name, each in table.fields.items()
            if each.columns
        },
        fixed={
            name: each.constant for name, each in table.fields.items() if each.constant is not None
        },
        into=table.into,
        owners=table.fields["party"].ref if "party" in table.fields else "",
    )
