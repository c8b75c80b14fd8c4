"""How every verb answers: one JSON object, or lines for a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def answer(result: Any, as_json: bool, lines: Callable[[], list[str]]) -> None:
    """One JSON object, or lines for a person."""
    if as_json:
        plain = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
        click.echo(json.dumps(plain, ensure_ascii=False, default=str))
    else:
        for line in lines():
            click.echo(line)
