"""Files: their size, their names, what each room says of itself, what no file says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import FLOOR_OF, PACKAGE, ROOT, Source, files, python_sources

LONGEST = 500
CODE = (".py", ".html", ".js", ".mjs", ".css")
TEXT = (*CODE, ".md", ".toml", ".json", ".svg", ".txt", ".po", ".yml", ".yaml", ".cfg", "", ".lock")
VAGUE = {"utils", "helpers", "common", "misc", "util", "helper", "stuff"}

# Each pattern is written so that it does not find itself.
FOREIGN = {
    r"(?<![\w.])/(work|root|home/\w+|Users/\w+)[/](?!\s)": "a path of somebody's machine",
    r"py[p]i\.org|python[h]osted\.org|npm[j]s\.org|npm[m]irror|tsing[h]ua\.edu": "the address of a registry",
    r"(?i)co-authored[-]by|generated [b]y an? ": "a mark of how the text came to be",
    r"(?i)\b(cl[a]ude|anthr[o]pic|chat[g]pt|open[a]i|co[p]ilot|large language [m]odel)\b": "a product's name",
}
DATA_FOLDER = re.compile(r"\.\./[s]hared")


def foreign_words(path: str, text: str) -> Iterator[str]:
    """What is not the project's own: machine paths, registries, marks of other programs."""
    for pattern, what in FOREIGN.items():
        for found in re.finditer(pattern, text):
            yield f"{path}:{text.count(chr(10), 0, found.start()) + 1} {found[0]!r}: {what}"
    if not re.match(r"(tests|benchmarks)/|.*/tests/|README|docs/|CONTRIBUTING", path):
        for found in DATA_FOLDER.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, found.start()) + 1}: public data is for tests"


def vague_names(path: str) -> list[str]:
    return [part for part in re.split(r"[/.]", path) if part in VAGUE]


def marks_for_later(source: Source) -> Iterator[str]:
    """Unfinished work, by the marks people leave beside it."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if re.search(r"#\s*(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b", line):
            yield f"{source.path}:{number} {line.strip()}"


def test_no_file_is_longer_than_a_reader_holds() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in files(*CODE)
        if "migrations" not in path.parts
        if (lines := path.read_text(encoding="utf-8").count("\n")) > LONGEST
    }
    assert long == {}


def test_no_vague_name() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in files(*CODE)]
    assert [name for name in names if vague_names(name)] == []


@pytest.mark.parametrize("path", ["zhike/ui/utils.py", "zhike/helpers/money.py", "tests/common.py"])
def test_vague_name_is_caught(path: str) -> None:
    assert vague_names(path)


def test_nothing_foreign_in_the_texts() -> None:
    assert [
        fault
        for path in files(*TEXT)
        for fault in foreign_words(
            path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        )
    ] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("zhike/ui/tables.py", "# see /" + "work/main"),
        ("docs/ui.md", "cd /" + "home/li/zhike"),
        ("requirements.lock", "--index-url https://py" + "pi.org/simple"),
        ("package-lock.json", '"resolved": "https://registry.npm' + 'js.org/x.tgz"'),
        ("zhike/ui/tables.py", "# Co-authored" + "-by: x"),
        ("zhike/config/cli.py", 'DATA = "../' + 'shared/data"'),
    ],
)
def test_foreign_word_is_caught(path: str, text: str) -> None:
    assert list(foreign_words(path, text))


@pytest.mark.parametrize("text", ["/workbench/", "the root / home", "a/home/b", "paperwork/main"])
def test_own_word_is_let_through(text: str) -> None:
    assert list(foreign_words("zhike/ui/tables.py", text)) == []


def test_nothing_is_left_for_later() -> None:
    assert [fault for source in python_sources() for fault in marks_for_later(source)] == []


def test_mark_for_later_is_caught() -> None:
    assert list(marks_for_later(Source("zhike/ui/x.py", "# TO" + "DO: later")))


@pytest.mark.parametrize("room", FLOOR_OF)
def test_every_room_says_what_lives_in_it(room: str) -> None:
    text = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
    assert len(ast.get_docstring(ast.parse(text)) or "") > 40
