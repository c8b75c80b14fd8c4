"""The process that is disturbed: it begins Python once, forks for each order and answers what became of the child.

An order is a line of JSON: the flow, its part (prepare, run or state), the database and data folder, and a fault. The
moments of a flow are counted: each statement, each commit, each write to the warehouse and the moment after it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings


@dataclass(frozen=True)
class Order:
    """`fault` is kill, raise, drop (the connection) or nothing, at the moment `at`; or kill after `seconds`."""

    flow: str
    part: str
    database: str
    home: str
    fault: str = ""
    at: int = 0
    seconds: float = 0.0


class Moments:
    """Counts, and does what the order says at the one it names."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.count = 0

    def next(self) -> None:
        from django.db import OperationalError, connection

        self.count += 1
        if self.count != self.order.at:
            return
        match self.order.fault:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "raise":
                raise OperationalError("a planted fault")
            case "drop":
                held: Any = connection.connection
                held.close()  # the driver's own, so that whoever asks next finds it gone

    @contextmanager
    def counted(self) -> Iterator[None]:
        from django.db import connection

        from zhike.kernel.warehouse import Warehouse

        def statement(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
            self.next()
            return execute(sql, params, many, context)

        def around(method: Callable[..., Any]) -> Callable[..., Any]:
            def told(*arguments: Any, **named: Any) -> Any:
                self.next()
                done = method(*arguments, **named)
                self.next()
                return done

            return told

        commit: Any = connection._commit  # type: ignore[attr-defined]
        before = {name: getattr(Warehouse, name) for name in ("append", "overwrite")}

        def committed() -> Any:
            self.next()
            return commit()

        connection._commit = committed  # type: ignore[attr-defined]
        for name, method in before.items():
            setattr(Warehouse, name, around(method))
        try:
            with connection.execute_wrapper(statement):
                yield
        finally:
            connection._commit = commit  # type: ignore[attr-defined]
            for name, method in before.items():
                setattr(Warehouse, name, method)


def obey(order: Order) -> dict[str, Any]:
    """In the child: do the part, and say how it ended, after how many moments, and what stands then."""
    from django.db import connection

    from tests.faults.flows import FLOWS

    connection.settings_dict["NAME"] = order.database
    settings.ZHIKE_HOME = Path(order.home)
    settings.WAREHOUSE_URL = str(Path(order.home, "warehouse"))
    settings.ZHIKE_AUDIT_HEADS = Path(order.home, "audit", "heads")
    flow = FLOWS[order.flow]
    if order.part == "state":
        return {"end": "done", "state": flow.state()}
    if order.part == "prepare":
        flow.prepare()
        connection.close()
        return {"end": "done", "state": None}
    moments, began = Moments(order), time.monotonic()
    try:
        with moments.counted():
            flow.run()
        end, said = "done", ""
    except Exception as error:
        end, said = "failed", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - began
    connection.close()
    return {
        "end": end,
        "said": said,
        "moments": moments.count,
        "seconds": seconds,
        "state": flow.state(),
    }


def in_child(order: Order) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as out:
                json.dump(obey(order), out, default=str)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    if order.seconds:
        time.sleep(order.seconds)
        os.kill(child, signal.SIGKILL)  # not yet waited for, so its number is nobody else's
    with os.fdopen(reading) as answer:
        told = answer.read()
    _child, status = os.waitpid(child, 0)
    if told and not os.WIFSIGNALED(status):
        return dict(json.loads(told))
    if os.WIFSIGNALED(status):
        return {"end": "killed"}
    return {"end": "broken"}


def _load() -> None:
    """What every child would load anew: the flows, the texts, the addresses; and passwords cost little, as in tests."""
    from django.contrib.auth.hashers import Argon2PasswordHasher
    from django.urls import get_resolver
    from django.utils.translation import gettext

    from tests.faults import flows  # noqa: F401  they register
    from zhike.masterdata.matching.normalise import company_name, parse, person_name

    gettext("customer")
    person_name("王伟"), parse("杭州市西湖区文三路12号"), company_name("杭州样例有限公司")
    get_resolver()._populate()
    Argon2PasswordHasher.time_cost = Argon2PasswordHasher.parallelism = 1
    Argon2PasswordHasher.memory_cost = 8


def main() -> None:
    django.setup()
    _load()
    for line in sys.stdin:
        order = Order(**json.loads(line))
        answer = in_child(order)
        if answer["end"] == "killed":
            answer |= {"state": in_child(Order(**{**vars(order), "part": "state", "seconds": 0}))}
            answer["state"] = answer["state"].get("state")
        print(json.dumps(answer, default=str), flush=True)  # noqa: T201  it is the answer


if __name__ == "__main__":
    main()
