"""Invented things to show components with, in the three languages. Pure: language and time are arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms

from zhike.kernel.clock import BUSINESS_ZONE
from zhike.ui import calendars, charts, format
from zhike.ui.boards import Board, BoardCard, BoardColumn
from zhike.ui.calendars import Event
from zhike.ui.paging import Order
from zhike.ui.steps import Chip, Step, Tab
from zhike.ui.tables import Column, Table
from zhike.ui.timeline import TimelineItem
from zhike.ui.trees import Branch


@dataclass(frozen=True)
class Words:
    """The vocabulary of one language."""

    people: Sequence[str]
    long_person: str
    unit: str
    long_unit: str
    company: str
    sentence: str
    tiers: Sequence[str]
    stages: Sequence[str]
    kinds: Sequence[str]
    columns: Sequence[str]
    months: Sequence[str]
    classes: Sequence[str]
    note: str
    done: str
    wrong: str
    relations: Sequence[str]
    region: str
    questions: Sequence[str]


_HANS = Words(
    people=("周小满", "李沐辰", "欧阳若溪", "陈一"),
    long_person="阿卜杜热西提·买买提依明江",
    unit="城东支行",
    long_unit="内蒙古自治区呼和浩特市新城区海拉尔东街支行公司金融与普惠业务二部",
    company="青禾（苏州）新能源材料科技股份有限公司",
    sentence="客户在 App 上查询了 3 次大额存单，2026 年第 4 季度有 120 万元到期（含利息），建议本周内联系。",
    tiers=("私人银行", "白金", "黄金", "普通"),
    stages=("初步接触", "需求确认", "方案报价", "已成交"),
    kinds=("拜访", "电话", "短信", "变更"),
    columns=("客户", "等级", "余额", "占比", "完成", "最近联系", "备注"),
    months=("7月", "8月", "9月", "10月", "11月", "12月"),
    classes=("重点保持", "重点发展", "适当维护", "观察"),
    note="需在月底前复核，并与 branch manager 确认。",
    done="已保存：周小满",
    wrong="服务器没有应答，未保存任何内容。",
    relations=("配偶", "法定代表人", "担保", "股东"),
    region="华东区",
    questions=(
        "各支行的存款在半年里是升是降？",
        "谁带来了大部分余额？",
        "客户从哪一类走到了哪一类？",
        "他们之间是什么关系？",
        "各等级占多少？",
        "联系越多，余额越高吗？",
    ),
)
_HANT = Words(
    people=("周小滿", "李沐辰", "歐陽若溪", "陳一"),
    long_person="阿卜杜熱西提·買買提依明江",
    unit="城東分行",
    long_unit="內蒙古自治區呼和浩特市新城區海拉爾東街分行企業金融與普惠業務二部",
    company="青禾（蘇州）新能源材料科技股份有限公司",
    sentence="客戶在 App 上查詢了 3 次大額存單，2026 年第 4 季有 120 萬元到期（含利息），建議本週內聯絡。",
    tiers=("私人銀行", "白金", "黃金", "普通"),
    stages=("初步接觸", "需求確認", "方案報價", "已成交"),
    kinds=("拜訪", "電話", "簡訊", "變更"),
    columns=("客戶", "等級", "餘額", "占比", "完成", "最近聯絡", "備註"),
    months=("7月", "8月", "9月", "10月", "11月", "12月"),
    classes=("重點保持", "重點發展", "適當維護", "觀察"),
    note="需在月底前覆核，並與 branch manager 確認。",
    done="已儲存：周小滿",
    wrong="伺服器沒有回應，未儲存任何內容。",
    relations=("配偶", "法定代表人", "擔保", "股東"),
    region="華東區",
    questions=(
        "各分行的存款在半年裡是升是降？",
        "誰帶來了大部分餘額？",
        "客戶從哪一類走到了哪一類？",
        "他們之間是什麼關係？",
        "各等級占多少？",
        "聯絡越多，餘額越高嗎？",
    ),
)
_ENGLISH = Words(
    people=("Zhou Xiaoman", "Li Muchen", "Ouyang Ruoxi", "Chen Yi"),
    long_person="Wolfeschlegelsteinhausenbergerdorff-Montgomery",
    unit="East Gate branch",
    long_unit="Hailar East Street branch, corporate and inclusive finance, second department",
    company="Green Grain (Suzhou) New Energy Materials Technology Co., Ltd.",
    sentence="Looked at large certificates three times in the app; 1.2M matures in Q4 2026. Call this week.",
    tiers=("Private", "Platinum", "Gold", "Standard"),
    stages=("First contact", "Need confirmed", "Offer made", "Won"),
    kinds=("Visit", "Call", "Message", "Change"),
    columns=("Customer", "Tier", "Balance", "Share", "Reached", "Last contact", "Note"),
    months=("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    classes=("Keep", "Develop", "Maintain", "Watch"),
    note="Review before the month ends, together with the branch manager.",
    done="Saved: Zhou Xiaoman",
    wrong="The server did not answer; nothing was saved.",
    relations=("spouse", "legal representative", "guarantor", "shareholder"),
    region="East region",
    questions=(
        "Do the branches gain or lose deposits?",
        "Who brings most of the balance?",
        "From which class to which did customers move?",
        "How do they hang together?",
        "How large is each tier?",
        "Does more contact mean more balance?",
    ),
)
TONES = ("purple", "azure", "yellow", "secondary")


def words_of(language: str) -> Words:
    return {"zh-hans": _HANS, "zh-hant": _HANT}.get(language.lower(), _ENGLISH)


def side(theme: str, language: str, now: datetime) -> dict[str, Any]:
    """Everything the gallery's templates draw, for one theme; ids and names differ by theme."""
    words = words_of(language)
    today = now.astimezone(BUSINESS_ZONE).date()
    return {
        "theme": theme,
        "words": words,
        "now": now,
        "today": today,
        "figures": [
            Decimal("8888"),
            Decimal("1234567.89"),
            Decimal("99999999"),
            Decimal("-345678901234.5"),
            None,
        ],
        "stat": format.money_short(Decimal(1_234_567_890), language),
        "tones": [(tone, tone) for tone in _ALL_TONES],
        "spark": [12, 14, 13, 17, 16, 21, 24],
        "tabs": [Tab(words.tiers[0], "#", True, 12), Tab(words.tiers[1], "#", count="2,000+")],
        "chips": [
            Chip(label, "#", on=at == 0, count=12 * at)
            for at, label in enumerate([*words.tiers, words.long_unit])
        ],
        "steps": _steps(words),
        "facts": [
            (words.columns[0], words.company),
            (words.columns[1], words.tiers[0]),
            (words.columns[6], ""),
            (words.columns[2], format.money_short(Decimal(1234567), language)),
        ],
        "table": table(words, now),
        "empty_table": Table(columns(words), []),
        "form": SampleForm(words, prefix=f"{theme}-full"),
        "wrong": SampleForm(words, {}, prefix=f"{theme}-wrong"),
        "disabled": SampleForm(words, prefix=f"{theme}-off", off=True),
        "items": _items(words, now),
        "branches": _branches(words),
        "board": _board(words, theme, language),
        "month": calendars.month_of(today, _events(words, today), today, {today: words.kinds[0]}),
        "week": calendars.week_of(today, _events(words, today), today),
        **_charts(words),
    }


