"""The components, as tags: `{% load ui %}`. docs/ui.md lists them with what they draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import forms, template
from django.contrib.messages.storage.base import Message
from django.forms.boundfield import BoundField
from django.http import HttpRequest, QueryDict
from django.template.context import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from zhike.kernel import clock
from zhike.kernel.wording import closed_up, listed
from zhike.ui import addresses, calendars, charts, fields, filters, format, paging, tables
from zhike.ui.boards import Board
from zhike.ui.steps import Chip, Step, Tab
from zhike.ui.templatetags.unchanging import unchanging
from zhike.ui.timeline import TimelineItem, by_day
from zhike.ui.trees import Branch

register = template.Library()
register.tag(unchanging)
register.simple_tag(addresses.address_of)

Text = str | Promise

_TOAST_TONES = {"success": "success", "error": "danger", "warning": "warning"}


def _language() -> str:
    return get_language() or "en"


@register.simple_tag
def icon(name: str, label: Text = "") -> SafeString:
    """An icon of the sprite; decoration unless a label says what it stands for."""
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>',
            label,
            f"{_sprite()}#{name}",
        )
    return _plain_icon(_sprite(), name)


@lru_cache(maxsize=1)
def _sprite() -> str:
    return static("vendor/icons.svg")


@lru_cache(maxsize=512)
def _plain_icon(sprite: str, name: str) -> SafeString:
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', sprite, name
    )


@register.simple_tag
def html_lang() -> str:
    """The language as BCP 47 writes it: zh-Hans, not zh-hans."""
    language, _dash, script = _language().partition("-")
    return f"{language}-{script.title()}" if script else language


@register.filter
def money_short(amount: Decimal | None) -> str:
    return format.money_short(amount, _language())


register.filter("money_exact", format.money_exact)
register.filter("percent", format.percent)
register.filter("rate", format.rate)
register.filter("number", format.number)
register.filter("listed", listed)


@register.simple_tag
def money(amount: Decimal | None, currency: str = "CNY") -> SafeString:
    if amount is None:
        return format_html("{}", format.NOTHING)
    # An abbreviation, not a span: what its title says is offered to a reader who listens.
    return format_html(
        '<abbr class="figure" title="{}">{}</abbr>',
        format.money_in_full(amount, currency, _language()),
        format.money_text(amount, currency, _language()),
    )


@register.simple_tag
def badge(label: Text, tone: str = "secondary") -> SafeString:
    return format_html('<span class="badge bg-{}-lt">{}</span>', tone, label)


@register.simple_tag
def day(value: date | datetime | None) -> SafeString:
    if value is None:
        return format_html("{}", format.NOTHING)
    shown = format.iso_date(value)
    return format_html('<time class="figure" datetime="{}">{}</time>', shown, shown)


@register.simple_tag
def moment(value: datetime | None) -> SafeString:
    if value is None:
        return format_html("{}", format.NOTHING)
    return format_html(
        '<time class="figure" datetime="{}">{}</time>', value.isoformat(), format.iso_minute(value)
    )


@register.simple_tag
def ago(value: date | datetime | None) -> SafeString:
    if value is None:
        return format_html("{}", format.NOTHING)
    exact = format.iso_minute(value) if isinstance(value, datetime) else format.iso_date(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        exact,
        format.age(value, clock.now()),
    )


@register.simple_tag
def progress(share: Decimal | float, label: Text) -> SafeString:
    shown = format.percent(share, 0)
    return format_html(
        '<span class="progress-line"><progress value="{}" max="1" aria-label="{}">{}</progress>'
        '<span class="figure">{}</span></span>',
        share,
        label,
        shown,
        shown,
    )


@register.simple_tag
def alpine() -> SafeString:
    """Alpine in its CSP build, for a page whose widgets keep state."""
    return format_html('<script src="{}" defer></script>', static("vendor/alpine-csp.min.js"))


@register.simple_block_tag
def panel(content: SafeString, title: Text = "", icon: str = "", flush: bool = False) -> SafeString:
    return _draw("panel", content=content, title=title, icon=icon, flush=flush)


@register.inclusion_tag("ui/components/table.html", takes_context=True)
def table(context: Context, table: tables.Table) -> dict[str, Any]:
    # The sort links keep the other parameters of the address; what they lead to begins at the first page.
    request: HttpRequest | None = context.get("request")
    rest = request.GET.copy() if request else QueryDict(mutable=True)
    rest.pop("cursor", None)
    return {
        "table": table,
        "headers": tuple(table.headers),
        "rest": rest.urlencode(),
        "request": request,
    }


@register.inclusion_tag("ui/components/pager.html", takes_context=True)
def pager(
    context: Context, page: paging.Page[Any], count: paging.Count | None = None
) -> dict[str, Any]:
    return {"page": page, "count": count, "request": context.get("request")}


@register.inclusion_tag("ui/components/filter_chips.html", takes_context=True)
def filter_chips(context: Context, chosen: Sequence[filters.Chosen]) -> dict[str, Any]:
    request: HttpRequest = context["request"]
    return {
        "rows": [
            (
                each.filter.label,
                [_chip(request, each, key, label) for key, label in each.filter.choices],
            )
            for each in chosen
        ]
    }


def _chip(request: HttpRequest, chosen: filters.Chosen, key: str, label: Text) -> dict[str, Any]:
    """A chip that sets its filter, or takes it away again; either leads to the first page."""
    on = key == chosen.value
    params = request.GET.copy()
    params.pop("cursor", None)
    params.pop(chosen.filter.name, None)
    if not on:
        params[chosen.filter.name] = key
    return {
        "id": f"chip-{chosen.filter.name}-{key}",
        "label": label,
        "on": on,
        "address": f"{request.path}?{params.urlencode()}",
    }


@register.inclusion_tag("ui/components/person.html")
def person(name: str, url: str = "") -> dict[str, Any]:
    return {"name": name, "url": url, "initial": name[:1]}


@register.inclusion_tag("ui/components/unit.html")
def unit(name: str, url: str = "") -> dict[str, Any]:
    return {"name": name, "url": url}


@register.inclusion_tag("ui/components/masked.html")
def masked(text: str, reveal_url: str = "") -> dict[str, Any]:
    return {"text": text, "reveal_url": reveal_url}


@register.inclusion_tag("ui/components/facts.html")
def facts(rows: Iterable[tuple[Text, Any]]) -> dict[str, Any]:
    return {"rows": rows}


@register.inclusion_tag("ui/components/timeline.html")
def timeline(items: Sequence[TimelineItem], by: str = "") -> dict[str, Any]:
    """In one list with the age of each, or `by="day"` under the days with the time of each."""
    return {"days": by_day(items) if by == "day" else [(None, items)]}


@register.simple_tag
def clock_time(value: datetime) -> SafeString:
    """The time of day, where the day stands above it."""
    return format_html(
        '<time class="figure" datetime="{}">{}</time>',
        value.isoformat(),
        format.iso_minute(value)[-5:],
    )


@register.inclusion_tag("ui/components/chart.html")
def chart(chart: charts.Chart | Mapping[str, Any], title: Text, size: str = "md") -> dict[str, Any]:
    """A chart of `ui.charts` under the question it answers; a bare option has no table behind it."""
    if size not in {"sm", "md", "lg"}:
        raise template.TemplateSyntaxError(f'chart: the size is "sm", "md" or "lg", not "{size}"')
    whole = chart if isinstance(chart, charts.Chart) else charts.Chart(dict(chart))
    labels = [label for label, _unit in whole.head]
    rows = [
        [(label, cell.text, cell.url, cell.unit) for label, cell in zip(labels, row, strict=True)]
        for row in whole.rows
    ]
    return {"chart": whole, "rows": rows, "title": title, "size": size}


@register.inclusion_tag("ui/components/stat.html")
def stat(
    label: Text,
    value: Any,
    change: Decimal | float | None = None,
    compared: Text = "",
    url: str = "",
    spark: Sequence[charts.Value] = (),
    better: str = "up",
    unit: str = "percent",
) -> dict[str, Any]:
    """A figure with how it changed; `better` is the direction that is good news, "" for neither.

    `change` is a share of one, money or a number as `unit` says; `compared` says with what.
    """
    way = "" if change is None else "up" if change > 0 else "down" if change < 0 else "same"
    return {
        "label": label,
        "value": value,
        "way": way,
        "shown": "" if change is None else _signed(change, unit),
        "mood": "even" if way in {"", "same"} or not better else "good" if way == better else "bad",
        "compared": compared,
        "url": url,
        "spark": charts.spark(spark),
    }


def _signed(change: Decimal | float, unit: str) -> str:
    match unit:
        case "money":
            shown = format.money_short(Decimal(str(change)), _language())
        case "number":
            shown = format.number(change)
        case _:
            shown = format.percent(change)
    return f"+{shown}" if change > 0 else shown


@register.inclusion_tag("ui/components/board.html")
def board(board: Board) -> dict[str, Any]:
    return {"board": board}


@register.inclusion_tag("ui/components/month.html", takes_context=True)
def month(
    context: Context, month: calendars.Month, param: str = "month", live: bool = False
) -> dict[str, Any]:
    """A month; its ways to others set `param` to 2026-11, by htmx when `live`."""
    ways = [
        ("previous", gettext("Previous month"), f"{month.previous:%Y-%m}"),
        ("today", gettext("Today"), None),
        ("next", gettext("Next month"), f"{month.next:%Y-%m}"),
    ]
    return _calendar(context, month, f"{month.first:%Y-%m}", ways, param, live)


@register.inclusion_tag("ui/components/week.html", takes_context=True)
def week(
    context: Context, week: calendars.Week, param: str = "week", live: bool = False
) -> dict[str, Any]:
    """A week with its hours; its ways to others set `param` to a day of theirs, 2026-11-23."""
    ways = [
        ("previous", gettext("Previous week"), week.previous.isoformat()),
        ("today", gettext("Today"), None),
        ("next", gettext("Next week"), week.next.isoformat()),
    ]
    heading = f"{week.first.isoformat()} – {week.last.isoformat()}"
    return _calendar(context, week, heading, ways, param, live)


def _calendar(
    context: Context,
    grid: calendars.Month | calendars.Week,
    heading: str,
    ways: Sequence[tuple[str, str, str | None]],
    param: str,
    live: bool,
) -> dict[str, Any]:
    request: HttpRequest = context["request"]
    addresses = []
    for name, label, value in ways:
        query = request.GET.copy()
        query.pop(param, None)
        if value:
            query[param] = value
        addresses.append((name, label, f"?{query.urlencode()}"))
    return {"grid": grid, "heading": heading, "ways": addresses, "live": live, "request": request}


@register.inclusion_tag("ui/components/tree.html")
def tree(branches: Sequence[Branch], label: Text = "") -> dict[str, Any]:
    return {"branches": branches, "label": label}


@register.inclusion_tag("ui/components/tabs.html")
def tabs(tabs: Sequence[Tab], label: Text) -> dict[str, Any]:
    return {"tabs": tabs, "label": label}


@register.inclusion_tag("ui/components/chips.html")
def chips(chips: Sequence[Chip], label: Text) -> dict[str, Any]:
    return {"chips": chips, "label": label}


@register.inclusion_tag("ui/components/steps.html")
def steps(steps: Sequence[Step], label: Text) -> dict[str, Any]:
    return {"steps": steps, "label": label}


@register.simple_block_tag
def sentences(content: SafeString) -> SafeString:
    """Sentences beside each other as the reader's language sets them."""
    return SafeString(closed_up(content))


