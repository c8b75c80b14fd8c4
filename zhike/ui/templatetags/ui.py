"""The components, as tags: `{% load ui %}`. docs/ui.md lists them with what they draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import forms, template
from django.contrib.messages.storage.base import Message
from django.forms.boundfield import BoundField
from django.http import HttpRequest
from django.template.context import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from zhike.kernel import clock
from zhike.ui import filters, format, paging, tables
from zhike.ui.timeline import TimelineItem

register = template.Library()

Text = str | Promise

_TOAST_TONES = {"success": "success", "error": "danger", "warning": "warning"}


def _language() -> str:
    return get_language() or "en"


@register.simple_tag
def icon(name: str, label: Text = "") -> SafeString:
    """An icon of the sprite; decoration unless a label says what it stands for."""
    address = f"{static('vendor/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, address
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', address)


@register.simple_tag
def html_lang() -> str:
    """The language as BCP 47 writes it: zh-Hans, not zh-hans."""
    language, _dash, script = _language().partition("-")
    return f"{language}-{script.title()}" if script else language


@register.filter
def money_short(amount: Decimal | None) -> str:
    return format.money_short(amount, _language())


@register.filter
def money_exact(amount: Decimal | None) -> str:
    return format.money_exact(amount)


@register.filter
def percent(share: Decimal | float | None) -> str:
    return format.percent(share)


@register.filter
def number(value: Decimal | float | None) -> str:
    return format.number(value)


@register.simple_tag
def money(amount: Decimal | None, currency: str = "CNY") -> SafeString:
    return format_html(
        '<span class="figure" title="{} {}">{}</span>',
        currency,
        format.money_exact(amount),
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
    # The sort links keep the other parameters of the address.
    return {"table": table, "request": context.get("request")}


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
def timeline(items: Sequence[TimelineItem]) -> dict[str, Any]:
    return {"items": items}


@register.inclusion_tag("ui/components/chart.html")
def chart(option: Mapping[str, Any], label: Text, size: str = "md") -> dict[str, Any]:
    if size not in {"sm", "md", "lg"}:
        raise template.TemplateSyntaxError(f'chart: the size is "sm", "md" or "lg", not "{size}"')
    return {"option": option, "label": label, "size": size}


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
def toast(text: Text, tone: str = "info") -> dict[str, Any]:
    return {"text": text, "tone": _TOAST_TONES.get(tone, "info")}


@register.inclusion_tag("ui/components/toast.html")
def message_toast(message: Message) -> dict[str, Any]:
    return toast(message.message, message.level_tag)


@register.inclusion_tag("ui/components/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    widget = bound.field.widget
    many = isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple)
    return {
        "field": bound,
        "many": many,
        "single_check": isinstance(widget, forms.CheckboxInput),
        "control": "" if many else _control(bound),
    }


def _control(bound: BoundField) -> SafeString:
    """The input with Tabler's class; dates with the browser's own picker, which speaks ISO only."""
    widget = bound.field.widget
    kind = "form-control"
    if isinstance(widget, forms.CheckboxInput):
        kind = "form-check-input"
    elif isinstance(widget, forms.Select):
        kind = "form-select"
    elif isinstance(widget, forms.DateTimeInput):
        widget = _iso(forms.DateTimeInput, "datetime-local", "%Y-%m-%dT%H:%M", bound)
    elif isinstance(widget, forms.DateInput):
        widget = _iso(forms.DateInput, "date", "%Y-%m-%d", bound)
    own = widget.attrs.get("class", "")
    wrong = " is-invalid" if bound.errors else ""
    return bound.as_widget(widget, {"class": f"{kind} {own}{wrong}".replace("  ", " ")})


def _iso(
    widget: type[forms.DateInput | forms.DateTimeInput], kind: str, pattern: str, bound: BoundField
) -> forms.Widget:
    copy = widget(attrs=bound.field.widget.attrs, format=pattern)
    copy.input_type = kind
    copy.is_required = bound.field.widget.is_required
    return copy


@register.simple_tag
def hidden_originals(form: forms.BaseForm) -> SafeString:
    """What the form opened with, so that a change by somebody else can be told from this one."""
    hidden = (form[name].as_hidden(only_initial=True) for name in form.fields)
    return format_html_join("", "{}", ((each,) for each in hidden))


def _draw(component: str, **context: Any) -> SafeString:
    return render_to_string(f"ui/components/{component}.html", context)