_ALL_TONES = (
    *("blue", "azure", "indigo", "purple", "pink", "red", "orange"),
    *("yellow", "lime", "green", "teal", "cyan", "secondary"),
)


def peeked(language: str, now: datetime) -> dict[str, Any]:
    words = words_of(language)
    return {"words": words, "items": _items(words, now), "facts": [(words.columns[0], words.unit)]}


def columns(words: Words) -> tuple[Column, ...]:
    name, tier, balance, share, reached, contact, note = words.columns
    return (
        Column("name", name, sortable=True, url=lambda row: "#"),
        Column("tier", tier, "badge", tone=lambda row: row["tone"]),
        Column("balance", balance, "money", sortable=True),
        Column("share", share, "percent"),
        Column("reached", reached, "progress", minor=True),
        Column("contact", contact, "age", sortable=True),
        Column("note", note, minor=True),
    )


def table(words: Words, now: datetime) -> Table:
    names = [*words.people, words.long_person, words.company]
    rows = [
        {
            "name": name,
            "tier": words.tiers[at % 4],
            "tone": TONES[at % 4],
            "balance": Decimal(10) ** (10 - at) if at != 3 else None,
            "share": Decimal("0.31") / (at + 1),
            "reached": 1 - at / 6,
            "contact": now - timedelta(days=at * 9),
            "note": words.note if at % 2 else "",
        }
        for at, name in enumerate(names)
    ]
    return Table(columns(words), rows, Order("balance", True), lambda row: "#")


