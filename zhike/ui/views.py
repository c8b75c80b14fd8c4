"""The pages every room has: a list, a row, an edit. Each starts at the rows its actor may see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views import View
from django_htmx.middleware import HtmxDetails

from zhike.kernel.actor import Actor
from zhike.kernel.errors import Conflict, Refused, UserError
from zhike.ui import paging
from zhike.ui.filters import Chosen, Filter, choose, narrow
from zhike.ui.navigation import Action
from zhike.ui.panels import Panel, panels_for
from zhike.ui.tables import Column, Table


class PageRequest(HttpRequest):
    """A request behind sign-in: the middleware has set the actor and what htmx asks for."""

    actor: Actor
    htmx: HtmxDetails
    refusal: Refused
    """Set where a refusal was answered without being raised up to the middleware."""


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for the changed piece only, not for a whole page to put into the body."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    return (
        bool(htmx)
        and htmx is not None
        and not htmx.boosted
        and not htmx.history_restore_request
        and htmx.request_type != "full"
    )


def done(*events: str, toast: str | Promise = "") -> HttpResponse:
    """The answer to an htmx action that changes other pieces of the page: no content, only events.

    Panels with one of `events` in `reload_on` fetch themselves anew; `toast` is shown to the
    person.
    """
    response = HttpResponse(status=204)
    told: dict[str, Any] = {event: {} for event in events}
    if toast:
        told["zhike:toast"] = {"text": str(toast), "tone": "success"}
    response["HX-Trigger"] = json.dumps(told)
    return response


def visible(model: type[Model], actor: Actor) -> QuerySet[Any]:
    """The rows of `model` in the actor's scope: the door every read of a view goes through."""
    rows: QuerySet[Any] = model.objects.visible_to(actor)  # type: ignore[attr-defined]
    return rows


