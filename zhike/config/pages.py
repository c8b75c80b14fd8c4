"""The web server of the pages: the site is loaded once, and its workers are forked from what is loaded.

It opens at the end of its standard input: the supervisor begins it before tables and files are looked at. Forked
workers are ready sooner and share that memory. What is loaded is also kept from the garbage collector, which by its
own settings walks it again and again: 5 to 8 % of the time of a list.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from importlib import import_module
from typing import Any

import django
from django.urls import get_resolver
from granian.constants import Interfaces
from granian.server import Server

from zhike.config.door import Door

WSGI = "zhike.config.wsgi"
WAITING = 16  # requests a worker lets wait for its threads: about a second, or none of them would be answered in time
SPARE = 8  # threads that send away who comes on top, and files
NEW_OBJECTS = 50_000  # that stay before the collector looks at them; 700 by itself


def main() -> None:
    parser = argparse.ArgumentParser(prog="zhike.config.pages")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--kill-timeout", type=int, required=True, help="Seconds.")
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
    django.setup()
    get_resolver().url_patterns  # noqa: B018  reading them loads every view
    sys.stdin.read()
    wsgi: Any = import_module(WSGI)  # reads the names of the collected files
    wsgi.application = Door(wsgi.application, threads=given.threads, waiting=WAITING)
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    server = Server(
        f"{WSGI}:application",
        address=given.host,
        port=given.port,
        interface=Interfaces.WSGI,
        workers=given.workers,
        blocking_threads=given.threads + 1 + 2 * WAITING + SPARE,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=given.kill_timeout,
    )
    try:
        server.serve()
    finally:
        gc.unfreeze()  # or DuckDB reports what was never collected as leaked


if __name__ == "__main__":
    main()
