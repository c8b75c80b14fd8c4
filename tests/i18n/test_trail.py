"""Every action that code writes to the trail has a name in the reader's words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from django.utils import translation
from django.utils.translation import gettext

from tests.i18n.messages import PACKAGE
from zhike.access.deeds import NAMES, called, name_of, reason_in_words
from zhike.access.echoes import echoed
from zhike.access.views.trail import _changes
from zhike.desk.services import agreeing, files
from zhike.kernel.models import AuditEntry

WRITERS = {"record", "record_many", "change", "Refused", "_note", "_end", "_close", "_move"}

WISHES = ("ask", "approve", "refuse", "take_back", "expire", "end")
"""What becomes of a wish that waits for a second person (`desk.services.asking`)."""


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
    found |= {f"{kind.deed}.{how}" for kind in (files.files, agreeing.jobs) for how in WISHES}
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


def refusals() -> set[str]:
    """What is said first in a `Refused(…)`: it stands on the trail."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if "tests" in path.parts or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Refused" and node.args:
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Call) and ast.unparse(part.func) in {"_", "gettext"}:
                        found.add(str(ast.literal_eval(part.args[0])))
    return found


GAP = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("reader", ["en", "zh-hans", "zh-hant"])
@pytest.mark.parametrize("written", ["en", "zh-hans", "zh-hant"])
def test_a_refusal_is_read_in_the_readers_language(written: str, reader: str) -> None:
    said = refusals()
    assert len(said) > 25
    odd = []
    for message in said:
        gaps = {name: f"A{nth}-7" for nth, name in enumerate(GAP.findall(message))}
        with translation.override(written):
            told = gettext(message) % gaps if gaps else gettext(message)
        with translation.override(reader):
            if echoed(told) != (gettext(message) % gaps if gaps else gettext(message)):
                odd.append((told, echoed(told)))
    assert odd == []


def test_what_stands_in_a_gap_is_said_anew_too() -> None:
    with translation.override("en"):
        right = gettext("see customers")
        told = gettext(
            "None of your roles grants “%(permission)s”. Ask the security administrator."
        ) % {"permission": right}
    with translation.override("zh-hans"):
        assert gettext(right) in echoed(told)
        assert right not in echoed(told)


def test_only_what_the_program_wrote_is_said_anew() -> None:
    done, refused = AuditEntry.Outcome.DONE, AuditEntry.Outcome.REFUSED
    own = "Nobody answers their own request."
    with translation.override("zh-hans"):
        assert reason_in_words(AuditEntry(outcome=done, reason=own)) == own
        assert reason_in_words(AuditEntry(outcome=refused, reason=own)) != own
        run = "as of 2026-11-24: 3 new, 2 refreshed, 1 lapsed"
        assert reason_in_words(AuditEntry(actor_name="system", reason=run)).startswith("截至")
        assert (
            reason_in_words(AuditEntry(outcome=refused, reason="没有这样的句子 7"))
            == "没有这样的句子 7"
        )


def test_codes_at_the_beginning_of_a_reason_have_names() -> None:
    with translation.override("en"):
        for action, reason, said in (
            ("customers.consent.use", "marketing: sms", "marketing: text message"),
            ("masterdata.pin", "birth_on: seen on paper: 1980", "born or founded on: seen on paper: 1980"),
            ("masterdata.rule", "gone: trust", "gone: trust"),
            ("desk.bulk.start", "nothing.known: 12", "nothing.known: 12"),
        ):  # fmt: skip
            assert reason_in_words(AuditEntry(action=action, reason=reason)) == said


@pytest.mark.parametrize(
    ("language", "job", "file"),
    [
        ("zh-hans", "操作：— → 移交；行数：— → 4711", "明文列：— → 余额"),
        ("zh-hant", "操作：— → 移交；列數：— → 4711", "明文欄位：— → 餘額"),
    ],
)
def test_jobs_and_columns_in_clear_are_named(language: str, job: str, file: str) -> None:
    asked = {"action": [None, "customers.hand_over"], "total": [None, 4711]}
    taken = {"source": [None, "customers"], "clear": [None, ["balance"]]}
    with translation.override(language):
        assert _changes(AuditEntry(object_type="desk.bulkrun", changes=asked)) == job
        assert file in _changes(AuditEntry(object_type="desk.takenfile", changes=taken))


def test_a_sealed_value_is_called_by_a_word() -> None:
    entry = AuditEntry(
        object_type="customers.contactpoint", changes={"sealed": [None, "digest:abcdef0123"]}
    )
    with translation.override("zh-hans"):
        assert _changes(entry) == "值（加密）：— → 摘要 abcdef01"