class PageView(View):
    """A page behind one permission, refused with the reason; one address for page and fragment."""

    permission: ClassVar[str]
    template_name: ClassVar[str]
    fragment: ClassVar[str]
    """The partial of `template_name` that htmx gets."""
    title: ClassVar[str | Promise] = ""
    request: PageRequest

    @property
    def actor(self) -> Actor:
        return self.request.actor

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.actor.must(self.permission)
        return super().dispatch(request, *args, **kwargs)

    def show(self, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
        """The page, or its fragment when htmx asks."""
        part = f"#{self.fragment}" if wants_fragment(self.request) else ""
        context = {"title": self.title, "view": self, **context}
        response = render(self.request, f"{self.template_name}{part}", context, status=status)
        patch_vary_headers(response, ("HX-Request", "HX-Request-Type"))
        return response


class ListView(PageView):
    """Rows of one model in a table, sorted, filtered and paged by key.

    A subclass sets `model`, `permission`, `columns`, `order` and `title`; it may set `filters`,
    `searchable` (then it overrides `search`) and `page_size`, and override `narrowed` to join and
    annotate, `actions` for the page's buttons.
    """

    model: ClassVar[type[Model]]
    columns: ClassVar[tuple[Column, ...]]
    order: ClassVar[str]
    filters: ClassVar[tuple[Filter, ...]] = ()
    searchable: ClassVar[bool] = False
    page_size: ClassVar[int] = 50
    template_name = "ui/list.html"
    fragment = "rows"

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of this list among all the actor may see, with what its columns need joined."""
        return rows

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """The rows that `text` finds; asked only of a `searchable` list."""
        raise NotImplementedError(f"{type(self).__name__} is searchable and has no search")

    def row_url(self, row: Any) -> str:
        """Where a row opens; "" for nowhere."""
        return str(row.get_absolute_url()) if hasattr(row, "get_absolute_url") else ""

    def actions(self) -> list[Action]:
        """Buttons of the page head, the first one the main one."""
        return []

    def rows(self) -> tuple[QuerySet[Any], list[Chosen], str]:
        """All rows the list stands for, with the filters and the search text that made them."""
        params = self.request.GET
        rows = self.narrowed(visible(self.model, self.actor))
        chosen = choose(self.filters, params)
        rows = narrow(rows, chosen)
        text = params.get("q", "").strip() if self.searchable else ""
        return (self.search(rows, text) if text else rows), chosen, text

    def sorted_by(self) -> paging.Order:
        """The order asked for in the address when a column allows it, else the list's own."""
        asked = paging.Order.parse(self.request.GET.get("sort", ""))
        sortable = {column.order_by for column in self.columns if column.sortable}
        return asked if asked.field in sortable else paging.Order.parse(self.order)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows, chosen, text = self.rows()
        order = self.sorted_by()
        try:
            page = paging.page(rows, order, self.page_size, request.GET.get("cursor", ""))
        except paging.BadCursor:
            first = request.GET.copy()
            del first["cursor"]
            messages.info(request, _("That page of the list is gone; here is the first one."))
            return HttpResponseRedirect(f"{request.path}?{first.urlencode()}")
        return self.show(
            {
                "table": Table(self.columns, page.rows, order, self.row_url, self.title),
                "page": page,
                "count": paging.capped_count(rows),
                "chosen": chosen,
                "search_text": text,
                "narrowed": bool(text) or any(each.value for each in chosen),
                "actions": self.actions(),
            }
        )


class RowView(PageView):
    """A page about one row, found by `public_id` among those the actor may see, else 404."""

    model: ClassVar[type[Model]]

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows

    def row(self) -> Any:
        rows = self.narrowed(visible(self.model, self.actor))
        return get_object_or_404(rows, public_id=self.kwargs["public_id"])


class DetailView(RowView):
    """A row as a list of panels of `page`; htmx asks for one of them by `?panel=<id>`."""

    page: ClassVar[str]
    template_name = "ui/detail.html"
    fragment = "panel"

    def heading(self, row: Any) -> str:
        return str(row)

    def head(self, row: Any) -> dict[str, Any]:
        """More context for the page's head (badges, owner, actions)."""
        return {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.row()
        panels = panels_for(self.page, self.actor)
        asked = request.GET.get("panel")
        if asked is not None and wants_fragment(request):
            panel = next((panel for panel in panels if panel.id == asked), None)
            if panel is None:
                raise UserError(_("This page has no such panel."), _("Reload the page."))
            return self.show({"row": row, "panel": _frame(panel, self._filled(panel, row))})
        return self.show(
            {
                "row": row,
                "title": self.heading(row),
                "panels": [
                    _frame(panel, None if panel.lazy else self._filled(panel, row))
                    for panel in panels
                ],
                **self.head(row),
            }
        )

    def _filled(self, panel: Panel, row: Any) -> str:
        context = {"row": row, "panel": panel, **panel.load(self.actor, row)}
        return render_to_string(panel.template, context, request=self.request)


def _frame(panel: Panel, html: str | None) -> dict[str, Any]:
    """A panel with its body, or without one yet, and when htmx fetches it."""
    waits = ["revealed"] if html is None else []
    events = [f"{event} from:body" for event in panel.reload_on]
    return {"panel": panel, "html": html, "trigger": ", ".join([*waits, *events])}


class EditView(RowView):
    """A form over one row, or over a new one where the address has no `public_id`.

    A subclass sets `form_class` and overrides `save`, which calls the room's service and answers
    the row. The form carries the version and the values it opened with; a Conflict is shown field
    by field.
    """

    form_class: ClassVar[type[forms.Form] | type[forms.ModelForm[Any]]]
    events: ClassVar[tuple[str, ...]] = ()
    """Told to the page when the form was sent by htmx; without any, htmx opens `success_url`."""
    template_name = "ui/form.html"
    fragment = "form"

    def save(
        self,
        row: Any,
        changes: dict[str, Any],
        *,
        version: int | None,
        originals: dict[str, Any],
    ) -> Any:
        """Call the service; `row` is None for a new one. May raise UserError."""
        raise NotImplementedError(f"{type(self).__name__} has no save")

    def row(self) -> Any:
        return super().row() if "public_id" in self.kwargs else None

    def initial(self, row: Any) -> dict[str, Any]:
        """What the form opens with: the row's attributes by field name."""
        names = self.form_class.base_fields
        return {} if row is None else {name: getattr(row, name, None) for name in names}

    def form(self, row: Any, data: QueryDict | None = None) -> forms.BaseForm:
        files = self.request.FILES if data is not None else None
        return self.form_class(data=data, files=files, initial=self.initial(row))

    def success_url(self, row: Any) -> str:
        return str(row.get_absolute_url())

    def saved_message(self, row: Any) -> str:
        return _("Saved.")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.row()
        return self._form(row, self.form(row))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.row()
        form = self.form(row, _resolved(request.POST, self.form_class.base_fields))
        if not form.is_valid():
            return self._form(row, form, status=422)
        version = form.data.get("version", "")
        originals = _originals(form) if row is not None else {}
        try:
            saved = self.save(
                row,
                form.cleaned_data,
                version=int(version) if version.isdecimal() else None,
                originals=originals,
            )
        except Conflict as conflict:
            return self._conflict(form, originals, conflict)
        except UserError as error:
            if isinstance(error, Refused):
                # Shown here and put on the trail by the room that keeps it.
                self.request.refusal = error
            form.add_error(None, str(error))
            return self._form(row, form, status=422)
        return self._saved(saved)

    def _saved(self, row: Any) -> HttpResponse:
        text = self.saved_message(row)
        if self.request.htmx and self.events:
            return done(*self.events, toast=text)
        messages.success(self.request, text)
        if self.request.htmx:
            response = HttpResponse(status=204)
            response["HX-Redirect"] = self.success_url(row)
            return response
        return HttpResponseRedirect(self.success_url(row), status=303)

    def _form(
        self,
        row: Any,
        form: forms.BaseForm,
        status: int = 200,
        conflict: Conflict | None = None,
    ) -> HttpResponse:
        return self.show(
            {
                "row": row,
                "form": form,
                "version": form.data.get("version") or getattr(row, "version", ""),
                "conflict": conflict,
                "clashes": _clashes(form, conflict) if conflict else (),
            },
            status=status,
        )

    def _conflict(
        self, form: forms.BaseForm, originals: Mapping[str, Any], conflict: Conflict
    ) -> HttpResponse:
        # The form opens anew over the row as it is now: what the person left alone takes the new
        # value, what they changed stays theirs, and every clash waits for their choice.
        row = self.row()
        now = self.form(row)
        data = self.request.POST.copy()
        data.pop("version", None)
        for name, field in form.fields.items():
            current = field.prepare_value(now.get_initial_for_field(field, name))
            _put(data, form[name].html_initial_name, current)
            if form.cleaned_data.get(name) == originals.get(name):
                _put(data, form[name].html_name, current)
        return self._form(row, self.form(row, data), status=409, conflict=conflict)


def _put(data: QueryDict, name: str, value: Any) -> None:
    if isinstance(value, list | tuple):
        data.setlist(name, [str(each) for each in value])
    else:
        data[name] = "" if value is None else str(value)


def _resolved(posted: QueryDict, fields: Mapping[str, forms.Field]) -> QueryDict:
    """The posted values, with theirs put in wherever a clash was not decided for one's own.

    The browser asks for a decision; where it did not, nobody's saved work is written over.
    """
    data = posted.copy()
    for name in fields.keys() & set(data.getlist("clash")):
        if data.get(f"keep-{name}") != "mine":
            data.setlist(name, data.getlist(f"initial-{name}"))
    return data


def _originals(form: forms.BaseForm) -> dict[str, Any]:
    """The values the form opened with, from its hidden inputs, cleaned as the fields clean."""
    values: dict[str, Any] = {}
    for name, field in form.fields.items():
        hidden = field.hidden_widget()
        raw = hidden.value_from_datadict(form.data, MultiValueDict(), form[name].html_initial_name)
        try:
            values[name] = field.clean(raw)
        except ValidationError:
            # A required field that opened empty: there was nothing.
            values[name] = None
    return values


def _clashes(form: forms.BaseForm, conflict: Conflict) -> list[dict[str, Any]]:
    def words(name: str, value: Any) -> str:
        field = form.fields.get(name)
        if isinstance(field, forms.ChoiceField) and value not in (None, ""):
            return str(dict(field.widget.choices).get(value, value))
        return format_value(value)

    return [
        {
            "name": name,
            "label": form.fields[name].label or name if name in form.fields else name,
            "original": words(name, original),
            "mine": words(name, mine),
            "theirs": words(name, theirs),
        }
        for name, (original, mine, theirs) in conflict.fields.items()
    ]


def format_value(value: Any) -> str:
    """A field's value in the reader's words."""
    if value is None or value == "":
        return _("(empty)")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
