"""More requests than can be served: so many wait, the others are told to come again, signing in is not kept out."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from zhike.config import door
from zhike.config.door import Door


class Site:
    """An application whose pages answer when they are let."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun = threading.Semaphore(0)
        self.threads: set[str] = set()
        self.closed = 0

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/customers/"):
            self.begun.release()
            assert self.open.wait(10)
        if path == "/wrong/":
            raise RuntimeError("wrong")
        self.threads.add(threading.current_thread().name)
        start("200 OK", [("Content-Type", "text/plain")])
        return Body(self)


class Body(list[bytes]):
    def __init__(self, site: Site) -> None:
        super().__init__([b"a", b"b"])
        self.site = site

    def close(self) -> None:
        self.site.closed += 1


def ask(application: Door, path: str) -> tuple[str, dict[str, str], bytes]:
    told: list[Any] = []
    body = application({"PATH_INFO": path}, lambda status, headers: told.append((status, headers)))
    [(status, headers)] = told
    return status, dict(headers), b"".join(body)


def test_who_comes_on_top_is_told_when_to_come_again() -> None:
    site = Site()
    application = Door(site, threads=2, waiting=3)
    with ThreadPoolExecutor(9) as readers:
        served: list[Future[Any]] = [
            readers.submit(ask, application, "/customers/") for _ in range(2)
        ]
        for _ in served:
            assert site.begun.acquire(timeout=10)
        told = [readers.submit(ask, application, "/customers/") for _ in range(7)]
        busy: list[Any] = []
        for each in told:
            if len(busy) == 4:
                break
            try:
                busy.append(each.result(timeout=0.5))
            except TimeoutError:
                continue
        assert [status for status, _headers, _body in busy] == ["503 Service Unavailable"] * 4
        assert {headers["Retry-After"] for _status, headers, _body in busy} == {
            str(door.COME_AGAIN)
        }
        assert "default-src 'self'" in busy[0][1]["Content-Security-Policy"]
        assert ask(application, "/sign-in/")[0] == "200 OK"
        assert ask(application, "/static/x.css")[0] == "200 OK"
        site.open.set()
        answers = [each.result(timeout=10)[0] for each in [*served, *told]]
    assert answers.count("200 OK") == 5
    assert answers.count("503 Service Unavailable") == 4


def test_a_page_is_read_and_closed_where_its_connection_is() -> None:
    site = Site()
    site.open.set()
    application = Door(site, threads=1, waiting=1)
    for _ in range(3):
        assert ask(application, "/customers/")[2] == b"ab"
    assert site.threads == {"page-0"}
    assert site.closed == 3
    with pytest.raises(RuntimeError, match="wrong"):
        ask(application, "/wrong/")
    assert ask(application, "/customers/")[0] == "200 OK", "its thread lives on"


def test_who_waited_too_long_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "LONGEST_WAIT", -1.0)
    site = Site()
    status, headers, body = ask(Door(site, threads=1, waiting=1), "/api/customers/")
    assert status == "503 Service Unavailable"
    assert headers["Content-Type"] == "application/json"
    assert b"busy" in body
    assert not site.threads
