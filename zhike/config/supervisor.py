"""`zhike serve`: the database, the pages, the event stream and the jobs as child processes under one roof.

No child outlives the supervisor, not even its death by kill -9: a guard beside each child waits for
the end of a pipe that only the supervisor holds open, and then ends the child's process group.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from types import FrameType

from zhike.kernel.errors import UserError

logger = logging.getLogger(__name__)

STOP_SECONDS = 20.0  # for requests and jobs under way; then the child is killed
JOB_STOP_SECONDS = 10  # the worker's own share of it
STREAM_STOP_SECONDS = 1
FIRST_PAUSE = 1.0  # seconds before the first restart, doubled at each further one
LONGEST_PAUSE = 30.0
SETTLED_SECONDS = 60.0  # a child that lived so long begins again with the first pause
LAST_PORT = 65535
GIVE_UP_AFTER = 6  # ends in a row of a child that never settled: 1 + 2 + 4 + 8 + 16 s of trying

# $1 is a process group, $2 the seconds between asking and killing it.
GUARD = """
read -r _
kill -s TERM -- "-$1"
left=$2
while kill -s 0 -- "-$1" && [ "$left" -gt 0 ]; do sleep 1; left=$((left - 1)); done
kill -s KILL -- "-$1"
"""


class ServeError(UserError):
    """The site cannot be served, or cannot be kept up."""


@dataclass(frozen=True)
class Child:
    """A program that runs as long as the supervisor does; `env` is added to our environment.

    One with `loads_ahead` may be begun before the site may open: it loads what it needs and then waits
    for the end of its standard input.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    loads_ahead: bool = False


