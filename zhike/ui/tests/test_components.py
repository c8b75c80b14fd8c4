from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.db.models.fields import BLANK_CHOICE_DASH
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from zhike.ui import calendars, charts
from zhike.ui.boards import Board, BoardCard, BoardColumn
from zhike.ui.gallery import samples
from zhike.ui.gallery.views import GROUPS
from zhike.ui.steps import Chip, Step, Tab
from zhike.ui.timeline import TimelineItem, by_day
from zhike.ui.trees import Branch


def draw(source: str, **context: Any) -> str:
    request = RequestFactory().get("/somewhere/?kept=1&month=2026-01")
    with translation.override("en"):
        template = Template("{% load ui %}" + source)
        return template.render(Context({"request": request, **context}))


def test_money_is_short_and_exact() -> None:
    with translation.override("zh-hans"):
        drawn = Template("{% load ui %}{% money amount %}").render(
            Context({"amount": Decimal("1234567.891")})
        )
    assert drawn == '<abbr class="figure" title="1,234,567.89元">123.46万元</abbr>'
    assert draw("{% money amount %}", amount=None) == "—"


@pytest.mark.parametrize(
    ("change", "better", "words"),
    [
        (0.05, "up", ("is-good", "+5.0%", "arrow-up-right")),
        (0.05, "down", ("is-bad", "+5.0%", "arrow-up-right")),
        (-0.05, "up", ("is-bad", "-5.0%", "arrow-down-right")),
        (-0.05, "", ("is-even", "-5.0%", "arrow-down-right")),
        (0, "up", ("is-even", "0.0%", "minus")),
    ],
)
def test_a_change_says_its_way_by_sign_and_arrow(
    change: float, better: str, words: tuple[str, ...]
) -> None:
    drawn = draw("{% stat 'x' 1 change better=better %}", change=change, better=better)
    assert all(word in drawn for word in words)


def test_a_figure_without_a_change_has_none() -> None:
    assert "stat-change" not in draw("{% stat 'x' 1 %}")


def test_a_board_keeps_keys_counts_and_the_words_of_an_empty_column() -> None:
    board = Board(
        [
            BoardColumn("new", "New", "2,000+", [BoardCard("k1", "<周>", "/a/", peek="/p/")]),
            BoardColumn("won", "Won", 0),
        ],
        move_url="/move/",
    )
    drawn = draw("{% board board %}", board=board)
    assert 'data-move-url="/move/"' in drawn
    assert re.findall(r'data-column="(\w+)"', drawn) == ["new", "won"]
    assert 'data-card="k1"' in drawn
    assert "&lt;周&gt;" in drawn
    assert 'hx-get="/p/" hx-target="#drawer"' in drawn
    assert drawn.count("board-empty") == 1
    assert "2,000+" in drawn


def test_the_ways_of_a_calendar_keep_the_rest_of_the_address() -> None:
    today = date(2026, 11, 22)
    drawn = draw("{% month month %}", month=calendars.month_of(today, [], today))
    assert re.findall(r'href="([?][^"]*)"', drawn) == [
        "?kept=1&amp;month=2026-10",
        "?kept=1",
        "?kept=1&amp;month=2026-12",
    ]
    assert drawn.count('aria-current="date"') == 1


def test_a_tree_opens_without_a_script_and_no_link_hides_in_its_handle() -> None:
    branches = [Branch("东", "/e/", "3", branches=[Branch("甲", "/a/", current=True)], opened=True)]
    drawn = draw("{% tree branches 'Units' %}", branches=branches)
    assert "<details open>" in drawn
    assert not re.search(r"<summary[^>]*>(?:(?!</summary>).)*<a ", drawn, re.S)
    assert drawn.count('aria-current="page"') == 1


def test_a_branch_that_is_fetched_asks_once() -> None:
    drawn = draw("{% tree branches 'Units' %}", branches=[Branch("东", "/e/", fetch="/t/?under=1")])
    assert 'hx-get="/t/?under=1" hx-trigger="click once" hx-target="next ul"' in drawn
    assert "Loading…" in drawn
    assert "hx-get" not in draw("{% tree branches %}", branches=[Branch("东", "/e/")])


