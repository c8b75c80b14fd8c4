"""A form over one row, with the conflict of two people shown field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from zhike.kernel.errors import Conflict, Refused, UserError
from zhike.ui.hints import hint_for
from zhike.ui.views.pages import RowView, done


class EditView(RowView):
    """A form over one row, or over a new one where the address has no `public_id`.

    A subclass sets `form_class` and overrides `save`, which calls the room's service and answers
    the row. The form carries the version and the values it opened with; a Conflict is shown field
    by field.
    """

    form_class: ClassVar[type[forms.Form] | type[forms.ModelForm[Any]]]
    page: ClassVar[str] = ""
    """By which a room above hangs a hint beside the form (ui.hints)."""
    back: ClassVar[str] = ""
    """URL name of the list to which Cancel leads from a new row; else it leads to `success_url`."""
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
                "back": self._back(row),
                "version": form.data.get("version") or getattr(row, "version", ""),
                "conflict": conflict,
                "clashes": _clashes(form, conflict) if conflict else (),
                "hint": hint_for(self.page, self.actor),
            },
            status=status,
        )

    def _back(self, row: Any) -> str:
        if row is not None:
            return self.success_url(row)
        return reverse(self.back) if self.back else ""

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
