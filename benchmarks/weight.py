"""What a browser fetches: the first visit (sign-in and today's page, nothing kept) and a page after it.

    python benchmarks/weight.py [--url http://127.0.0.1:8000 --home FOLDER]

Bytes on the wire as Chromium counts them (`Network.loadingFinished.encodedDataLength`), of a sample institution
that is served; without --url, a fresh one of a thousand customers. Goals: first visit at most 500 kB, next page 60 kB.
The event stream is left out: it lasts.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

FIRST_KB, NEXT_KB = 500, 60
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
PAGES = ("/customers/", "first customer", "/insight/", "/organisation/", "/notices/")
KB = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url")
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    if arguments.url and arguments.home:
        weigh(arguments.url, arguments.home)
    else:
        with tempfile.TemporaryDirectory() as home, served(Path(home)) as url:
            weigh(url, Path(home))


@contextmanager
def served(home: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    zhike = [sys.executable, "-c", "from zhike.config.cli import main; main()"]
    process = subprocess.Popen(
        [*zhike, "demo", "--customers", "1000", "--port", str(port)],
        env={**os.environ, "ZHIKE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"{url}/health/", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(1)
        yield url
    finally:
        process.terminate()
        process.wait()


def weigh(url: str, home: Path) -> None:
    made = json.loads((home / "demo.json").read_text())
    login = next(each["login"] for each in made["logins"] if each["role"] == "branch_head")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = browser.new_page(base_url=url, locale="zh-CN")
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        sizes: list[float] = []
        wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))

        def shown(name: str, goal: int) -> None:
            page.wait_for_load_state("networkidle")
            total = sum(sizes) / KB
            print(
                f"{name:24} {total:7.1f} kB  {len(sizes):3} files  goal {goal} kB  {total / goal:.2f}"
            )
            sizes.clear()

        page.goto("/sign-in/")
        page.fill("[name=login]", login)
        page.fill("[name=password]", made["password"])
        page.click("main button[type=submit]")
        page.wait_for_url("**/today/")
        shown("first visit", FIRST_KB)
        for path in PAGES:
            open_page(page, path)
            shown(path, NEXT_KB)
        open_page(page, "/customers/")
        sizes.clear()
        open_page(page, "first customer")
        shown("another customer", NEXT_KB)
        browser.close()


def open_page(page: Any, path: str) -> None:
    if path.startswith("/"):
        page.goto(path)
    else:
        page.goto(page.locator("tbody a").first.get_attribute("href"))


if __name__ == "__main__":
    main()
