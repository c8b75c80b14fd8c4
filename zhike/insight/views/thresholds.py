"""Thresholds: what holds where, a form with a preview of whom it would move, and what was changed when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.customers.models import Party, Tier
from zhike.insight import preview, queries, services
from zhike.insight.models import Threshold
from zhike.insight.preview import Preview
from zhike.insight.rules import Book
from zhike.insight.thresholds import GROUPS, SPECS, Spec, faults
from zhike.insight.views.frame import CLASSES, units_in_sight
from zhike.kernel import clock
from zhike.kernel.errors import Conflict, Refused, UserError
from zhike.organisation.models import Unit
from zhike.ui import format
from zhike.ui.views import PageView, visible

UNITS: Mapping[str, str | Promise] = {
    "money": gettext_lazy("CNY"),
    "percent": pgettext_lazy("unit", "per cent"),
    "days": gettext_lazy("days"),
    "score": gettext_lazy("points of 100"),
    "share": pgettext_lazy("unit", "per cent"),
}


@dataclass(frozen=True)
class Held:
    """One threshold as it stands: the institution's value and how many units have their own."""

    spec: Spec
    value: Decimal
    unit: str | Promise
    own: int

    @property
    def text(self) -> str:
        return shown(self.value, self.spec)


RELATIVE = ("percent", "share")


class Thresholds(PageView):
    """All thresholds in force, by group; those with the right may open a group and change it."""

    permission = "insight.view"
    template_name = "insight/thresholds.html"
    fragment = "figures"
    title = gettext_lazy("What are customers judged by?")

    def get(self, request: HttpRequest) -> HttpResponse:
        book = queries.book(clock.today())
        own: dict[str, int] = {}
        for name, unit in book.values:
            own[name] = own.get(name, 0) + (unit is not None)
        known = {name for name, unit in book.values if unit is None}
        groups = [
            (
                code,
                label,
                text,
                [
                    Held(
                        spec,
                        book.value(name),
                        "" if spec.unit in RELATIVE else UNITS[spec.unit],
                        own.get(name, 0),
                    )
                    for name, spec in SPECS.items()
                    if spec.group == code and name in known
                ],
            )
            for code, (label, text) in GROUPS.items()
        ]
        shown = [group for group in groups if group[3]]
        return self.show({"groups": shown, "may": bool(self.actor.may("insight.thresholds"))})


class ShareField(forms.DecimalField):
    """A share of one, typed and shown in per cent."""

    def clean(self, value: Any) -> Decimal | None:
        typed = super().clean(value)
        return None if typed is None else Decimal(typed) / 100


class ThresholdForm(forms.Form):
    """The thresholds of a group; for a unit an empty field follows the unit above."""

    since = forms.DateField(
        label=gettext_lazy("Holds from"), widget=forms.DateInput(attrs={"type": "date"})
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)

    def __init__(
        self,
        group: str,
        held: Mapping[str, Decimal | None],
        above: Book,
        unit: Unit | None,
        data: Any,
    ) -> None:
        self.held = held
        today = clock.today()
        super().__init__(data, initial={"since": today})
        self.fields["since"].widget.attrs["min"] = today.isoformat()
        order = []
        for name, spec in SPECS.items():
            if name not in held:
                continue
            hint = str(UNITS[spec.unit])
            if unit is not None:
                parent = above.value(name, unit.parent_id)
                hint = _("%(unit)s; empty follows the unit above: %(value)s") % {
                    "unit": hint, "value": shown(parent, spec),
                }  # fmt: skip
            typed = ShareField if spec.unit == "share" else forms.DecimalField
            self.fields[name] = typed(
                label=str(spec.label),
                min_value=in_form(spec.least, spec),
                max_value=in_form(spec.most, spec),
                decimal_places=2 if spec.unit == "share" else spec.places,
                required=unit is None,
                help_text=hint,
                initial=None if held[name] is None else in_form(held[name], spec),
            )
            order.append(name)
        self.order_fields([*order, "since", "reason"])

    @property
    def values(self) -> list[Any]:
        return [self[name] for name in self.held]

    def clean_since(self) -> date:
        day: date = self.cleaned_data["since"]
        if day < clock.today():
            raise forms.ValidationError(_("Choose today or a later day."))
        return day


