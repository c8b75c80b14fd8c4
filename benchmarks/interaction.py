"""From a key or a click to what it shows, in Chromium with the processor slowed to a quarter.

    python benchmarks/interaction.py [--url http://127.0.0.1:8000 --home FOLDER] [--slower 4]

Three times for each interaction, the median of three. To paint: the longest `duration` of its events as the browser
counts it (Event Timing, steps of 8 ms, from 16), which is what the web calls INP. To result: from the event to the
frame in which what was asked for stands there, the server's answer included. Of processor: what the page's thread
itself spent from the event to the end of its frame, measured without the slowdown and multiplied by it; unlike the
other two it does not grow with what else the machine does. Goal: 200 ms to paint.
Without --url, a fresh sample institution of a thousand customers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from weight import CHROMIUM, served

GOAL = 200
TIMES = 3

WATCH = """(there) => {
  const events = []
  const observer = new PerformanceObserver((list) => {
    events.push(...list.getEntries())
    const own = events.filter((event) => event.interactionId)
    sessionStorage.setItem('paint', Math.max(0, ...own.map((event) => event.duration)))
  })
  observer.observe({ type: 'event', durationThreshold: 16 })
  window.measured = new Promise((tell, fail) => {
    setTimeout(() => fail(new Error(`nothing shows ${there}`)), 10_000)
    let began = null
    const look = (now) => {
      if (!document.querySelector(there)) return requestAnimationFrame(look)
      setTimeout(() => {
        const result = performance.now() - began
        setTimeout(() => {
          events.push(...observer.takeRecords())
          observer.disconnect()
          const own = events.filter((event) => event.startTime >= began - 1 && event.interactionId)
          tell({ paint: Math.max(0, ...own.map((event) => event.duration)), result })
        }, 250)
      })
    }
    for (const type of ['keydown', 'pointerdown', 'click']) addEventListener(type, (event) => {
      if (began !== null) return
      began = event.timeStamp
      sessionStorage.setItem('began', performance.timeOrigin + began)
      requestAnimationFrame(look)
    }, { capture: true, once: true })
  })
}"""


ARRIVED = """() => {
  const [drawn] = performance.getEntriesByName('first-contentful-paint')
  return drawn && {
    paint: Number(sessionStorage.getItem('paint')),
    result: performance.timeOrigin + drawn.startTime - Number(sessionStorage.getItem('began')),
  }
}"""
TASK = "ThreadControllerImpl::RunTask"
EVENTS = {"keydown", "pointerdown", "pointerup", "click"}


@dataclass(frozen=True)
class Deed:
    """What a person does on a page; `shows` is there once it is done, on another page where it `leaves`."""

    name: str
    page: str
    do: Callable[[Page], None]
    shows: str
    leaves: bool = False


def pressed(key: str) -> Callable[[Page], None]:
    return lambda page: page.keyboard.press(key)


def clicked(selector: str) -> Callable[[Page], None]:
    return lambda page: page.locator(selector).first.click()


def looked_at(page: Page) -> None:
    """Space on the first row, which the keys reach."""
    page.locator("tbody tr[data-href]").first.focus()
    page.keyboard.press("Space")


LIST = "/customers/"
DEEDS = (
    Deed("today: the next line", "/today/mine/", pressed("j"), ".work-line:focus"),
    Deed("today: put a line off", "/today/mine/", clicked("[data-do=later]"), ".work-form"),
    Deed("list: sort", LIST, clicked("#sort-name_key"), "th[aria-sort=ascending] #sort-name_key"),
    Deed("list: tick a row", LIST, clicked("[data-tick]"), "tr.ticked"),
    Deed("list: tick the page", LIST, clicked("[data-tick-page]"), "tr.ticked:nth-child(40)"),
    Deed("list: open a filter", LIST, clicked("details.pick > summary"), "details.pick[open]"),
    Deed("list: a row beside it", LIST, looked_at, "#drawer .peek"),
    Deed("list: as a board", LIST, clicked("a[href*='show=board']"), ".board-card"),
    Deed("customer: edit a field", "customer", clicked("[data-fact] [data-edit]"), "[data-fact] form"),
    Deed("anywhere: the search box", "customer", pressed("Control+k"), ".finder.open"),
    Deed("anywhere: a letter in it", "finder", pressed("w"), "#found [role=option]"),
    Deed("value: two other days", "/insight/", clicked("main form button[type=submit]"), ".value-count", leaves=True),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--slower", type=float, default=4)
    arguments = parser.parse_args()
    if arguments.url and arguments.home:
        measure(arguments.url, arguments.home, arguments.slower)
    else:
        with tempfile.TemporaryDirectory() as home, served(Path(home)) as url:
            measure(url, Path(home), arguments.slower)


def measure(url: str, home: Path, slower: float) -> None:
    made = json.loads((home / "demo.json").read_text())
    login = next(each["login"] for each in made["logins"] if each["role"] == "customer_manager")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = browser.new_page(
            base_url=url, locale="zh-CN", viewport={"width": 1440, "height": 900}
        )
        page.goto("/sign-in/")
        page.fill("[name=login]", login)
        page.fill("[name=password]", made["password"])
        page.click("main button[type=submit]")
        page.wait_for_url("**/today/**")
        page.goto(LIST)
        customer = page.locator("tbody a").first.get_attribute("href")
        assert customer
        wire = page.context.new_cdp_session(page)
        worst = 0.0
        for deed in DEEDS:
            wire.send("Emulation.setCPUThrottlingRate", {"rate": slower})
            times = [once(page, deed, customer) for _time in range(TIMES)]
            paint, result = (median(each[key] for each in times) for key in ("paint", "result"))
            worst = max(worst, paint)
            wire.send("Emulation.setCPUThrottlingRate", {"rate": 1})
            spent = slower * median(worked(browser, page, deed, customer) for _time in range(TIMES))
            print(
                f"{deed.name:26} to paint {paint:5.0f} ms  of processor {spent:5.0f} ms  "
                f"to result {result:5.0f} ms  goal {GOAL} ms  {paint / GOAL:.2f}",
                flush=True,
            )
        print(f"{'the slowest':26} to paint {worst:5.0f} ms  goal {GOAL} ms  {worst / GOAL:.2f}")
        browser.close()


def once(
    page: Page, deed: Deed, customer: str, before: Callable[[], Any] = lambda: None
) -> dict[str, Any]:
    """Milliseconds to paint and to the result; `before` is called when the page stands and nothing is done yet."""
    page.evaluate("() => sessionStorage.clear()")
    page.goto({"customer": customer, "finder": LIST}.get(deed.page, deed.page))
    page.evaluate("() => new Promise((idle) => requestIdleCallback(idle, { timeout: 3000 }))")
    if deed.page == "finder":
        page.keyboard.press("Control+k")
        page.wait_for_selector(".finder.open")
    page.evaluate(f"(there) => {{ ({WATCH})(there) }}", deed.shows)
    before()
    deed.do(page)
    found: dict[str, Any]
    if deed.leaves:
        page.wait_for_function("() => performance.timeOrigin > sessionStorage.getItem('began')")
        page.wait_for_selector(deed.shows)
        found = page.wait_for_function(ARRIVED).json_value()
    else:
        found = page.evaluate("window.measured")
    return found


def worked(browser: Browser, page: Page, deed: Deed, customer: str) -> float:
    """Milliseconds the page's thread worked from an event to the end of its frame, the longest of them."""
    told: list[dict[str, Any]] = []
    ended: list[Any] = []
    session = browser.new_browser_cdp_session()
    session.on("Tracing.dataCollected", lambda part: told.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda end: ended.append(end))
    categories = {"includedCategories": ["devtools.timeline", "toplevel"]}
    how = {"transferMode": "ReportEvents", "traceConfig": categories}
    once(page, deed, customer, lambda: session.send("Tracing.start", how))
    session.send("Tracing.end")
    while not ended:
        page.evaluate("() => new Promise((next) => setTimeout(next, 20))")
    session.detach()
    pressed = [
        each
        for each in told
        if each["name"] == "EventDispatch" and each["args"]["data"]["type"] in EVENTS
    ]
    return max(_spent(told, each) for each in pressed)


def _spent(told: list[dict[str, Any]], event: dict[str, Any]) -> float:
    same = [each for each in told if (each["pid"], each["tid"]) == (event["pid"], event["tid"])]
    frames = [each["ts"] + each.get("dur", 0) for each in same if each["name"] == "Commit"]
    end = min((frame for frame in frames if frame > event["ts"]), default=event["ts"])
    tasks = [each for each in same if each["name"] == TASK and "tdur" in each and each["ts"] < end]
    spent = (each["tdur"] for each in tasks if each["ts"] + each["dur"] > event["ts"])
    return float(sum(spent)) / 1000


if __name__ == "__main__":
    main()
