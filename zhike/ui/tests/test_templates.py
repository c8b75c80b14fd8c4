from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import translation

REPOSITORY = Path(__file__).parents[3]
TEMPLATES = sorted(
    path
    for folder in ("zhike", "tests")
    for path in (REPOSITORY / folder).rglob("templates/**/*")
    if path.suffix in {".html", ".txt", ".svg"}
)
FORBIDDEN = {
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", re.I),
    "inline style sheet": re.compile(r"<style\b", re.I),
    "style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.I),
    "script address": re.compile(r"javascript:", re.I),
    "eval of htmx": re.compile(r"hx-on|[\"']\s*js:|hx-trigger[^=]*=\"[^\"]*\[", re.I),
    "foreign address": re.compile(r"(src|href|action)=[\"'](https?:)?//", re.I),
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_template_breaks_the_content_security_policy(path: Path) -> None:
    text = path.read_text()
    found = [
        f"{path.relative_to(REPOSITORY)}:{text[: match.start()].count(chr(10)) + 1}: {what}"
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]
    assert not found


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("inline script", "<script>alert(1)</script>"),
        ("inline style sheet", "<style>a{}</style>"),
        ("style attribute", '<p class="a" style="color:red">'),
        ("event handler", "<button\n onclick='x()'>"),
        ("eval of htmx", "<p hx-vals='js:{a: 1}'>"),
        ("foreign address", '<img src="//cdn.example/a.png">'),
    ],
)
def test_the_scan_can_fail(what: str, text: str) -> None:
    assert FORBIDDEN[what].search(text)


@pytest.mark.parametrize(
    ("language", "code"), [("zh-hans", "zh-Hans"), ("zh-hant", "zh-Hant"), ("en", "en")]
)
@pytest.mark.parametrize("address", ["/", "/things/", "/things/new/", "/sign-in/", "/no-such/"])
def test_pages_in_three_languages(visitor: Client, address: str, language: str, code: str) -> None:
    with translation.override(language):
        page = visitor.get(address, headers={"accept-language": language}).content.decode()
    assert f'<html lang="{code}"' in page
    assert "<h1>" in page
    assert 'id="main"' in page


def test_navigation_is_trimmed_to_permission(visitor: Client) -> None:
    page = visitor.get("/things/").content.decode()
    assert "物品" in page
    assert "密室" not in page, "the permission is missing"
    assert "未装" not in page, "the address does not exist"
    assert re.search(r'href="/things/" aria-current="page"', page)
    assert 'action="/things/" role="search"' in page


def test_charts_carry_their_option_as_data(visitor: Client) -> None:
    page = visitor.get("/").content.decode()
    blocks = re.findall(r'<script type="application/json">(.*?)</script>', page)
    assert len(blocks) == 5
    assert json.loads(blocks[0])["series"][0]["data"] == [32e6, 21e6, 44e6, 8e6]


def test_every_icon_asked_for_is_in_the_sprite() -> None:
    sprite = finders.find("vendor/icons.svg")
    if sprite is None:
        pytest.fail("run: npm ci --ignore-scripts && node tools/vendor.mjs")
    there = set(re.findall(r'<symbol id="([^"]+)"', Path(sprite).read_text()))
    asked = {
        name
        for path in [*TEMPLATES, *(REPOSITORY / "zhike").rglob("*.py")]
        for names in re.findall(
            r"\{%\s*icon\s+[\"']([a-z0-9-]+)|\bicon(?:: str)?\s*=\s*[\"']([a-z0-9-]+)[\"']",
            path.read_text(),
        )
        for name in names
        if name
    }
    assert asked <= there, f"run node tools/vendor.mjs for {sorted(asked - there)}"


def test_what_is_vendored_is_what_the_manifest_says() -> None:
    manifest = finders.find("vendor/manifest.json")
    if manifest is None:
        pytest.fail("run: npm ci --ignore-scripts && node tools/vendor.mjs")
    folder = Path(manifest).parent
    for name, digest in json.loads(Path(manifest).read_text()).items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_the_vendored_sheet_is_cut_to_what_stands_here() -> None:
    """An older one made a browser style a page of 2,400 elements anew for one tick."""
    sheet = finders.find("vendor/tabler.min.css")
    assert sheet is not None
    assert ":has(" not in Path(sheet).read_text(), "run node tools/vendor.mjs"


def test_the_lock_names_no_registry() -> None:
    lock = (REPOSITORY / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert "registry" not in lock
