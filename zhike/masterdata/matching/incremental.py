# ruff: noqa: S608  the words put into SQL are the schemes' own
"""A day's new records against those known, without redoing the known ones.

Whoever keeps the records keeps `block_keys` of each beside it. A day is then: keys of the new records, all known
records that hold one of them, `score`. The pairs are those a run over everything finds with the same model.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching.comparing import SCHEMES
from zhike.masterdata.matching.engine import MEMORY, Records, Table, database, kinds_in, of_kind
from zhike.masterdata.matching.model import Model
from zhike.masterdata.matching.scoring import part_sql, scored

_KEYS: Final = pa.schema([("record", pa.int64()), ("keys", pa.list_(pa.int64()))])


def block_keys(normalised: Records, model: Model) -> Table:
    """record, keys (list of int64, ascending, none twice) of every record; two records with a key in common are
    worth comparing by this model. A key is the start of SHA-256 over the model's secret and the values: without the
    secret it tells nothing, and equal values have equal keys only under one secret. A model that is trained anew
    may use other keys, so all records need theirs anew.
    """
    tables = [_KEYS.empty_table()]
    with database() as con:
        con.execute("set variable secret = ?", [model.secret.hex()])
        for kind in kinds_in(normalised):
            con.register("records", of_kind(normalised, kind))
            keys = ", ".join(
                f"""cast('0x' || left(sha256(getvariable('secret') || '{kind}{number}:' || {part_sql(key)}), 15)
                as bigint)"""
                for number, key in enumerate(SCHEMES[kind].keys)
                if key.name in model.kinds[kind].keys
            )
            tables.append(
                con.sql(
                    f"""select record, list_sort(list_distinct(cast([{keys}] as bigint[]))) as keys
                    from records"""
                ).to_arrow_table()
            )
    return pa.concat_tables([table.cast(_KEYS) for table in tables])


def score(
    model: Model, new: Table, candidates: Table, *, least: float = 0.5, memory: str = MEMORY
) -> Table:
    """The pairs of `predict` of which one record is new.

    new, candidates: normalised; candidates are all known records that share a key with a new one (more do no
    harm). Columns as of `predict`. A record in both counts as new.
    """
    known = candidates.filter(
        pc.invert(pc.is_in(candidates["record"], new["record"].combine_chunks()))
    )
    everyone = pa.concat_tables([new, known])
    return scored(model, everyone, fresh=new.select(["record"]), least=least, memory=memory)
