"""A flow killed, or met by a fault, at any moment of its way, and what stands afterwards.

    with institution() as place:
        torn = place.flow("merge")
        torn.killed(20)         # kill -9 at random moments until it ends clean: ends as an undisturbed run
        torn.at_each_moment()   # a fault at the n-th moment, n = 1, 2, 3 …: old or new, never between

A flow is named in `tests.faults.flows`. ZHIKE_KILLS says how many kills, ZHIKE_TRUST=full asks for every moment.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql

from zhike.kernel.tests.factories import database, drop_database

KILLS = int(os.environ.get("ZHIKE_KILLS", "20"))
EVERY = os.environ.get("ZHIKE_TRUST") == "full"
SAMPLE = 12  # moments of a long flow, unless all are asked for


@dataclass
class Place:
    """A server, the process that is disturbed, and databases of which each flow gets copies of its own."""

    empty: str
    folder: Path
    server: psycopg.Connection[Any]
    process: subprocess.Popen[str]
    made: list[str] = field(default_factory=list)

    def order(self, flow: str, part: str, name: str, **fault: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        order = {"flow": flow, "part": part, "database": name, "home": str(self.folder / name)}
        self.process.stdin.write(json.dumps(order | fault) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["end"] != "broken", (flow, part, fault)
        return dict(answer)

    def copy(self, original: str, name: str) -> None:
        drop_database(self.server, name)
        self.server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), sql.Identifier(original)
            )
        )
        shutil.rmtree(self.folder / name, ignore_errors=True)
        if (self.folder / original).exists():
            shutil.copytree(self.folder / original, self.folder / name)
        else:
            (self.folder / name).mkdir()
        self.made.append(name)

    def flow(self, name: str) -> Torn:
        """The flow, prepared, with one undisturbed run of it."""
        ready = f"{self.empty}_{name}"
        self.copy(self.empty, ready)
        self.order(name, "prepare", ready)
        old = self.order(name, "state", ready)["state"]
        self.copy(ready, f"{ready}_calm")
        calm = self.order(name, "run", f"{ready}_calm")
        assert calm["end"] == "done", calm
        assert calm["state"] != old, "a flow that changes nothing shows nothing"
        return Torn(self, name, ready, old, calm["state"], calm["moments"], calm["seconds"])


@dataclass(frozen=True)
class Torn:
    """`old` and `new` are what stood before and after the undisturbed run of `moments` moments and `seconds`."""

    place: Place
    name: str
    ready: str
    old: Any
    new: Any
    moments: int
    seconds: float

    def killed(self, times: int = KILLS) -> None:
        """Kill a run, begin it again, until so many are killed; each that ended, and the last, ended as undisturbed.

        Half of the kills are at a moment counted, half by the clock, which also meets what is between.
        """
        chosen, killed, name = random.Random(f"{self.name}{times}"), 0, f"{self.ready}_torn"
        self.place.copy(self.ready, name)
        while killed < times:
            fault: dict[str, Any] = {"fault": "kill", "at": chosen.randint(1, self.moments)}
            if chosen.random() < 0.5:
                fault = {"seconds": max(0.001, chosen.uniform(0, self.seconds))}
            answer = self.place.order(self.name, "run", name, **fault)
            if answer["end"] == "killed":
                killed += 1
                continue
            assert answer["end"] == "done", answer
            assert answer["state"] == self.new
            self.place.copy(self.ready, name)
        assert self.place.order(self.name, "run", name)["state"] == self.new

    def at_each_moment(self, fault: str = "raise", *, whole: bool = True) -> int:
        """A fault at moment 1, 2, 3 … until a run meets none; answers how many were met.

        After each, what stands is old or new where the flow is `whole`; begun again, it ends as undisturbed.
        """
        name = f"{self.ready}_{fault}"
        self.place.copy(self.ready, name)
        met = 0
        for moment in self._moments():
            answer = self.place.order(self.name, "run", name, fault=fault, at=moment)
            assert answer["end"] in {"done", "failed"}, answer
            if answer["moments"] < moment:
                break
            met += 1
            if whole:
                assert answer["state"] in (self.old, self.new), f"{fault} at {moment}: between"
            if answer["state"] != self.old:
                if answer["state"] != self.new:
                    again = self.place.order(self.name, "run", name)
                    assert again["state"] == self.new, f"{fault} at {moment}: {again}"
                self.place.copy(self.ready, name)
        assert self.place.order(self.name, "run", name)["state"] == self.new
        return met

    def _moments(self) -> list[int]:
        if EVERY or self.moments <= SAMPLE:
            return list(range(1, self.moments + 2))
        chosen = random.Random(self.name).sample(range(2, self.moments), SAMPLE - 2)
        return [1, *sorted(chosen), self.moments]


@contextmanager
def institution(folder: Path) -> Iterator[Place]:
    """An empty institution on the server of the tests."""
    settings = connection.settings_dict
    place = {"host": settings["HOST"], "user": settings["USER"], "password": settings["PASSWORD"]}
    empty = f"{settings['NAME']}_faults"
    with database(empty) as environment:
        environment |= {"ZHIKE_HOME": str(folder), "ZHIKE_KEYS": str(folder / "keys")}
        with (
            closing(
                psycopg.connect(
                    dbname="postgres", port=settings["PORT"] or None, autocommit=True, **place
                )
            ) as server,
            subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.faults.driver"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as process,
        ):
            here = Place(empty, folder, server, process)
            try:
                yield here
            finally:
                assert process.stdin
                process.stdin.close()
                process.wait()
                for name in here.made:
                    drop_database(server, name)
