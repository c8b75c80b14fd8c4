"""Cells of a list changed in place: the same service and the same check for others' changes as the form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from zhike.kernel.errors import Conflict, Refused, UserError
from zhike.ui.tables import Column, Edit
from zhike.ui.views.lists import ListView
from zhike.ui.views.pages import visible


class EditableListView(ListView):
    """A list some of whose columns say how they are edited; a subclass saves what was typed.

    GET `?part=cell&row=<public_id>&column=<name>` answers the form of one cell, POST saves it and
    answers the cell: 422 with what is wrong, 409 with what somebody else wrote meanwhile.
    """

    def save_cell(
        self, row: Any, field: str, value: Any, *, version: int | None, original: Any
    ) -> None:
        """Call the service; may raise UserError or Conflict."""
        raise NotImplementedError(f"{type(self).__name__} has editable columns and no save_cell")

    def editable(self) -> frozenset[str]:
        return frozenset(
            column.name
            for column in self.columns
            if column.edit is not None and self.actor.may(column.edit.permission)
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.params.get("part") != "cell":
            return super().get(request, *args, **kwargs)
        column, edit, row = self._asked_cell(self.params)
        now = getattr(row, edit.field)
        return self._cell(column, row, _form(edit, initial={"value": now}), _written(edit, now))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        sent = request.POST
        column, edit, row = self._asked_cell(sent)
        form = _form(edit, data=sent)
        seen, version = sent.get("initial-value", ""), sent.get("version", "")

        def wrong(status: int, errors: Sequence[str]) -> HttpResponse:
            return self._cell(column, row, form, seen, version, errors, status=status)

        if not form.is_valid():
            return wrong(422, [str(each) for each in form.errors["value"]])
        try:
            self.save_cell(
                row,
                edit.field,
                form.cleaned_data["value"],
                version=int(version) if version.isdigit() else None,
                original=edit.form_field().clean(seen),
            )
        except forms.ValidationError as error:
            return wrong(422, error.messages)
        except Conflict:
            row = self._row(sent)
            theirs = _written(edit, getattr(row, edit.field))
            return self._cell(column, row, form, theirs, theirs_shown=column.html(row), status=409)
        except Refused as error:
            self.request.refusal = error
            return wrong(403, [str(error)])
        except UserError as error:
            return wrong(422, [str(error)])
        return HttpResponse(column.html(self._row(sent)))

    def _asked_cell(self, params: QueryDict) -> tuple[Column, Edit, Any]:
        name = params.get("column", "")
        column = next((each for each in self.columns if each.name == name), None)
        if column is None or column.edit is None:
            raise Http404
        if not (decision := self.actor.may(column.edit.permission)):
            raise Refused(decision.reason, action=column.edit.permission)
        return column, column.edit, self._row(params)

    def _row(self, params: QueryDict) -> Any:
        rows = self.narrowed(visible(self.model, self.actor))
        try:
            return get_object_or_404(rows, public_id=params.get("row", ""))
        except (ValueError, forms.ValidationError) as error:
            raise Http404 from error

    def _cell(
        self,
        column: Column,
        row: Any,
        form: forms.Form,
        original: str,
        version: str = "",
        errors: Sequence[str] = (),
        *,
        theirs_shown: str = "",
        status: int = 200,
    ) -> HttpResponse:
        label = _("Change %(column)s") % {"column": column.label}
        widget = form.fields["value"].widget
        kind = "form-select" if isinstance(widget, forms.Select) else "form-control"
        control = form["value"].as_widget(
            attrs={"class": f"{kind} form-{kind[5:]}-sm", "aria-label": label, "autofocus": True}
        )
        return render(
            self.request,
            "ui/lists/cell.html",
            {
                "view": self,
                "label": label,
                "column": column,
                "row": row,
                "control": control,
                "original": original,
                "version": version or row.version,
                "errors": errors,
                "theirs": theirs_shown,
            },
            status=status,
        )


def _form(edit: Edit, **given: Any) -> forms.Form:
    form = forms.Form(auto_id=False, **given)
    form.fields["value"] = edit.form_field()
    if isinstance(form.fields["value"].widget, forms.DateInput):
        form.fields["value"].widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    return form


def _written(edit: Edit, value: Any) -> str:
    """The value as the form sends it back."""
    found = edit.form_field().prepare_value(value)
    return "" if found is None else str(found)
