"""The language of conditions: what is written is read back, what is wrong is named and left out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from zhike.kernel import clock
from zhike.ui.lists import builder
from zhike.ui.lists.conditions import Group, Test, Unreadable, read, write
from zhike.ui.lists.criteria import Criterion, amount, condition, told
from zhike.ui.tests.sample import KEEPER, TIERS, Thing

words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
values = st.lists(st.text(min_size=1, max_size=8), max_size=3).map(tuple)
tests = st.builds(Test, words, words, values)
matches = st.sampled_from(["all", "any"])
inner = st.builds(Group, matches, st.lists(tests, min_size=1, max_size=3).map(tuple))
groups = st.builds(Group, matches, st.lists(tests | inner, min_size=2, max_size=4).map(tuple))


@given(groups)
def test_what_is_written_is_read_back(group: Group) -> None:
    assert read(write(group)) == group


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read(text)
    except Unreadable:
        return
    assert read(write(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        *("tier", "tier.", ".is", "tier.is.", "any(tier.is.a", "some(tier.is.a)", "tier.is.a)"),
        *('tier.is.a b"', "Tier.is.a", "a.is.b,,", "any(any(any(any(a.is.b))))", 'a.is."b'),
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *(("500,000", 500_000), ("50万", 500_000), ("1.2億元", 120_000_000), ("3千", 3_000)),
        *(("2千万", 20_000_000), ("５０万", 500_000), ("1.5M", 1_500_000), ("-2w", -20_000)),
        *((" 80 % ", 80), (".5", Decimal("0.5")), ("1万亿", 10**12)),
    ],
)
def test_amounts_are_read_as_people_type_them(typed: str, meant: Decimal | int) -> None:
    assert amount(typed) == meant


@given(st.text(max_size=12) | st.sampled_from(["", "万", "1e9", "nan", "inf", "--1", "1万万万"]))
def test_what_is_no_amount_is_refused(text: str) -> None:
    try:
        found = amount(text)
    except ValueError:
        return
    assert abs(found) <= 10**18


PAGE = "sample.things"
KNOWN = {
    each.name: each
    for each in (
        Criterion("s:name", PAGE, "名称", "text", "name", nullable=False),
        Criterion("s:tier", PAGE, "等级", "choice", "tier", lambda actor: TIERS),
        Criterion("s:amount", PAGE, "金额", "money", "amount"),
        Criterion("s:opened", PAGE, "登记日期", "date", "opened_on", counts_as_old=True),
        Criterion("s:hidden", PAGE, "隐藏", "boolean", "hidden"),
    )
}


@pytest.fixture
def things(db: None, thing_table: None) -> dict[str, Thing]:
    today = clock.today()
    return {
        name: Thing.objects.create(
            name=name,
            tier=tier,
            amount=None if amount is None else Decimal(amount),
            opened_on=None if days is None else today + timedelta(days),
            hidden=name == "丁",
        )
        for name, tier, amount, days in (
            ("甲", "a", "100.00", 0),
            ("乙", "b", "200.00", -40),
            ("丙", "c", None, None),
            ("丁", "a", "0.00", 10),
        )
    }


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("name.has.甲", "甲"),
        ("name.has_not.甲", "乙丙丁"),
        ("name.is.乙", "乙"),
        ("tier.is.a|c", "甲丙丁"),
        ("tier.is_not.a", "乙丙"),
        ("amount.over.100", "乙"),
        ("amount.from.100", "甲乙"),
        ("amount.to.100", "甲丁"),
        ("amount.under.100", "丁"),
        ("amount.between.200|50", "甲乙"),
        ("amount.empty", "丙"),
        ("amount.filled", "甲乙丁"),
        ("opened.today", "甲"),
        ("opened.older.30", "乙丙"),
        ("opened.last.40", "甲乙"),
        ("opened.next.10", "甲丁"),
        ("opened.empty", "丙"),
        ("hidden.yes", "丁"),
        ("hidden.no", "甲乙丙"),
        ("tier.is.a,amount.over.50", "甲"),
        ("any(tier.is.c,amount.over.150)", "乙丙"),
        ("tier.is.a,any(opened.next.30,amount.over.99)", "甲丁"),
        ("any(all(tier.is.a,amount.to.0),name.is.丙)", "丙丁"),
    ],
)
def test_every_operator_finds_what_it_says(
    things: dict[str, Thing], where: str, names: str
) -> None:
    q, problems = condition(read(where), KNOWN, KEEPER)
    assert problems == []
    assert {row.name for row in Thing.objects.filter(q)} == set(names)


def test_dates_before_after_and_of_this_month(things: dict[str, Thing]) -> None:
    today = clock.today()
    for where, names in (
        (f"opened.before.{today}", {"乙"}),
        (f"opened.after.{today}", {"丁"}),
        (f"opened.between.{today - timedelta(50)}|{today}", {"甲", "乙"}),
    ):
        q, problems = condition(read(where), KNOWN, KEEPER)
        assert problems == []
        assert {row.name for row in Thing.objects.filter(q)} == names
    q, _problems = condition(read("opened.this_month"), KNOWN, KEEPER)
    for row in Thing.objects.filter(q):
        assert row.opened_on is not None
        assert (row.opened_on.year, row.opened_on.month) == (today.year, today.month)


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ("secret.is.a", "secret"),
        ("tier.over.1", "over"),
        ("tier.is.z", "z"),
        ("amount.over.much", "much"),
        ("amount.over", "金额"),
        ("amount.between.1", "金额"),
        ("amount.over.NaN", "NaN"),
        ("opened.before.yesterday", "yesterday"),
        ("opened.older.-3", "-3"),
        ("name.empty", "empty"),
    ],
)
def test_what_cannot_be_asked_is_named_and_left_out(
    things: dict[str, Thing], where: str, named: str
) -> None:
    q, problems = condition(read(f"tier.is.a,{where}"), KNOWN, KEEPER)
    assert len(problems) == 1
    assert named in problems[0]
    assert {row.name for row in Thing.objects.filter(q)} == {"甲", "丁"}


def test_a_test_is_told_in_words() -> None:
    assert told(Test("tier", "is", ("a", "b")), KNOWN, KEEPER).endswith("甲、乙")
    assert "30" in told(Test("opened", "older", ("30",)), KNOWN, KEEPER)


def form(**fields: str) -> QueryDict:
    sent = QueryDict(mutable=True)
    for name, value in fields.items():
        sent[name.replace("__", ".")] = value
    return sent


def test_the_form_says_what_it_shows() -> None:
    sent = form(
        build="1", w0__field="tier", w0__op="is", w0__value="a", w2__match="any",
        wmatch="all",
    )  # fmt: skip
    sent.setlist("w2.0.field", ["amount"])
    sent.setlist("w2.0.op", ["between"])
    sent.setlist("w2.0.value", ["1", "2"])
    sent["w2.1.field"] = ""
    assert write(builder.finished(builder.sent(sent))) == "tier.is.a,any(amount.between.1|2)"


def test_rows_of_the_form_come_and_go() -> None:
    sent = form(w0__field="tier", w1__field="amount", drop="w0.", add="test")
    draft = builder.sent(sent)
    assert [getattr(part, "field", None) for part in draft.parts] == ["amount", ""]
    sent = form(w0__0__field="tier", w0__match="any", drop="w0.0.")
    assert builder.sent(sent).parts == [builder.DraftGroup("any", [])]


@given(groups)
def test_the_form_opens_on_what_holds(group: Group) -> None:
    assert builder.finished(builder.drafted(group)).match == group.match