class ThresholdEdit(PageView):
    """One group, for the institution or a unit: try it out, then set it."""

    permission = "insight.thresholds"
    template_name = "insight/threshold_edit.html"
    fragment = "form"

    def get(self, request: HttpRequest, group: str) -> HttpResponse:
        unit = self._unit()
        return self._page(group, unit, self._form(group, unit, clock.today()))

    def post(self, request: HttpRequest, group: str) -> HttpResponse:
        unit = self._unit()
        form = self._form(group, unit, clock.today(), request.POST)
        if not form.is_valid():
            return self._page(group, unit, form, status=422)
        values = {name: form.cleaned_data[name] for name in form.held}
        since = form.cleaned_data["since"]
        try:
            if "try" in request.POST:
                return self._page(group, unit, form, tried=self._tried(group, unit, values, since))
            services.set_thresholds(
                actor=self.actor,
                values=values,
                unit=unit,
                since=since,
                reason=form.cleaned_data["reason"],
                seen=_seen(request.POST, form.held),
            )
        except Conflict as conflict:
            for name, (_original, _mine, theirs) in conflict.fields.items():
                now = _("none of its own") if theirs is None else shown(theirs, SPECS[name])
                form.add_error(name, _("Somebody has set this to %(value)s.") % {"value": now})
            form.add_error(None, str(conflict))
            return self._page(group, unit, form, status=409)
        except UserError as error:
            if isinstance(error, Refused):
                self.request.refusal = error
            form.add_error(None, str(error))
            return self._page(group, unit, form, status=422)
        messages.success(request, _("Set. It holds from %(day)s on.") % {"day": since.isoformat()})
        return HttpResponseRedirect(_address(group, unit), status=303)

    def _unit(self) -> Unit | None:
        code = self.request.GET.get("unit", "")
        return get_object_or_404(units_in_sight(self.actor), code=code) if code else None

    def _form(self, group: str, unit: Unit | None, day: date, data: Any = None) -> ThresholdForm:
        if group not in GROUPS:
            raise Http404
        book = queries.book(day)
        names = [
            name
            for name, spec in SPECS.items()
            if spec.group == group and (name, None) in book.values and (unit is None or spec.local)
        ]
        if not names:
            raise Http404
        pk = unit.pk if unit else None
        held = {name: book.values.get((name, pk)) for name in names}
        return ThresholdForm(group, held, book, unit, data)

    def _tried(
        self, group: str, unit: Unit | None, values: Mapping[str, Decimal | None], since: date
    ) -> dict[str, Any]:
        before = queries.book(since)
        after = preview.changed(before, values, unit.pk if unit else None)
        tiers = {tier.code: tier for tier in visible(Tier, self.actor).order_by("rank")}
        if wrong := faults(after, list(tiers), {group}):
            raise UserError(
                wrong[0].text, _("Nothing was changed. Set the terms so that they agree.")
            )
        run = queries.last_run()
        if run is None:
            raise UserError(
                _("There are no scores yet to try this on."),
                _("Bring the scores up to date first."),
            )
        units = None if self.actor.everywhere else self.actor.units
        found = preview.preview(before, after, list(tiers), as_of=run.as_of, units=units)
        return {"found": found, **self._shown(found, tiers)}

    def _shown(self, found: Preview, tiers: Mapping[str, Tier]) -> dict[str, Any]:
        classes = {str(code): code.label for code in CLASSES}
        words: dict[str, Mapping[str, Any]] = {
            "tier": {code: tier.name for code, tier in tiers.items()},
            "value_class": classes,
            "abc_class": {},
        }
        ranks = {code: tier.rank for code, tier in tiers.items()}
        names = {"tier": _("Tier"), "value_class": _("Value class"), "abc_class": _("ABC class")}
        moves = [
            (
                names[kind],
                words[kind].get(was, was),
                words[kind].get(now, now),
                count,
                (ranks[now] > ranks[was]) if kind == "tier" else None,
            )
            for kind, pairs in found.moves.items()
            for (was, now), count in sorted(pairs.items(), key=lambda each: -each[1])
            if was != now
        ]
        tier = found.moves["tier"].items()
        units = dict(visible(Unit, self.actor).filter(pk__in=found.units).values_list("pk", "name"))
        parties = {
            party.pk: party
            for party in visible(Party, self.actor)
            .filter(pk__in=[each.party_id for each in found.first])
            .select_related("unit")
        }
        return {
            "up": sum(n for (was, now), n in tier if ranks[now] > ranks[was]),
            "down": sum(n for (was, now), n in tier if ranks[now] < ranks[was]),
            "moves": moves,
            "by_unit": sorted(
                ((units.get(pk, ""), count) for pk, count in found.units.items()),
                key=lambda each: -each[1],
            ),
            "people": [
                (
                    parties[each.party_id],
                    [
                        (names[kind], words[kind].get(was, was), words[kind].get(now, now))
                        for kind, was in each.was.items()
                        if (now := each.becomes[kind]) != was
                    ],
                )
                for each in found.first
                if each.party_id in parties
            ],
        }

    def _page(
        self,
        group: str,
        unit: Unit | None,
        form: ThresholdForm,
        status: int = 200,
        tried: Mapping[str, Any] | None = None,
    ) -> HttpResponse:
        label, text = GROUPS[group]
        names = list(form.held)
        return self.show(
            {
                "title": label,
                "text": text,
                "group": group,
                "unit": unit,
                "form": form,
                "tried": tried,
                "seen": [
                    (name, form.data.get(f"seen-{name}", "" if value is None else str(value)))
                    for name, value in form.held.items()
                ],
                "units": [
                    (each, _address(group, each))
                    for each in units_in_sight(self.actor).order_by("path")
                ]
                if any(SPECS[name].local for name in SPECS if SPECS[name].group == group)
                else [],
                "whole_url": _address(group, None),
                "own": [
                    (each, _address(group, each))
                    for each in queries.units_with_their_own(names, clock.today())
                ],
                "history": [
                    _Change(row, SPECS[row.name]) for row in queries.history(self.actor, names)[:50]
                ],
            },
            status=status,
        )


@dataclass(frozen=True)
class _Change:
    """One value in the history."""

    row: Threshold
    spec: Spec

    @property
    def text(self) -> str:
        return shown(self.row.value, self.spec)


def _address(group: str, unit: Unit | None) -> str:
    path = reverse("insight:threshold_edit", args=[group])
    return f"{path}?unit={unit.code}" if unit else path


def _seen(posted: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """What the person had before them; a form that says nothing saw what there is now."""
    return {
        name: (Decimal(text) if text else None) if text is not None else held[name]
        for name in held
        for text in [posted.get(f"seen-{name}")]
    }


def in_form(value: Decimal | None, spec: Spec) -> Decimal | None:
    """To the places of its unit, as an input takes it: a share in per cent."""
    if value is None:
        return None
    return round(value * 100, 2) if spec.unit == "share" else round(value, spec.places)


def shown(value: Decimal, spec: Spec) -> str:
    """A threshold in figures, exact; money alone with its cents, a share in per cent."""
    text = format.number(value * 100 if spec.unit == "share" else value, spec.places)
    if spec.unit != "money" and spec.places:
        text = text.rstrip("0").rstrip(".")
    return f"{text}%" if spec.unit in RELATIVE else text
