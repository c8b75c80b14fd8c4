"""The door before the pages: so many are served at a time, so many wait; whoever comes on top is told to come again.

Without it a server that is asked for more than it can do queues requests until their readers have gone, and answers
nobody. The pages keep their few threads, each with its own connection to the database; signing in has one of its own,
so that no report keeps anybody out. Files need no database and pass by.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Answer = tuple[str, Headers, list[bytes]]

FIRST = ("/sign-in/", "/health/")
PASSING = ("/static/",)
LONGEST_WAIT = 10.0  # seconds; whoever waited so long has pressed reload
COME_AGAIN = 5  # seconds, for Retry-After
BUSY = (
    '<!doctype html><html lang="zh-Hans"><meta charset="utf-8"><title>知客</title>'
    '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    "<h1>系统繁忙，请稍后再试。</h1><p>什么也没有保存。</p>"
    '<p lang="zh-Hant">系統繁忙，請稍後再試。什麼也沒有儲存。</p>'
    '<p lang="en">The site is busy. Try again in a moment. Nothing was saved.</p></html>'
)


class Lane:
    """Threads that serve, and room for `waiting` more; an `ask` beyond that is answered None at once."""

    def __init__(self, application: Application, *, threads: int, waiting: int) -> None:
        self._application = application
        self._queue: queue.Queue[tuple[float, Environ, Future[Answer | None]]] = queue.Queue(
            waiting
        )
        self._threads = threads
        self._begun = threading.Lock()

    def ask(self, asked: Environ) -> Answer | None:
        answer: Future[Answer | None] = Future()
        # At the first request: what is made before the workers are forked has no threads in them.
        if self._begun.acquire(blocking=False):
            for number in range(self._threads):
                threading.Thread(target=self._serve, name=f"page-{number}", daemon=True).start()
        try:
            self._queue.put_nowait((time.monotonic(), asked, answer))
        except queue.Full:
            return None
        return answer.result()

    def _serve(self) -> None:
        while True:
            since, asked, answer = self._queue.get()
            if time.monotonic() - since > LONGEST_WAIT:
                answer.set_result(None)
                continue
            try:
                answer.set_result(self._whole(asked))
            except BaseException as error:
                answer.set_exception(error)

    def _whole(self, asked: Environ) -> Answer:
        """The answer with all of its body: what is read later would be read on another thread's connection."""
        told: list[tuple[str, Headers]] = []

        def start(status: str, headers: Headers, _error: object = None) -> None:
            told.append((status, headers))

        body = self._application(asked, start)
        try:
            whole = list(body)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        status, headers = told[-1]
        return status, headers, whole


class Door:
    """A WSGI application around another; `waiting` is how many may wait for its `threads`."""

    def __init__(self, application: Application, *, threads: int, waiting: int) -> None:
        self._application = application
        self._pages = Lane(application, threads=threads, waiting=waiting)
        self._first = Lane(application, threads=1, waiting=waiting)

    def __call__(self, asked: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = asked.get("PATH_INFO", "")
        if path.startswith(PASSING):
            return self._application(asked, start_response)
        lane = self._first if path.startswith(FIRST) else self._pages
        status, headers, body = lane.ask(asked) or _busy(asked)
        start_response(status, headers)
        return body


def _busy(asked: Mapping[str, Any]) -> Answer:
    """For a program in JSON, for a person as a page; htmx leaves the page as it is."""
    if asked.get("PATH_INFO", "").startswith("/api/"):
        kind, body = "application/json", '{"error": "The site is busy.", "way_out": "Try again."}'
    else:
        kind, body = "text/html; charset=utf-8", BUSY
    from zhike.ui.middleware import HEADERS  # the site is not loaded yet when the door is

    said = body.encode()
    headers = {
        **HEADERS,
        "Content-Type": kind,
        "Content-Length": str(len(said)),
        "Cache-Control": "no-store",
        "Retry-After": str(COME_AGAIN),
        "HX-Reswap": "none",
    }
    return "503 Service Unavailable", list(headers.items()), [said]
