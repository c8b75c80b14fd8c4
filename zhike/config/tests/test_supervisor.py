"""The supervisor with tiny real children, whose shared standard output shows what lives.

A pipe ends only when every process that holds it has ended: the end of `site.stdout` proves that no
child and no child's child is left.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from zhike.config.supervisor import ServeError, check_host, check_port, site

DEADLINE = 30.0  # seconds; only a broken test waits so long

SITE = """
import json, sys
from zhike.config.supervisor import Child, ServeError, Supervisor
grace, *commands = map(json.loads, sys.argv[1:])
children = [Child(f"child {i}", argv) for i, argv in enumerate(commands)]
try:
    Supervisor(children, grace=grace, first_pause=0.01).run()
except ServeError as error:
    sys.exit(str(error))
"""
POLITE = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one that comes before the wait is not lost
os.write(1, b"%d\\n" % os.getpid())
signal.sigwait({signal.SIGTERM})
os.write(1, b"left\\n")
"""
STUBBORN = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
os.write(1, b"%d\\n" % os.getpid())
while True:
    signal.pause()
"""
FAILING = "raise SystemExit(3)"


def supervise(grace: float, *commands: list[str]) -> subprocess.Popen[str]:
    arguments = map(json.dumps, [grace, *commands])
    return subprocess.Popen(
        [sys.executable, "-c", SITE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def supervised(*children: str, grace: float = DEADLINE) -> Iterator[subprocess.Popen[str]]:
    commands = [[sys.executable, "-c", code] for code in children]
    with supervise(grace, *commands) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(stream: IO[str] | None, count: int | None = None) -> list[str]:
    """The next lines of a pipe, or all until it ends; fails where they do not come in time."""
    assert stream is not None
    read = b""
    deadline = time.monotonic() + DEADLINE
    while count is None or read.count(b"\n") < count:
        ready, _, _ = select.select([stream], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"only this came: {read!r}"
        some = os.read(stream.fileno(), 1 if count else 4096)
        if not some:
            break
        read += some
    return read.decode().splitlines()


AHEAD = """
import json, os, sys
from zhike.config.supervisor import Child, Supervisor
fails, *commands = map(json.loads, sys.argv[1:])
supervisor = Supervisor([Child(str(i), argv, loads_ahead=not i) for i, argv in enumerate(commands)])
with supervisor.loading():
    os.read(0, 1)
    os.write(1, b"ready\\n")
    if fails:
        sys.exit(1)
    supervisor.run()
"""
WAITING = """
import os, sys
os.write(1, b"loaded\\n")
sys.stdin.read()
""" + POLITE.replace("%d", "open %d")


@pytest.mark.parametrize("fails", [False, True])
def test_a_child_that_loads_ahead_waits_for_the_site_and_ends_with_it(fails: bool) -> None:
    commands = [[sys.executable, "-c", code] for code in (WAITING, POLITE)]
    with subprocess.Popen(
        [sys.executable, "-c", AHEAD, *map(json.dumps, [fails, *commands])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin
            assert lines(process.stdout, 1) == ["loaded"]
            process.stdin.close()
            assert lines(process.stdout, 1) == ["ready"]
            if not fails:
                opened = lines(process.stdout, 2)
                assert sum(line.startswith("open ") for line in opened) == 1
                process.terminate()
                assert lines(process.stdout) == ["left", "left"]
            assert lines(process.stdout) == []
            assert process.wait(DEADLINE) == fails
        finally:
            process.kill()


def test_a_killed_child_comes_again() -> None:
    with supervised(POLITE) as process:
        first = lines(process.stdout, 1)
        os.kill(int(first[0]), signal.SIGKILL)
        second = lines(process.stdout, 1)
        assert second != first
        process.terminate()
        assert lines(process.stdout) == ["left"]
        assert "child 0 ended, killed by SIGKILL" in lines(process.stderr)[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_children_politely(number: signal.Signals) -> None:
    with supervised(POLITE, POLITE) as process:
        lines(process.stdout, 2)
        process.send_signal(number)
        assert lines(process.stdout) == ["left", "left"]
        assert process.wait(DEADLINE) == 0


def test_a_stubborn_child_and_its_own_are_killed_after_the_grace() -> None:
    with supervised(STUBBORN, POLITE, grace=0.1) as process:
        lines(process.stdout, 3)
        process.terminate()
        assert lines(process.stdout) == ["left"]
        assert process.wait(DEADLINE) == 0


def test_no_child_outlives_a_killed_supervisor() -> None:
    with supervised(STUBBORN, POLITE, grace=1) as process:
        lines(process.stdout, 3)
        process.kill()
        assert lines(process.stdout) == ["left"]


def test_a_child_that_keeps_ending_is_given_up_and_all_stop() -> None:
    with supervised(POLITE, FAILING) as process:
        said = lines(process.stdout)
        assert said[-1] == "left"
        message = lines(process.stderr)
        assert "child 1 ended 6 times in a row, exit code 3" in message[-1]
        assert [line for line in message if "starting it again in 0.16 s" in line]
        assert process.wait(DEADLINE) == 1


def test_a_program_that_is_not_there() -> None:
    with supervise(DEADLINE, ["/nowhere/program"]) as process:
        _, said = process.communicate(timeout=DEADLINE)
        assert process.returncode == 1
    assert "child 0 cannot be started" in said
    assert "Traceback" not in said


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_in_use_is_named_with_the_way_out(taken: int) -> None:
    with pytest.raises(ServeError, match=rf"Port {taken} .*in use") as error:
        check_port("127.0.0.1", taken)
    assert "--port" in error.value.way_out


def test_serve_looks_at_the_port_before_it_starts_anything(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIKE_COLLECTED", "0")
    with pytest.raises(ServeError, match=str(taken)), site(host="localhost", port=taken):
        pass


def test_a_free_port_stays_free() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_a_number_that_is_no_port(port: int) -> None:
    with pytest.raises(ServeError, match=f"{port} is no port"):
        check_port("127.0.0.1", port)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1"])
def test_own_addresses_may_be_served(host: str) -> None:
    assert check_host(host) == host


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_other_addresses_only_when_allowed(host: str) -> None:
    with pytest.raises(ServeError, match="open the site to the network"):
        check_host(host)
    assert check_host(host, public=True) == host


@pytest.mark.parametrize("host", ["a" * 70, "nul\0"])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(ServeError, match="unknown"):
        check_host(host)
