"""A small site of invented things that uses every part of the room once; its own addresses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.views import LoginView
from django.db import OperationalError, models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import include, path, reverse
from django.views.generic import TemplateView

from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.classes import classify
from zhike.kernel.errors import Conflict, UserError
from zhike.kernel.models import Base
from zhike.kernel.money import MoneyField
from zhike.kernel.scope import Scope
from zhike.ui import charts
from zhike.ui.filters import Filter
from zhike.ui.navigation import Action
from zhike.ui.paging import Order
from zhike.ui.panels import Panel
from zhike.ui.tables import Column, Table
from zhike.ui.timeline import TimelineItem
from zhike.ui.views import DetailView, EditView, ListView, done

KEEPER = Actor(
    user_id=1,
    employee_id=1,
    name="周小满",
    roles=frozenset({"keeper"}),
    permissions=frozenset({"things.read", "things.change", "account.use"}),
    titles=("样例保管员",),
)
STRANGER = Actor(user_id=2, employee_id=2, name="路人", roles=frozenset({"guest"}))
ACTORS = {"keeper": KEEPER, "stranger": STRANGER, "nobody": NOBODY}


class NotHidden(Scope):
    def rows(self, actor: Actor, model: type[models.Model]) -> Q:
        return Q(hidden=False)

    def wall(self, model: type[models.Model]) -> str:
        return "NOT hidden"


TIERS = [("a", "甲"), ("b", "乙"), ("c", "丙")]
TONES = {"a": "yellow", "b": "azure", "c": "secondary"}


class Thing(Base):
    scope = NotHidden()
    field_classes = classify(open="name tier amount share opened_on touched_at note hidden")

    name = models.CharField("名称", max_length=40)
    tier = models.CharField(max_length=1, choices=TIERS)
    amount = MoneyField(null=True)
    share = models.FloatField(default=0)
    opened_on = models.DateField(null=True)
    touched_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    hidden = models.BooleanField(default=False)

    class Meta:
        app_label = "ui"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("things:one", kwargs={"public_id": self.public_id})


COLUMNS = (
    Column("name", "名称", sortable=True, url=Thing.get_absolute_url),
    Column(
        "get_tier_display",
        "等级",
        "badge",
        value=lambda thing: thing.get_tier_display(),
        tone=lambda thing: TONES[thing.tier],
    ),
    Column("amount", "金额", "money", sortable=True),
    Column("share", "完成", "progress", minor=True),
    Column("opened_on", "登记日期", "date", sortable=True),
    Column("touched_at", "最近变动", "age", minor=True),
    Column("note", "备注", minor=True),
)


class Things(ListView):
    model = Thing
    permission = "things.read"
    title = "物品"
    columns = COLUMNS
    order = "-amount"
    page_size = 20
    filters = (Filter("tier", "等级", TIERS, lambda key: Q(tier=key)),)
    searchable = True

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(name__contains=text)

    def actions(self) -> list[Action]:
        return [Action("新建", reverse("things:new"), icon="plus")]


class OneThing(DetailView):
    model = Thing
    permission = "things.read"
    page = "sample.thing"

    def head(self, row: Any) -> dict[str, Any]:
        return {"pretitle": "物品", "subtitle": row.get_tier_display()}


class ThingForm(forms.Form):
    name = forms.CharField(label="名称", max_length=40)
    tier = forms.ChoiceField(label="等级", choices=TIERS)
    amount = forms.DecimalField(label="金额", required=False, help_text="单位：元")
    opened_on = forms.DateField(label="登记日期", required=False)
    hidden = forms.BooleanField(label="隐藏", required=False)
    note = forms.CharField(label="备注", required=False, widget=forms.Textarea(attrs={"rows": 3}))


class EditThing(EditView):
    model = Thing
    permission = "things.change"
    form_class = ThingForm
    title = "编辑物品"

    def save(
        self,
        row: Any,
        changes: dict[str, Any],
        *,
        version: int | None,
        originals: dict[str, Any],
    ) -> Any:
        if changes["name"] == "禁止":
            raise UserError("这个名称不能用。", "请换一个名称。")
        if row is None:
            return Thing.objects.create(**changes)
        clashes = {
            name: (originals[name], mine, getattr(row, name))
            for name, mine in changes.items()
            if version != row.version
            and originals[name] not in (mine, getattr(row, name))
            and mine != getattr(row, name)
        }
        if clashes:
            raise Conflict("在您编辑期间，别人改了同样的内容。", clashes)
        for name, mine in changes.items():
            if mine != originals[name]:
                setattr(row, name, mine)
        row.version += 1
        row.save()
        return row


TIMELINE = [
    TimelineItem(
        at=datetime(2026, 11, 22, 1, 30, tzinfo=UTC),
        title="上门拜访",
        text="谈了 Q4 的安排，下周再联系。",
        who="周小满",
        icon="walk",
        tone="green",
    ),
    TimelineItem(
        at=datetime(2026, 11, 20, 7, tzinfo=UTC),
        title="电话",
        who="周小满",
        icon="phone",
        tone="azure",
    ),
    TimelineItem(at=date(2026, 9, 1), title="登记", icon="file-plus"),
]
PANELS = (
    Panel(
        id="facts",
        page="sample.thing",
        permission="",
        order=10,
        template="sample/facts.html",
        load=lambda actor, thing: {
            "rows": [
                ("名称", thing.name),
                ("等级", thing.get_tier_display()),
                ("登记日期", thing.opened_on),
                ("备注", None),
            ],
            "balance": Decimal("123456789.01"),
        },
        title="基本情况",
        reload_on=("thing-touched",),
    ),
    Panel(
        id="history",
        page="sample.thing",
        permission="things.read",
        order=20,
        template="sample/history.html",
        load=lambda actor, thing: {"items": TIMELINE},
        title="往来",
        lazy=True,
    ),
    Panel(
        id="curve",
        page="sample.thing",
        permission="",
        order=30,
        template="sample/curve.html",
        load=lambda actor, thing: {
            "option": charts.lines(
                ["7月", "8月", "9月", "10月", "11月"],
                {
                    "金额": [Decimal(1200000), 1500000, 1430000, 1800000, 2210000],
                    "目标": [1e6, 1.2e6, 1.4e6, 1.6e6, 1.8e6],
                },
                "money",
            )
        },
        title="走势",
        lazy=True,
    ),
    Panel(
        id="broken",
        page="sample.thing",
        permission="",
        order=40,
        template="sample/missing.html",
        load=lambda actor, thing: {"share": 1 / 0},
        title="坏了的部分",
        lazy=True,
    ),
    Panel(
        id="secret",
        page="sample.thing",
        permission="things.secret",
        order=50,
        template="sample/facts.html",
        load=lambda actor, thing: {"rows": []},
        title="不可见的部分",
    ),
)


class Components(TemplateView):
    template_name = "sample/components.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        labels = ["城东", "城西", "城南", "城北"]
        return {
            "title": "组件",
            "sample_data": True,
            "form": ThingForm({"name": "", "tier": "a"}),
            "table": Table(
                COLUMNS[:3],
                [Thing(name="样品", tier="a", amount=Decimal("98765432.1"))],
                caption="样品",
            ),
            "sorted": Order("amount"),
            "items": TIMELINE,
            "big": Decimal("1234567890.12"),
            "when": datetime(2026, 11, 19, 3, tzinfo=UTC),
            "bars": charts.bars(labels, {"存量": [32e6, 21e6, 44e6, 8e6]}, "money"),
            "lying": charts.bars(
                labels, {"甲": [3, 4, 5, 6], "乙": [2, 2, 1, 3]}, stacked=True, lying=True
            ),
            "ring": charts.ring({"甲": 12, "乙": 30, "丙": 58}),
            "heat": charts.heat(
                ["一", "二", "三"], labels, {(x, y): x * y for x in range(3) for y in range(4)}
            ),
            "points": charts.points(
                {"物品": [(1, 0.2), (2, 0.5), (4, 0.4)]}, "次数", "占比", y_unit="percent"
            ),
        }


class Reveal(TemplateView):
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("<span>13800001111</span>")


def touch(request: HttpRequest) -> HttpResponse:
    return done("thing-touched", toast="已更新。")


class ActorFromCookie:
    """Stands in for the sign-in of the site: a cookie names one of ACTORS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.actor = ACTORS[request.COOKIES.get("actor", "keeper")]  # type: ignore[attr-defined]
        return self.get_response(request)


def down(request: HttpRequest) -> HttpResponse:
    raise OperationalError("connection refused: secret words")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret words")


things = (
    [
        path("", Things.as_view(), name="list"),
        path("new/", EditThing.as_view(), name="new"),
        path("<uuid:public_id>/", OneThing.as_view(), name="one"),
        path("<uuid:public_id>/edit/", EditThing.as_view(), name="edit"),
    ],
    "things",
)
urlpatterns = [
    path("", Components.as_view(), name="home"),
    path("things/", include(things)),
    path("", include("zhike.ui.urls")),
    path("touch/", touch, name="touch"),
    path("reveal/", Reveal.as_view(), name="reveal"),
    path("down/", down),
    path("broken/", broken),
    path("sign-in/", LoginView.as_view(), name="sign-in"),
    path("sign-out/", broken, name="sign-out"),
    path("i18n/", include("django.conf.urls.i18n")),
]
handler400 = "zhike.ui.errors.bad_request"
handler403 = "zhike.ui.errors.forbidden"
handler404 = "zhike.ui.errors.not_found"
handler500 = "zhike.ui.errors.server_error"
