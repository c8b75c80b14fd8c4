"""The messages that code and templates ask for, and what a catalogue answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation import templatize

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "zhike"
KEYWORDS = {
    "_": None,
    **{
        f"{name}{lazy}": arguments
        for lazy in ("", "_lazy")
        for name, arguments in {
            "gettext": None,
            "ngettext": (1, 2),
            "pgettext": ((1, "c"), 2),
            "npgettext": ((1, "c"), 2, 3),
        }.items()
    },
    "gettext_noop": None,
}
PLACEHOLDER = re.compile(r"%\(\w+\)[#0 +-]*[\d.]*[a-zA-Z]|%[#0 +-]*[\d.]*[sdifr]|\{\w*[^{}]*\}")

# A message: its context ("" for none) and its English singular.
Key = tuple[str, str]


def in_python(text: str) -> Iterator[Key]:
    """The messages of Python code."""
    for _line, found, _comments, context in extract(
        "python", BytesIO(text.encode()), KEYWORDS, (), {}
    ):
        yield context or "", found if isinstance(found, str) else found[0]


def in_template(text: str) -> Iterator[Key]:
    """The messages of a Django template."""
    code = templatize(text)
    # What stands between the messages is blanked out, but its indentation is no Python.
    yield from in_python("\n".join(line.lstrip() for line in code.splitlines()))


def asked_for() -> dict[Key, str]:
    """Every message of the package, with one place that asks for it."""
    asked: dict[Key, str] = {}
    for suffix, read in ((".py", in_python), (".html", in_template), (".txt", in_template)):
        for path in sorted(PACKAGE.rglob(f"*{suffix}")):
            inside = path.relative_to(ROOT)
            if {"tests", "vendor", "migrations"} & set(inside.parts):
                continue
            for key in read(path.read_text(encoding="utf-8")):
                asked.setdefault(key, inside.as_posix())
    return asked


def catalogue(text: str) -> Catalog:
    return read_po(BytesIO(text.encode()))


def stored(language: str) -> str:
    """The text of a language's catalogue."""
    return (PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")


def placeholders(text: str) -> Counter[str]:
    return Counter(PLACEHOLDER.findall(text.replace("%%", "")))


def _words(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value or "")]


def faults(held: Catalog, asked: dict[Key, str]) -> Iterator[str]:
    """What is wrong with a catalogue for these messages, each named by the message."""
    by_key: dict[Key, Message] = {
        (message.context or "", _words(message.id)[0]): message for message in held if message.id
    }
    for key, place in asked.items():
        if key not in by_key:
            yield f"missing: {key[1]!r} ({place})"
    for key, message in by_key.items():
        english, words = _words(message.id), _words(message.string)
        if message.fuzzy:
            yield f"fuzzy: {key[1]!r}"
        if key not in asked:
            yield f"obsolete: {key[1]!r}"
        if not all(words):
            yield f"empty: {key[1]!r}"
        elif any(placeholders(word) != placeholders(english[-1]) for word in words):
            yield f"placeholders differ: {key[1]!r} → {words}"
    for message in held.obsolete.values():
        yield f"obsolete: {_words(message.id)[0]!r}"