class SampleForm(forms.Form):
    """Each kind of field once."""

    def __init__(self, words: Words, *args: Any, off: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name, tier, balance, _share, _reached, contact, note = words.columns
        choices = [(label, label) for label in words.tiers]
        self.fields |= {
            "name": forms.CharField(label=name, initial=words.long_person, max_length=40),
            "tier": forms.ChoiceField(label=tier, choices=choices),
            "balance": forms.DecimalField(
                label=balance, help_text=words.note, initial="1234567.89"
            ),
            "contact": forms.DateField(label=contact, initial=date(2026, 11, 22)),
            "kind": forms.ChoiceField(
                label=words.kinds[0],
                choices=[(kind, kind) for kind in words.kinds],
                widget=forms.RadioSelect,
                initial=words.kinds[0],
            ),
            "sure": forms.BooleanField(label=words.stages[3]),
            "note": forms.CharField(
                label=note, initial=words.sentence, widget=forms.Textarea(attrs={"rows": 3})
            ),
        }
        for field in self.fields.values():
            field.disabled = off


def _steps(words: Words) -> list[Step]:
    states: Sequence[Any] = ("done", "done", "current", "coming")
    return [
        Step(stage, state, note)
        for stage, state, note in zip(
            words.stages, states, ["2026-11-02", "2026-11-15", words.people[0], ""], strict=True
        )
    ]


def _items(words: Words, now: datetime) -> list[TimelineItem]:
    item = partial(TimelineItem, who=words.people[0])
    return [
        item(
            at=now - timedelta(minutes=25),
            title=words.people[1],
            text=words.sentence,
            kind=words.kinds[0],
            icon="walk",
            tone="blue",
            url="#",
        ),
        item(
            at=now - timedelta(minutes=95),
            title=words.company,
            kind=words.kinds[1],
            icon="phone",
            tone="green",
        ),
        item(
            at=now - timedelta(days=1),
            title=f"{words.tiers[2]} → {words.tiers[1]}",
            text=words.note,
            kind=words.kinds[3],
            icon="arrows-exchange",
            tone="orange",
        ),
        item(
            at=now.astimezone(BUSINESS_ZONE).date() - timedelta(days=40),
            title=words.long_unit,
            kind=words.kinds[2],
            icon="message",
        ),
    ]


def _branches(words: Words) -> list[Branch]:
    leaves = [Branch(name, "#", "128") for name in words.people]
    return [
        Branch(
            words.region,
            "#",
            "12,846",
            icon="building-bank",
            opened=True,
            branches=[
                Branch(words.unit, "#", "3,204", icon="building", branches=leaves, opened=True),
                Branch(words.long_unit, "#", "9,642", icon="building", current=True),
                Branch(words.company, icon="building", branches=leaves[:1]),
            ],
        )
    ]


def _board(words: Words, theme: str, language: str) -> Board:
    def money(amount: int) -> str:
        return format.money_short(Decimal(amount), language)

    cards = [
        BoardCard(
            f"{theme}-{at}",
            name,
            "#",
            [
                (words.columns[2], money(125_000 * (at + 1))),
                (words.columns[5], "2026-11-18"),
            ],
            (words.tiers[at % 4], TONES[at % 4]),
        )
        for at, name in enumerate([*words.people, words.company])
    ]
    return Board(
        [
            BoardColumn(
                f"{theme}-a",
                words.stages[0],
                2,
                cards[:2],
                money(375_000),
                "azure",
            ),
            BoardColumn(f"{theme}-b", words.stages[1], "2,000+", cards[2:], "", "yellow", "#"),
            BoardColumn(f"{theme}-c", words.stages[2], 0, (), "", "purple"),
            BoardColumn(f"{theme}-d", words.stages[3], 0, (), "", "green"),
        ],
        words.columns[1],
    )


def _events(words: Words, today: date) -> list[Event]:
    first = today.replace(day=1)
    event = partial(Event, url="#")
    return [
        event(today, words.people[0], at=time(9, 30), kind=words.kinds[0]),
        event(today, words.company, at=time(14), kind=words.kinds[1], tone="green"),
        event(today, words.note, tone="orange"),
        event(today, words.people[2], at=time(16, 15), kind=words.kinds[1], tone="green"),
        event(today, words.long_person, at=time(17), kind=words.kinds[0]),
        event(first + timedelta(3), words.people[1], at=time(10), kind=words.kinds[0]),
        event(
            first + timedelta(8),
            words.stages[2],
            until=first + timedelta(10),
            tone="purple",
        ),
        event(today + timedelta(2), words.people[3], at=time(11), kind=words.kinds[2], tone="cyan"),
    ]


def _charts(words: Words) -> dict[str, Any]:
    months = words.months
    up = [Decimal(320 + 18 * at) * 10**6 for at in range(6)]
    down = [Decimal(410 - 12 * at * at) * 10**6 for at in range(6)]
    cumulated = [(n / 20, 1 - (1 - n / 20) ** 3.4) for n in range(21)]
    return {
        "bars": charts.bars(
            months,
            {words.unit: up, words.people[0]: down},
            "money",
            heading=words.columns[5],
            links=["#"] * 6,
        ),
        "lying": charts.bars(
            [*words.tiers, words.long_unit],
            {words.columns[0]: [128, 640, 2204, 9800, 77]},
            measure=words.columns[0],
            lying=True,
        ),
        "lines": charts.lines(
            months, {words.unit: up, words.long_unit: down}, "money", heading=words.columns[5]
        ),
        "ring": charts.ring(
            dict(zip(words.tiers, (128, 640, 2204, 9800), strict=True)), heading=words.columns[1]
        ),
        "heat": charts.heat(
            words.classes,
            words.classes,
            {(x, y): (x * 7 + y * 13) % 29 * 9 for x in range(4) for y in range(4)},
            measure=words.columns[0],
            labelled=True,
        ),
        "curve": charts.curve({words.columns[2]: cumulated}, words.columns[0], words.columns[2]),
        "points": charts.points(
            {
                words.tiers[at]: [(n, (n * 37 * (at + 1)) % 90 * 10**4) for n in range(1, 14)]
                for at in (0, 2)
            },
            words.columns[5],
            words.columns[2],
            "number",
            "money",
        ),
        "graph": charts.graph(
            [
                charts.Node("a", words.people[0], words.kinds[0], "#", centre=True),
                charts.Node("b", words.people[1], words.kinds[0], "#"),
                charts.Node("c", words.company, words.unit, "#"),
                charts.Node("d", words.long_person, words.kinds[0]),
                charts.Node("e", words.people[3], words.kinds[0]),
            ],
            [
                charts.Tie("a", "b", words.relations[0]),
                charts.Tie("a", "c", words.relations[1]),
                charts.Tie("d", "c", words.relations[3]),
                charts.Tie("e", "a", words.relations[2]),
            ],
        ),
        "nothing": charts.bars(months, {words.unit: [None] * 6}, "money"),
    }