@register.simple_block_tag
def dialog(content: SafeString, id: str, title: Text, wide: bool = False) -> SafeString:
    """A dialog opened by any button with `data-open="<id>"`, closed by Esc or `data-close`."""
    return _draw("dialog", content=content, id=id, title=title, wide=wide)


@register.simple_block_tag
def drawer(
    content: SafeString,
    title: Text,
    url: str = "",
    subtitle: Text = "",
    previous: str = "",
    next: str = "",
) -> SafeString:
    """What htmx puts into `#drawer`; previous and next are addresses of such answers."""
    return _draw(
        "drawer",
        content=content,
        title=title,
        url=url,
        subtitle=subtitle,
        previous=previous,
        next=next,
    )


@register.simple_block_tag
def filter_bar(content: SafeString, label: Text) -> SafeString:
    """The line over a list in which its search and chips stand."""
    return format_html(
        '<div class="list-bar" role="search" aria-label="{}">{}</div>', label, content
    )


@register.inclusion_tag("ui/empty.html")
def empty_state(
    title: Text,
    text: Text = "",
    icon: str = "inbox",
    action_url: str = "",
    action_label: Text = "",
) -> dict[str, Any]:
    return {
        "title": title,
        "text": text,
        "icon": icon,
        "action_url": action_url,
        "action_label": action_label,
    }


