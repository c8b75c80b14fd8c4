"""A picture of every page: three languages, two themes, three widths. `make screenshots` runs it.

It makes a sample institution and serves it, or looks at a running one (`--url`, with `--home` its data folder).
A picture that is there already is not taken again, so that an interrupted run goes on where it stopped;
`--only` takes those pictures alone whose name holds the words given: "customer", "zh-hant.dark.1280".
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from rich.progress import Progress

from tests.browser.conftest import ZHIKE, Site, until_it_answers
from tests.browser.steps import asked_for_many
from tests.chromium import LAUNCH

LANGUAGES = {"zh-hans": "zh-CN", "zh-hant": "zh-TW", "en": "en-GB"}
THEMES = ("light", "dark")
WIDTHS = {1440: 900, 1280: 800, 390: 844}


@dataclass(frozen=True)
class Shot:
    """A page by name as a role sees it; `follow` are links to go through first, `press` what is pressed then."""

    name: str
    role: str
    address: str
    follow: tuple[str, ...] = ()
    press: tuple[str, ...] = ()


CUSTOMER = "main tbody a[href^='/customers/']"
ROW = "tbody tr[data-row] a"
EMPLOYEE = "main tbody a[href*='/people/']"
FILE = "tbody a[href^='/files/']"
JOB = "tbody a[href^='/jobs/']"
PRIVACY = "a[href$='/privacy/']"
SPLIT = "main a[href*='/split/']"

SHOTS = (
    Shot("sign-in", "", "/sign-in/"),
    Shot("today", "customer_manager", "/today/"),
    Shot("today-team", "team_lead", "/today/"),
    Shot("today-head", "branch_head", "/today/"),
    Shot("customers", "customer_manager", "/customers/"),
    Shot("customers-branch", "branch_head", "/customers/"),
    Shot("customers-empty", "branch_head", "/customers/?where=balance.over.900000000000"),
    Shot("customer", "customer_manager", "/customers/", (CUSTOMER,)),
    Shot("customer-head", "branch_head", "/customers/", (CUSTOMER,)),
    Shot("customers-board", "customer_manager", "/customers/?show=board"),
    Shot("customers-calendar", "customer_manager", "/customers/?show=calendar"),
    Shot("customers-groups", "branch_head", "/customers/?group=tier"),
    Shot(
        "customer-brief", "customer_manager", "/customers/", (CUSTOMER, "main a[href$='/brief/']")
    ),
    Shot("customer-new", "customer_manager", "/customers/new/"),
    Shot("customer-edit", "customer_manager", "/customers/", (CUSTOMER, "a[href$='/edit/']")),
    Shot("customer-merge", "branch_head", "/customers/", (CUSTOMER, "a[href$='/merge/']")),
    Shot("work", "customer_manager", "/lines/"),
    Shot("work-board", "customer_manager", "/lines/?show=board"),
    Shot("work-calendar", "customer_manager", "/lines/?show=calendar"),
    Shot("contacts", "customer_manager", "/contacts/"),
    Shot("contacts-calendar", "customer_manager", "/contacts/?show=calendar"),
    Shot("hand-over", "branch_head", "/today/team/", ("main a[href$='/hand-over/']",)),
    Shot("agreements", "customer_manager", "/agreements/"),
    Shot("agreements-board", "customer_manager", "/agreements/?show=board"),
    Shot("agreements-calendar", "customer_manager", "/agreements/?show=calendar"),
    Shot("insight", "branch_head", "/insight/"),
    Shot("insight-analyst", "analyst", "/insight/"),
    Shot("concentration", "branch_head", "/insight/concentration/"),
    Shot("movements", "branch_head", "/insight/movements/"),
    Shot("movers", "branch_head", "/insight/movers/?turn=up"),
    Shot("thresholds", "analyst", "/insight/thresholds/"),
    Shot("threshold-edit", "analyst", "/insight/thresholds/tier/"),
    Shot("targets", "branch_head", "/insight/targets/"),
    Shot("bulletin", "branch_head", "/insight/bulletin/"),
    Shot("metrics", "analyst", "/insight/metrics/"),
    Shot("team", "branch_head", "/today/team/"),
    Shot("products", "analyst", "/products/"),
    Shot("organisation", "branch_head", "/organisation/"),
    Shot("people", "system_administrator", "/organisation/people/"),
    Shot("unit", "branch_head", "/organisation/", ("main a[href*='/units/']",)),
    Shot("employees", "branch_head", "/organisation/people/"),
    Shot("employee", "branch_head", "/organisation/people/", ("main a[href*='/people/']",)),
    Shot("workbench-of", "branch_head", "/today/team/", ("main a[href*='/today/people/']",)),
    Shot("unit-new", "system_administrator", "/organisation/units/new/"),
    Shot("person-new", "system_administrator", "/organisation/people/new/"),
    Shot("notices", "customer_manager", "/notices/"),
    Shot("jobs", "customer_manager", "/jobs/"),
    Shot("job-answer", "branch_head", "/jobs/", (JOB,)),
    Shot("imports", "system_administrator", "/imports/"),
    Shot("import-new", "system_administrator", "/imports/new/"),
    Shot("import", "system_administrator", "/imports/", ("tbody tr[data-row] a",)),
    Shot("pairs", "analyst", "/pairs/"),
    Shot("pairs-joined", "analyst", "/pairs/?state=joined"),
    Shot("pair", "analyst", "/pairs/?state=joined", ("tbody tr[data-row] a",)),
    Shot("pair-open", "analyst", "/pairs/", ("tbody tr[data-row] a",)),
    Shot("approvals", "branch_head", "/pairs/approvals/"),
    Shot("matching", "system_administrator", "/matching/"),
    Shot("matching-run", "system_administrator", "/matching/", ("tbody tr[data-row] a",)),
    Shot("survivorship", "analyst", "/survivorship/"),
    Shot("survivorship-rule", "analyst", "/survivorship/", ("main tbody a",)),
    Shot("quality", "branch_head", "/quality/"),
    Shot("quality-institution", "analyst", "/quality/"),
    Shot("quality-findings", "customer_manager", "/quality/findings/"),
    Shot("quality-verify", "customer_manager", "/quality/verify/"),
    Shot("quality-rules", "analyst", "/quality/rules/"),
    Shot("quality-rule", "analyst", "/quality/rules/", ("main tbody a[href*='/rules/']",)),
    Shot(
        "merge-look", "analyst", "/pairs/?state=joined", (ROW, "main a[href*='/customers/']", SPLIT)
    ),
    Shot("audit", "auditor", "/audit/"),
    Shot("audit-nothing", "auditor", "/audit/?action=nothing"),
    Shot("trace", "auditor", "/files/trace/"),
    Shot("me", "teller", "/me/"),
    Shot("password", "teller", "/me/password/"),
    Shot("tokens", "customer_manager", "/me/tokens/"),
    Shot("second-factor", "customer_manager", "/me/second-factor/"),
    Shot("second-factor-begun", "teller", "/me/second-factor/", press=("[value=begin]",)),
    Shot("second-factors", "security_administrator", "/me/second-factor/"),
    Shot("passkey-sign-in", "", "/sign-in/passkey/"),
    Shot("groups", "security_administrator", "/groups/"),
    Shot("grants", "security_administrator", "/grants/"),
    Shot(
        "grant-give",
        "security_administrator",
        "/organisation/people/",
        (EMPLOYEE, "main a[href*='/grants/people/']"),
    ),
    Shot("levels", "security_administrator", "/approvals/levels/"),
    Shot("teams", "branch_head", "/organisation/teams/"),
    Shot("team-new", "system_administrator", "/organisation/teams/new/"),
    Shot("pace", "team_lead", "/pace/"),
    Shot("pace-limits", "security_administrator", "/pace/limits/"),
    Shot(
        "leave",
        "system_administrator",
        "/organisation/people/",
        (EMPLOYEE, "main a[href$='/leave/']"),
    ),
    Shot("share", "team_lead", "/customers/", (CUSTOMER,), ("[data-open=hand-over-dialog]",)),
    Shot("as-of", "team_lead", "/customers/", (CUSTOMER,), ("[data-bs-toggle=dropdown] >> nth=0",)),
    Shot("take", "customer_manager", "/customers/export/?ask=1"),
    Shot("take-many", "branch_head", "/customers/export/"),
    Shot("files", "customer_manager", "/files/"),
    Shot("file", "customer_manager", "/files/", (FILE,)),
    Shot("file-answer", "team_lead", "/files/", (FILE,)),
    Shot("privacy-party", "customer_manager", "/customers/", (CUSTOMER, PRIVACY)),
    Shot("privacy-requests", "customer_manager", "/privacy/requests/"),
    Shot("privacy-requests-none", "teller", "/privacy/requests/?state=refused"),
    Shot("privacy-access", "security_administrator", "/privacy/requests/?kind=access", (ROW,)),
    Shot("privacy-correction", "customer_manager", "/privacy/requests/?kind=correction", (ROW,)),
    Shot("privacy-erasure", "security_administrator", "/privacy/requests/?kind=erasure", (ROW,)),
    Shot("privacy-register", "auditor", "/privacy/register/"),
    Shot("privacy-sharing", "auditor", "/privacy/sharing/"),
    Shot("gallery-words", "system_administrator", "/ui/"),
    Shot("gallery-lists", "system_administrator", "/ui/lists/"),
    Shot("gallery-forms", "system_administrator", "/ui/forms/"),
    Shot("gallery-charts", "system_administrator", "/ui/charts/"),
    Shot("gallery-grids", "system_administrator", "/ui/grids/"),
    Shot("gallery-layers", "system_administrator", "/ui/layers/"),
    Shot("absent", "customer_manager", "/no-such-page/"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="A picture of every page.")
    parser.add_argument("--into", type=Path, default=Path("var/screenshots"))
    parser.add_argument(
        "--url", default="", help="a running site; without it one is made and served"
    )
    parser.add_argument("--home", type=Path, default=Path("var"), help="its data folder")
    parser.add_argument("--only", default="", help="pictures whose name holds this")
    wanted = parser.parse_args()
    missing = [
        (shot, language, theme, width, path)
        for shot, language, theme, width in product(SHOTS, LANGUAGES, THEMES, WIDTHS)
        if wanted.only in (path := wanted.into / f"{shot.name}.{language}.{theme}.{width}.png").name
        and not path.exists()
    ]
    if not missing:
        print(f"Every picture is in {wanted.into}; delete what you want taken again.")  # noqa: T201  a command speaks
        return
    wanted.into.mkdir(parents=True, exist_ok=True)
    running = Site.of(wanted.url.rstrip("/"), wanted.home) if wanted.url else None
    with _served(running) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**LAUNCH)
        _made_by_people(browser, site)
        with Progress() as progress:
            task = progress.add_task("Pictures", total=len(missing))
            # A sign-in is slow, so that the pictures of one person are taken one after another.
            missing.sort(key=lambda each: (each[0].role, each[1]))
            opened: tuple[str, str] | None = None
            context: BrowserContext | None = None
            for shot, language, theme, width, path in missing:
                if context is None or opened != (shot.role, language):
                    if context is not None:
                        context.close()
                    context = _signed_in(browser, site, shot.role, language)
                    opened = (shot.role, language)
                progress.update(task, description=path.stem)
                _take(context.pages[0], shot, theme, width, path)
                progress.advance(task)
        browser.close()
    print(f"{len(missing)} pictures in {wanted.into}")  # noqa: T201  a command speaks


@contextmanager
def _served(running: Site | None) -> Iterator[Site]:
    """The site given, or a fresh sample institution for as long as this lasts."""
    if running is not None:
        yield running
        return
    with (
        tempfile.TemporaryDirectory(prefix="zhike-screenshots-") as folder,
        socket.socket() as free,
    ):
        home = Path(folder)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environment = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
        call = [*ZHIKE, "demo", "--customers", "2000", "--port", str(port)]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                call, env={**environment, "ZHIKE_HOME": folder}, stdout=log, stderr=log
            )
            try:
                url = f"http://127.0.0.1:{port}"
                until_it_answers(url, process, home / "log")
                yield Site.of(url, home)
            finally:
                process.terminate()
                process.wait(60)


def _signed_in(browser: Browser, site: Site, role: str, language: str) -> BrowserContext:
    """A browser of its own, in the language, signed in unless the role is ""."""
    context = browser.new_context(
        base_url=site.url,
        locale=LANGUAGES[language],
        reduced_motion="reduce",
        # What a picture adds to the page's styles is no business of its policy.
        bypass_csp=True,
    )
    # The site asks what was chosen here, not what the browser was installed in.
    context.add_cookies([{"name": "django_language", "value": language, "url": site.url}])
    page = context.new_page()
    if role:
        page.goto("/sign-in/")
        page.fill("input[name=login]", site.logins[role])
        page.fill("input[name=password]", site.password)
        with page.expect_navigation():
            page.click("main button[type=submit]")
    return context


def _made_by_people(browser: Browser, site: Site) -> None:
    """What no sample holds: a file and a job that wait for a second person, requests about somebody's data, a token."""
    with _signed_in(browser, site, "team_lead", "zh-hans") as context:
        page = context.pages[0]
        page.goto("/jobs/")
        if not page.locator(JOB).count():
            asked_for_many(page)
    with _signed_in(browser, site, "customer_manager", "zh-hans") as context:
        page = context.pages[0]
        page.goto("/files/")
        if not page.locator(FILE).count():
            page.goto("/customers/export/?ask=1&kind=person")
            page.locator("[name=clear]").first.check()
            page.fill("[name=why]", "年度对账，交由综合部留存")
            page.click("[name=go]")
        for nth, kind in enumerate(("access", "correction", "erasure")):
            page.goto(f"/privacy/requests/?kind={kind}")
            if not page.locator(ROW).count():
                page.goto("/customers/?kind=person")
                page.goto(f"{page.locator(CUSTOMER).nth(nth).get_attribute('href')}privacy/")
                page.select_option("main [name=kind]", kind)
                if kind == "correction":
                    page.select_option("main [name=field]", "occupation")
                    page.fill("main [name=wanted]", "木匠")
                page.fill("main [name=words]", "本人到柜台，要求了解并处理本行持有的关于我的资料。")
                page.click("main form.edit-form button")
        page.goto("/me/tokens/")
        if not page.locator("main tbody tr").count():
            page.fill("main [name=name]", "报表系统每日对数")
            for box in page.locator("main [type=checkbox]").all()[:2]:
                box.check()
            page.click("main form.edit-form button")


def _take(page: Page, shot: Shot, theme: str, width: int, path: Path) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    # Seen from far above, so that what loads when scrolled to is there, links to go through too.
    page.set_viewport_size({"width": width, "height": 6000})
    page.goto(shot.address)
    for link in shot.follow:
        target = page.locator(link).first.get_attribute("href")
        assert target, f"{shot.name}: the link leads nowhere"
        page.goto(target)
    for pressed in shot.press:
        button = page.locator(f"main {pressed}").first
        leads = button.evaluate("button => button.type === 'submit'")
        with page.expect_navigation() if leads else nullcontext():
            button.click()
    tall = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": max(6000, tall + 2000)})
    page.wait_for_function(
        "() => !document.querySelector('main [aria-busy=true]')"
        " && [...document.querySelectorAll('[data-chart]')].every(figure => figure.chart)"
    )
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    # A full page is taken without scrolling: what is left out of painting until then is asked for here.
    page.screenshot(path=path, full_page=True, style=".work-card { content-visibility: visible }")


if __name__ == "__main__":
    main()
