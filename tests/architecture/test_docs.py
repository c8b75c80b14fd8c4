"""What can be set, called, subscribed to or entered stands in the docs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import (
    FLOOR_OF,
    PACKAGE,
    ROOT,
    Source,
    dotted,
    python_sources,
    room_sources,
)

DOCS = ROOT / "docs"
# The roof and the packs are not told by room but by what a reader looks for.
PAGES = {"config": ("settings.md", "commands.md"), "packs": ("extending.md",)}
READERS = {"get", "getenv", "pop", "_flag", "_words", "setdefault"}
NOT_OURS = {
    "DJANGO_SETTINGS_MODULE": "Django's own",
    "ZHIKE_TEST_HOME": "passes a folder from the test run to its workers",
}


def page(name: str) -> str:
    path = DOCS / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def settings_read(source: Source) -> Iterator[str]:
    """The names of the environment that the file reads."""
    for node in ast.walk(source.tree):
        name: ast.expr | None = None
        if isinstance(node, ast.Call) and node.args:
            chain = dotted(node.func)
            if (
                chain[-1:]
                and chain[-1] in READERS
                and (len(chain) == 1 or {"environ", "os"} & set(chain))
            ):
                name = node.args[0]
        elif isinstance(node, ast.Subscript) and dotted(node.value)[-1:] == ["environ"]:
            name = node.slice
        elif isinstance(node, ast.Compare) and dotted(node.comparators[0])[-1:] == ["environ"]:
            name = node.left
        if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isupper():
            yield name.value


def events_declared(source: Source) -> Iterator[tuple[str, bool]]:
    """The event classes of the file, and whether each is a frozen dataclass."""
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef):
            frozen = any(
                isinstance(each, ast.Call)
                and dotted(each.func)[-1:] == ["dataclass"]
                and any(word.arg == "frozen" for word in each.keywords)
                for each in node.decorator_list
            )
            yield node.name, frozen


def undocumented(names: set[str], text: str) -> list[str]:
    """The names that the text does not give as code."""
    return sorted(
        name for name in names if not re.search(rf"`[^`]*\b{re.escape(name)}\b[^`]*`", text)
    )


def commands() -> Iterator[str]:
    """Every `zhike …` command, sub-commands too."""
    if not (PACKAGE / "config" / "cli.py").exists():
        return
    import click

    from zhike.config.cli import main

    def walk(command: click.Command, name: str) -> Iterator[str]:
        if isinstance(command, click.Group):
            for part, inner in command.commands.items():
                yield from walk(inner, f"{name} {part}")
        else:
            yield name

    yield from walk(main, "zhike")


def environment() -> set[str]:
    return {
        name for source in room_sources() for name in settings_read(source) if name not in NOT_OURS
    }


def test_every_setting_is_documented() -> None:
    assert {"ZHIKE_HOME", "DATABASE_URL", "WAREHOUSE_URL", "LOG_LEVEL"} <= environment()
    assert undocumented(environment(), page("settings.md")) == []


def test_every_documented_setting_exists() -> None:
    ours, _heading, _for_builders = page("settings.md").partition("## For those who build")
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", ours, re.MULTILINE))
    assert documented - environment() == set()


@pytest.mark.parametrize(
    "text",
    [
        'os.environ.get("PLANTED", "x")',
        'os.environ["PLANTED"]',
        'os.getenv("PLANTED")',
        '_flag("PLANTED", False)',
        'x = "PLANTED" in os.environ',
        'x = "PLANTED" not in os.environ',
    ],
)
def test_undocumented_setting_is_caught(text: str) -> None:
    names = set(settings_read(Source("zhike/config/settings.py", text)))
    assert undocumented(names, page("settings.md")) == ["PLANTED"]


@pytest.mark.parametrize("room", FLOOR_OF)
def test_every_room_has_its_page(room: str) -> None:
    assert [name for name in PAGES.get(room, (f"{room}.md",)) if len(page(name)) < 300] == []


def test_every_pack_has_its_page() -> None:
    packs = [path.parent.name for path in (PACKAGE / "packs").glob("*/__init__.py")]
    assert packs
    assert [pack for pack in packs if len(page(f"{pack}.md")) < 300] == []


def test_every_event_is_frozen_and_documented() -> None:
    faults = []
    for source in room_sources():
        if not source.is_called("events") or source.room == "kernel":
            continue
        declared = dict(events_declared(source))
        faults += [
            f"{source.path}: {name} is not frozen"
            for name, frozen in declared.items()
            if not frozen
        ]
        text = page(f"{source.room.rpartition('.')[2]}.md") + page("events.md")
        faults += [
            f"{source.path}: {name} has no word in the docs"
            for name in undocumented(set(declared), text)
        ]
    assert faults == []


def test_undocumented_event_is_caught() -> None:
    text = "@dataclass(frozen=True)\nclass Merged:\n    x: int\nclass Loose: ...\n"
    found = dict(events_declared(Source("zhike/customers/events.py", text)))
    assert found == {"Merged": True, "Loose": False}
    assert undocumented(set(found), "Only `Loose` and Merged without ticks.") == ["Merged"]


def test_every_command_is_documented() -> None:
    text = page("commands.md")
    assert [command for command in commands() if f"`{command}" not in text] == []


def test_every_page_can_be_reached() -> None:
    start = [ROOT / "README.md", DOCS / "house.md", ROOT / "CONTRIBUTING.md"]
    seen, queue = set(start), list(start)
    while queue:
        here = queue.pop()
        for link in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", here.read_text(encoding="utf-8")):
            target = (here.parent / link).resolve()
            assert target.exists(), f"{here.relative_to(ROOT)} links to {link}, which is not there"
            if target not in seen:
                seen.add(target)
                queue.append(target)
    assert {path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.md")} <= {
        path.relative_to(ROOT).as_posix() for path in seen
    }


def test_every_module_of_the_package_says_what_it_is_for() -> None:
    silent = [
        source.path
        for source in python_sources()
        if source.room
        and not source.is_migration
        and source.text.strip()
        and source.parts[-1] not in {"apps", "urls", "__init__"}
        and not source.is_test
        and not ast.get_docstring(source.tree)
    ]
    assert silent == []
