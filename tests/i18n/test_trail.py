"""Every action that code writes to the trail has a name in the reader's words."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from django.utils import translation

from tests.i18n.messages import PACKAGE
from zhike.access.deeds import NAMES, called, name_of

WRITERS = {"record", "record_many", "change", "Refused", "_note", "_end", "_close", "_move"}


def written() -> Iterator[str]:
    """The codes that stand in a call which writes the trail, or are called `action` beside one."""
    for path in PACKAGE.rglob("*.py"):
        if "tests" in path.parts or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "action":
                yield from _codes(node.value)
            if not isinstance(node, ast.Call) or not isinstance(
                node.func, (ast.Name, ast.Attribute)
            ):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in WRITERS:
                for given in (
                    *node.args[1:],
                    *(kw.value for kw in node.keywords if kw.arg == "action"),
                ):
                    yield from _codes(given)


def _codes(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _codes(node.body)
        yield from _codes(node.orelse)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_code(node.value):
        yield node.value


def _is_code(text: str) -> bool:
    return all(part.replace("_", "").isalpha() for part in text.split(".")) and "." in text


def test_every_action_has_a_name() -> None:
    found = set(written())
    assert len(found) > 100
    with translation.override("zh-hans"):
        assert {code for code in found if name_of(code) == code} == set()


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_the_names_are_in_the_readers_language(language: str) -> None:
    with translation.override("en"):
        english = {code: name_of(code) for code in NAMES}
    with translation.override(language):
        assert {code for code in NAMES if name_of(code) == english[code]} == set()
        assert "sign_in" in called({"zh-hans": "登录", "zh-hant": "登入"}[language])


def test_what_has_no_code_of_its_own_is_said_too() -> None:
    with translation.override("en"):
        assert name_of("reveal.mobile") == "See in clear"
        assert name_of("export.trail") == "Take a file: Audit trail"
        assert name_of("customers.party.scope") == "Reach for what one does not look after"
        assert name_of("customers.view") == "see customers"
        assert name_of("strange.deed") == "strange.deed"