@register.inclusion_tag("ui/components/toast.html")
def toast(
    text: Text, tone: str = "info", undo_url: str = "", undo_target: str = ""
) -> dict[str, Any]:
    """`undo_url` takes a POST that takes it back; what it answers replaces `undo_target`."""
    return {
        "text": text,
        "tone": _TOAST_TONES.get(tone, "info"),
        "undo_url": undo_url,
        "undo_target": undo_target,
    }


@register.inclusion_tag("ui/components/toast.html")
def message_toast(message: Message) -> dict[str, Any]:
    return toast(message.message, message.level_tag)


@register.inclusion_tag("ui/components/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    widget = bound.field.widget
    if many := isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        # The inputs of a choice take no class from a template; the widget is this form's own copy.
        widget.attrs["class"] = "form-check-input"
    return {
        "field": bound,
        "many": many,
        "single_check": isinstance(widget, forms.CheckboxInput),
        "broad": isinstance(widget, forms.Textarea),
        "control": "" if many else fields.control(bound),
    }


@register.simple_tag
def hidden_originals(form: forms.BaseForm) -> SafeString:
    """What the form opened with, so that a change by somebody else can be told from this one."""
    hidden = (form[name].as_hidden(only_initial=True) for name in form.fields)
    return format_html_join("", "{}", ((each,) for each in hidden))


def _draw(component: str, **context: Any) -> SafeString:
    return render_to_string(f"ui/components/{component}.html", context)