def test_steps_tabs_and_chips_say_in_words_where_one_is() -> None:
    drawn = draw(
        "{% steps steps 'Way' %}{% tabs tabs 'Views' %}{% chips chips 'Tier' %}",
        steps=[Step("a", "done"), Step("b", "current"), Step("c"), Step("d", "failed")],
        tabs=[Tab("x", "/x/", True, 12), Tab("y", "/y/")],
        chips=[Chip("p", "/p/", on=True), Chip("q", "/q/")],
    )
    assert re.findall(r'aria-current="(\w+)"', drawn) == ["step", "page", "true"]
    for word in ("done", "now", "to come", "failed"):
        assert f'<span class="visually-hidden">{word}</span>' in drawn


def test_a_timeline_stands_under_the_days_of_the_house() -> None:
    late = TimelineItem(at=datetime(2026, 11, 21, 16, 30, tzinfo=UTC), title="a", kind="Call")
    early = TimelineItem(at=datetime(2026, 11, 21, 15, 30, tzinfo=UTC), title="b")
    whole = TimelineItem(at=date(2026, 11, 21), title="c")
    assert [
        (day, [item.title for item in items]) for day, items in by_day([late, early, whole])
    ] == [
        (date(2026, 11, 22), ["a"]),
        (date(2026, 11, 21), ["b", "c"]),
    ]
    drawn = draw("{% timeline items by='day' %}", items=[late, early, whole])
    assert re.findall(r">(\d\d:\d\d)<", drawn) == ["00:30", "23:30"]
    assert "Call" in drawn


def test_a_chart_brings_its_table_and_an_empty_one_says_so() -> None:
    full = charts.bars(["甲"], {"一": [5]}, links=["/rows/"])
    drawn = draw("{% chart chart 'Who grows?' %}", chart=full)
    assert "<figcaption>Who grows?</figcaption>" in drawn
    assert 'role="img" aria-label="Who grows?"' in drawn
    assert '<a href="/rows/">5</a>' in drawn
    empty = draw("{% chart chart 'Who?' %}", chart=charts.bars(["甲"], {"一": [None]}))
    assert "data-chart" not in empty
    assert "chart-empty" in empty
    assert "<table" not in draw("{% chart chart 'Who?' %}", chart={"series": []})


def test_a_toast_takes_back_what_it_tells() -> None:
    drawn = draw("{% toast 'Moved.' 'success' '/undo/' '#rows' %}")
    assert 'hx-post="/undo/" hx-target="#rows"' in drawn
    assert "<form" not in draw("{% toast 'Moved.' %}")


class Choices(forms.Form):
    one = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect, help_text="why")


def test_a_wrong_field_is_told_to_who_cannot_see_it() -> None:
    form = Choices({})
    drawn = draw("{% field form.one %}", form=form)
    assert 'aria-describedby="id_one_error"' in drawn
    assert 'id="id_one_error"' in drawn
    assert 'class="form-check-input"' in drawn


class Optional(forms.Form):
    one = forms.ChoiceField(choices=[*BLANK_CHOICE_DASH, ("a", "A")], required=False)
    other = forms.ChoiceField(choices=[("", "each"), ("a", "A")], required=False)


def test_no_choice_has_a_word_instead_of_dashes() -> None:
    form = Optional()
    drawn = draw("{% field form.one %}", form=form)
    assert re.findall(r">([^<\n]+)</option>", drawn) == ["not chosen", "A"]
    assert ">each</option>" in draw("{% field form.other %}", form=form)


def test_a_dialog_and_a_drawer_have_a_name_and_a_way_out() -> None:
    dialog = draw("{% dialog 'd1' 'Sure?' %}<p>x</p>{% enddialog %}")
    assert 'id="d1" aria-labelledby="d1-title"' in dialog
    assert "data-close" in dialog
    drawer = draw("{% drawer '周' '/p/' next='/n/' %}x{% enddrawer %}")
    assert 'id="drawer-title"' in drawer
    assert 'hx-get="/n/" hx-target="#drawer"' in drawer
    assert "drawer-previous" not in drawer


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant", "en"])
@pytest.mark.parametrize("group", GROUPS)
def test_the_gallery_draws_each_group_in_each_language(group: str, language: str) -> None:
    now = datetime(2026, 11, 22, 6, tzinfo=UTC)
    request = RequestFactory().get("/ui/")
    with translation.override(language):
        template = Template(f"{{% include 'ui/gallery/{group}.html' %}}")
        context = Context({"side": samples.side("light", language, now)})
        context.request = request  # type: ignore[attr-defined]
        context["request"] = request
        drawn = template.render(context)
    assert samples.words_of(language).people[0] in drawn or group in {"forms", "charts"}
    assert "None" not in re.sub(r"<script.*?</script>", "", drawn, flags=re.S)