class Supervisor:
    """Keeps children running, each in a process group of its own.

    A child that ends, with whatever code, is started again after a pause; one that keeps ending is
    given up, and all stop. `grace` and `first_pause` are seconds.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        grace: float = STOP_SECONDS,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._children = list(children)
        self._grace = grace
        self._first_pause = first_pause
        self._ends: SimpleQueue[_Process | None] = SimpleQueue()  # None: asked to stop
        self._ahead: list[_Process] = []

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Children that load ahead do so while the block makes the site ready; `run` is called within it.

        Raises ServeError when a program is not there. No child outlives the block.
        """
        try:
            for child in self._children:
                if child.loads_ahead:
                    self._ahead.append(_Process(child, self._grace, self._ends))
            yield
        finally:
            self._stop(self._ahead)

    def run(self) -> None:
        """Run the children until SIGINT or SIGTERM, then stop them; call it in the main thread.

        Raises ServeError when a child keeps ending or its program is not there; none runs then.
        """
        running, self._ahead = self._ahead, []
        for process in running:
            process.go()
        begun = [process.child for process in running]
        due = [(0.0, child) for child in self._children if child not in begun]
        failures = dict.fromkeys((child.name for child in self._children), 0)
        with self._asked_by_signal():
            try:
                while True:
                    for entry in [entry for entry in due if entry[0] <= time.monotonic()]:
                        due.remove(entry)
                        running.append(_Process(entry[1], self._grace, self._ends).go())
                    soonest = min((at for at, _ in due), default=None)
                    try:
                        ended = self._ends.get(
                            timeout=None if soonest is None else max(0, soonest - time.monotonic())
                        )
                    except Empty:
                        continue
                    if ended is None:
                        return
                    running.remove(ended)
                    ended.finish()
                    child = ended.child
                    failures[child.name] = 1 if ended.settled else failures[child.name] + 1
                    if failures[child.name] == GIVE_UP_AFTER:
                        raise ServeError(
                            f"{child.name} ended {GIVE_UP_AFTER} times in a row, {ended.fate}.",
                            "Its own message stands above; `zhike doctor` checks the installation.",
                        )
                    pause = min(self._first_pause * 2 ** (failures[child.name] - 1), LONGEST_PAUSE)
                    logger.error(
                        "%s ended, %s; starting it again in %g s", child.name, ended.fate, pause
                    )
                    due.append((time.monotonic() + pause, child))
            finally:
                self._stop(running)

    def _stop(self, processes: Sequence[_Process]) -> None:
        for process in processes:
            process.ask()
        deadline = time.monotonic() + self._grace
        for process in processes:
            process.finish(deadline)

    @contextmanager
    def _asked_by_signal(self) -> Iterator[None]:
        def ask(_number: int, _frame: FrameType | None) -> None:
            self._ends.put(None)

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Process:
    """One run of a child, with its guard."""

    def __init__(self, child: Child, grace: float, ends: SimpleQueue[_Process | None]) -> None:
        self.child = child
        self._started = time.monotonic()
        try:
            self._process = subprocess.Popen(
                child.argv,
                env={**os.environ, **child.env},
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ServeError(
                f"{child.name} cannot be started: {error}.",
                "`zhike doctor` checks the installation.",
            ) from error
        self._guard = subprocess.Popen(
            ["sh", "-c", GUARD, "sh", str(self._process.pid), str(round(grace))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        threading.Thread(target=self._report_end, args=[ends], daemon=True).start()

    def _report_end(self, ends: SimpleQueue[_Process | None]) -> None:
        self._process.wait()
        ends.put(self)

    @property
    def settled(self) -> bool:
        return time.monotonic() - self._started > SETTLED_SECONDS

    @property
    def fate(self) -> str:
        code = self._process.returncode
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def go(self) -> _Process:
        """The site may open."""
        assert self._process.stdin
        self._process.stdin.close()
        return self

    def ask(self) -> None:
        self._process.terminate()

    def finish(self, deadline: float | None = None) -> None:
        """Wait for the end until the deadline (of the monotonic clock), then kill what is left."""
        if deadline is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0, deadline - time.monotonic()))
        self._guard.kill()
        self._guard.communicate()
        with suppress(ProcessLookupError, PermissionError):  # nobody left, or only zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.go()


def check_host(host: str, *, public: bool = False) -> str:
    """The address of a host name, which must be this machine's own unless `public`."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise ServeError(f"The host {host!r} is unknown.", "Use --host 127.0.0.1.") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not public and not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        raise ServeError(
            f"Serving on {host} would open the site to the network.",
            "Put a proxy with TLS before 127.0.0.1, or allow it explicitly with --public.",
        )
    return addresses[0]


def check_port(host: str, port: int) -> None:
    """Raise ServeError unless a server may be opened on the address `host` and this port."""
    if not 0 < port <= LAST_PORT:
        raise ServeError(f"{port} is no port.", f"Choose one of 1 to {LAST_PORT} with --port.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise ServeError(
            f"Port {port} of {host} cannot be used: {reason}.",
            "Stop what uses it, or choose another with --port.",
        ) from error


def check_events_port(host: str, port: int) -> int:
    """The port of the event stream: the one that is set, which must be free, else a free one."""
    if port:
        check_port(host, port)
        return port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def site_children(
    *, host: str, port: int, events_port: int, workers: int, threads: int
) -> list[Child]:
    """The processes of the site: the pages, the event stream, and the worker that runs the jobs."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "zhike.config.settings",
        "ZHIKE_COLLECTED": "1",
        "ZHIKE_EVENTS_PORT": str(events_port),
    }
    granian = [sys.executable, "-m", "granian", "--no-ws", "--host", host]
    pages = [sys.executable, "-m", "zhike.config.pages", "--host", host, "--port", str(port)]
    pages += ["--workers", str(workers), "--threads", str(threads)]
    pages += ["--kill-timeout", str(JOB_STOP_SECONDS)]
    # Streams never end by themselves, so they get no time to.
    events = [*granian, "zhike.config.asgi:application", "--interface", "asginl"]
    events += ["--port", str(events_port), "--respawn-failed-workers"]
    events += ["--workers-kill-timeout", str(STREAM_STOP_SECONDS)]
    # People are waiting for pages, nobody for a job.
    jobs = ["nice", "-n", "5", sys.executable, "-m", "django", "procrastinate", "worker"]
    jobs += ["--shutdown-graceful-timeout", str(JOB_STOP_SECONDS)]
    return [
        Child("The web server", pages, {**settings, "ZHIKE_WALL": "1"}, loads_ahead=True),
        Child("The event stream", events, settings),
        Child("The job worker", jobs, settings),
    ]


def collect_files() -> None:
    """Put the static files into the data folder, compressed and under names of their content.

    Raises ServeError when they cannot be put there.
    """
    from django.conf import settings
    from django.core.management import call_command

    try:
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    except (OSError, ValueError) as error:  # ValueError: a file names one that is missing
        raise ServeError(
            f"The files of the pages (styles, scripts, icons) cannot be put into {settings.STATIC_ROOT}: {error}",
            "Make the folder writable; `make setup` fetches the files anew.",
        ) from error


@contextmanager
def site(
    *, host: str, port: int, workers: int = 2, threads: int = 2, public: bool = False
) -> Iterator[Callable[[], None]]:
    """What serves the site until SIGINT or SIGTERM, to be called once the block has made the institution ready.

    The web server loads meanwhile. Raises ServeError before anything is started when the host or the port will
    not do.
    """
    os.environ["ZHIKE_COLLECTED"] = "1"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
    from django.conf import settings

    address = check_host(host, public=public)
    check_port(address, port)
    events_port = check_events_port(address, settings.ZHIKE_EVENTS_PORT)
    supervisor = Supervisor(
        site_children(
            host=address, port=port, events_port=events_port, workers=workers, threads=threads
        )
    )

    def serve() -> None:
        collect_files()
        supervisor.run()

    with supervisor.loading():
        yield serve
