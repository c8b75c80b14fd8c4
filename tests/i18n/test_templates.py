"""No template says a word to the reader past gettext."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.i18n.messages import PACKAGE, ROOT

SKIPPED = re.compile(
    r"""\{%\s*comment.*?endcomment\s*%\}
    | \{\#.*?\#\}
    | \{%\s*blocktrans(?:late)?\b.*?endblocktrans(?:late)?\s*%\}
    | <(script|style|kbd|svg)\b.*?</\1>
    | <!--.*?-->""",
    re.DOTALL | re.VERBOSE,
)
DYNAMIC = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
SPOKEN = re.compile(
    r"""\b(?:title|placeholder|alt|aria-label|aria-description)\s*=\s*("[^"]*"|'[^']*')"""
)
TAG = re.compile(r"<[^>]*>", re.DOTALL)
WORD = re.compile(r"&\w+;|[A-Za-z]{2,}|[\u4e00-\u9fff]+")
# Words that are the same in every language of the screens.
NAMES = {"Zhike", "知客", "XLSX", "CSV", "JSON"}


def bare_words(text: str) -> Iterator[str]:
    """The words of a template that every reader would get in the same language."""
    text = DYNAMIC.sub(" ", SKIPPED.sub(" ", text))
    spoken = " ".join(each[1:-1] for each in SPOKEN.findall(text))
    for word in WORD.findall(f"{TAG.sub(' ', text)} {spoken}"):
        if word not in NAMES and not word.startswith("&"):
            yield word


def test_templates_speak_through_gettext() -> None:
    assert {
        path.relative_to(ROOT).as_posix(): words
        for path in sorted(PACKAGE.rglob("templates/**/*.html"))
        if "tests" not in path.parts
        and (words := list(bare_words(path.read_text(encoding="utf-8"))))
    } == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<p>Save</p>", ["Save"]),
        ("<p>保存</p>", ["保存"]),
        ('<input placeholder="Find">', ["Find"]),
        ("<b>{{ n }} rows</b>", ["rows"]),
        ('<p class="card">{% trans "Save" %}</p>', []),
        ('<a title="{% trans "Save" %}" href="/x/">{{ label }}</a>', []),
        ("{% blocktrans %}{{ n }} rows{% endblocktrans %}", []),
        ("<kbd>Ctrl</kbd>&nbsp;知客{# a note #}", []),
    ],
)
def test_bare_word_is_caught(text: str, words: list[str]) -> None:
    assert list(bare_words(text)) == words
