"""Parquet files nobody should send. Its first table makes pyarrow load pandas, so each is made when it is asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import cache

import pyarrow as pa
import pyarrow.parquet as pq

from zhike.masterdata.tests.hostile import Hostile


def parquets() -> Iterator[Hostile]:
    """Parquet that is broken or holds what text cannot."""

    def table(**columns: object) -> Callable[[], bytes]:
        @cache
        def made() -> bytes:
            held = io.BytesIO()
            pq.write_table(pa.table(columns), held)
            return held.getvalue()

        return made

    def file(
        id: str, content: Callable[[], bytes], at: str, told: str = "", **more: object
    ) -> Hostile:
        return Hostile(id, content, at, told, "customers.parquet", **more)  # type: ignore[arg-type]

    sound = table(编号=["1", "2"], 姓名=["张三", "李四"])
    both = ("张三", "李四")

    def cut(share: int) -> Callable[[], bytes]:
        return lambda: sound()[: len(sound()) * share // 100]

    def turned(twelfth: int) -> Callable[[], bytes]:
        def made() -> bytes:
            damaged = bytearray(sound())
            damaged[4 + (len(damaged) - 5) * twelfth // 12] ^= 0xFF
            return bytes(damaged)

        return made

    yield file("sound Parquet", sound, "rows", names=both)
    for share in (2, 30, 70, 99):
        yield file(f"Parquet cut at {share} %", cut(share), "look", "Parquet")
    for twelfth in range(13):
        yield file(f"Parquet turned at {twelfth}/12", turned(twelfth), "any", names=both)
    yield file("NUL in Parquet", table(编号=["1", "2"], 姓名=["张\0三", "李四"]), "rows", "cannot be seen",
               names=("李四",), refused=1)  # fmt: skip

    def surrogate() -> bytes:
        names = pa.array([b"\xed\xa0\x80", "李四".encode()]).view(pa.string())
        return table(编号=["1", "2"], 姓名=names)()

    yield file("surrogate in Parquet", surrogate, "any", names=())
    yield file("nested", table(编号=[[1], [2]], 姓名=["张三", "李四"]), "any", names=both)
    yield file(
        "bytes",
        table(编号=["1", "2"], 姓名=[b"a", b"b"]),
        "check",
        "Parquet",
        more={"field_1": "name"},
    )
    yield file("numbers with a point", table(编号=[1.1010519491231e17, 2.0], 姓名=["张三", "李四"]), "rows",
               "lost digits", names=("李四",), refused=1, more={"field_0": "resident_id"})  # fmt: skip
    yield file(
        "501 columns of Parquet",
        table(**{f"c{n}": ["1"] for n in range(501)}),
        "reading",
        "at most 500",
    )
