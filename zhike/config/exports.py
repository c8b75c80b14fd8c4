"""What a user may see, as files and as one JSON object: the command line's window on scopes and masks.

An export runs under somebody's rights: rows start at `visible_to`, values come masked as on the screens, and the
trail says who took how many.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
from django.http import Http404, HttpRequest
from pyarrow import parquet

from zhike.access.queries import actor_with_login
from zhike.customers import api as customers
from zhike.customers.models import Party
from zhike.customers.queries import with_standing
from zhike.customers.services import note_export
from zhike.insight.marts import CUSTOMER_VALUE
from zhike.insight.models import Score
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.warehouse import Warehouse

CHUNK = 2000
FORMULA = re.compile(r"[=+\-@\t\r\0](?![0-9.]+$)")
"""How a cell begins that a spreadsheet would take for a formula; a plain number is none."""


def acting_as(login: str, origin: str) -> Actor:
    """The actor of a login. Raises UserError for one that is unknown or may not sign in."""
    actor = actor_with_login(login, origin)
    if actor.user_id is None:
        raise UserError(f"There is no login {login} that may sign in.", "See Units and people.")
    return actor


def customer(actor: Actor, public_id: str) -> dict[str, Any]:
    """One customer as the API shows it to this actor. Raises UserError for one absent or out of scope."""
    request = HttpRequest()
    request.actor = actor  # type: ignore[attr-defined]
    try:
        found = customers.get_customer(request, UUID(public_id))
    except (Http404, ValueError) as error:
        raise UserError(
            "There is no such customer in this user's scope.",
            "Copy the id from the page's address.",
        ) from error
    return customers.PartyDetail.model_validate(found).model_dump(mode="json")


def _customers(actor: Actor) -> Iterator[dict[str, Any]]:
    rows = with_standing(Party.objects.visible_to(actor)).order_by("pk")
    for party in rows.iterator(chunk_size=CHUNK):
        yield customers.PartyLine.model_validate(customers.line(actor, party)).model_dump(
            mode="json"
        )


def _scores(actor: Actor) -> Iterator[dict[str, Any]]:
    rows = Score.objects.visible_to(actor).order_by("as_of", "party_id")
    for score in rows.values("party__public_id", "as_of", "values").iterator(chunk_size=CHUNK):
        yield {
            "customer": str(score["party__public_id"]),
            "as_of": score["as_of"].isoformat(),
            **score["values"],
        }


def _customer_value(actor: Actor) -> Iterator[dict[str, Any]]:
    actor.must("insight.view")
    ids = dict(Party.objects.visible_to(actor).values_list("pk", "public_id"))
    with Warehouse().reading(CUSTOMER_VALUE) as db:
        for batch in db.table("customer_value").to_pyarrow().to_batches():
            for row in batch.to_pylist():
                if (public_id := ids.get(row.pop("party_id"))) is not None:
                    plain = {name: None if v is None else str(v) for name, v in row.items()}
                    yield {"customer": str(public_id), **plain}


EXPORTS: dict[str, Callable[[Actor], Iterator[dict[str, Any]]]] = {
    "customers": _customers,
    "scores": _scores,
    "customer_value": _customer_value,
}


def export(actor: Actor, name: str, format: str, out: Path) -> int:
    """Write `name` to `out` under the actor's rights; answers the number of rows.

    The file appears whole or not at all. Raises UserError for an unknown name or a place that cannot be written.
    """
    if name not in EXPORTS:
        raise UserError(f"There is no export {name}.", f"One of: {', '.join(EXPORTS)}.")
    actor.must("customers.export")
    half = out.with_name(out.name + ".half")
    try:
        count = WRITERS[format](EXPORTS[name](actor), half)
        note_export(actor=actor, name=name, count=count)
        half.replace(out)
    except OSError as error:
        raise UserError(
            f"{out} cannot be written ({error.strerror}).", "Choose another place."
        ) from error
    finally:
        half.unlink(missing_ok=True)
    return count


def _write_csv(rows: Iterator[dict[str, Any]], path: Path) -> int:
    """A cell that a spreadsheet would take for a formula gets a quote before it."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = None
        for row in rows:
            writer = writer or csv.DictWriter(file, list(row))
            if not count:
                writer.writeheader()
            writer.writerow(
                {
                    name: f"'{value}" if FORMULA.match(str(value)) else value
                    for name, value in row.items()
                }
            )
            count += 1
    return count


def _write_json(rows: Iterator[dict[str, Any]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for row in rows:
            file.write(("\n" if not count else ",\n") + json.dumps(row, ensure_ascii=False))
            count += 1
        file.write("\n]\n")
    return count


def _write_parquet(rows: Iterator[dict[str, Any]], path: Path) -> int:
    found = list(rows)
    texts = [{name: None if v is None else str(v) for name, v in row.items()} for row in found]
    parquet.write_table(pa.Table.from_pylist(texts), path, compression="zstd")
    return len(found)


WRITERS: dict[str, Callable[[Iterator[dict[str, Any]], Path], int]] = {
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
}
