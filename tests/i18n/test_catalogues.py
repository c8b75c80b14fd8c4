"""No message of code or templates is missing, empty, uncertain, left over or broken in a catalogue."""

from __future__ import annotations

import ast

import pytest
from django.utils import translation

from tests.i18n.messages import (
    KEYWORDS,
    PACKAGE,
    ROOT,
    asked_for,
    catalogue,
    faults,
    in_python,
    in_template,
    stored,
)

LANGUAGES = ("zh_Hans", "zh_Hant")
HEADER = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=1; plural=0;\n"

"""

# The same frequent characters in both scripts: one of the wrong half betrays a sentence of the other.
SIMPLIFIED = set("户经这为员单约录时间门问开关对说请输设备网点级产权资财务业类页报")
TRADITIONAL = set("戶經這為員單約錄時間門問開關對說請輸設備網點級產權資財務業類頁報")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str) -> None:
    asked = asked_for()
    assert ("", "Saved.") in asked
    assert list(faults(catalogue(stored(language)), asked)) == []


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("", "missing"),
        ('msgid "%(n)s customers"\nmsgstr ""\n', "empty"),
        ('#, fuzzy\nmsgid "%(n)s customers"\nmsgstr "%(n)s 位客户"\n', "fuzzy"),
        ('msgid "%(n)s customers"\nmsgstr "%(count)s 位客户"\n', "placeholders"),
        ('msgid "%(n)s customers"\nmsgstr "位客户"\n', "placeholders"),
        (
            'msgid "%(n)s customers"\nmsgstr "%(n)s 位客户"\n\nmsgid "Old"\nmsgstr "旧"\n',
            "obsolete",
        ),
        (
            'msgid "%(n)s customers"\nmsgstr "%(n)s 位客户"\n\n#~ msgid "Old"\n#~ msgstr "旧"\n',
            "obsolete",
        ),
    ],
)
def test_faulty_catalogue_is_caught(entry: str, fault: str) -> None:
    found = list(faults(catalogue(HEADER + entry), {("", "%(n)s customers"): "somewhere"}))
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_right_catalogue_has_no_fault() -> None:
    entry = 'msgid "one day"\nmsgid_plural "%(n)s days"\nmsgstr[0] "%(n)s 天"\n'
    assert list(faults(catalogue(HEADER + entry), {("", "one day"): "somewhere"})) == []


def test_messages_of_python_are_found() -> None:
    text = """
from django.utils.translation import gettext as _, gettext_lazy, pgettext, ngettext
_("one")
gettext_lazy("t" "wo")
pgettext("verb", "three")
ngettext("four", "%d fours", n)
not_a_message("five")
"""
    assert list(in_python(text)) == [("", "one"), ("", "two"), ("verb", "three"), ("", "four")]


def test_messages_of_templates_are_found() -> None:
    text = """{% load i18n %}<p>
      {% trans "one" %}{% translate 'two' context "verb" %}
      {% blocktranslate with n=rows.count %}three {{ n }}{% endblocktranslate %}
      {% empty_state _("four") %} it's text {{ _("five") }}
      {% blocktrans count n=n trimmed %}
         six
      {% plural %}
         {{ n }} sixes
      {% endblocktrans %}</p>"""
    assert sorted(in_template(text)) == sorted(
        [("", "one"), ("verb", "two"), ("", "three %(n)s"), ("", "four"), ("", "five"), ("", "six")]
    )


@pytest.mark.parametrize(
    ("language", "foreign"), [("zh_Hans", TRADITIONAL), ("zh_Hant", SIMPLIFIED)]
)
def test_each_catalogue_keeps_to_its_script(language: str, foreign: set[str]) -> None:
    assert {
        str(message.string): mixed
        for message in catalogue(stored(language))
        if message.id and (mixed := foreign & set(str(message.string)))
    } == {}


@pytest.mark.parametrize(
    ("language", "text"), [("zh-hans", "客户"), ("zh-hant", "客戶"), ("en", "customers")]
)
def test_django_finds_the_catalogue(language: str, text: str) -> None:
    from zhike.customers.models import Party

    with translation.override(language):
        assert str(Party._meta.verbose_name_plural) == text


def hidden_messages(text: str) -> list[int]:
    """Lines where a message stands within an f-string, where nobody who gathers messages sees it."""
    return [
        call.lineno
        for joined in ast.walk(ast.parse(text))
        if isinstance(joined, ast.JoinedStr)
        for call in ast.walk(joined)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {*KEYWORDS, "_"}
    ]


def test_every_message_is_asked_for_under_a_name_that_is_gathered() -> None:
    odd = [
        f"{path.relative_to(ROOT)}: {name.asname}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for name in node.names
        if name.name in KEYWORDS and name.asname not in {None, "_"}
    ]
    assert odd == []


def test_no_message_hides_in_an_f_string() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in hidden_messages(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    assert hidden_messages("f\"{_('or')} {name}\"") == [1]
