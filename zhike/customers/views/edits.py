"""The forms for a customer as a whole."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers import forms, panels, services
from zhike.customers.models import Party
from zhike.organisation.models import Unit
from zhike.ui.views import EditView


class PartyEdit(EditView):
    model = Party
    permission = "customers.edit"
    form_class = forms.PartyForm
    title = _("Edit customer")

    def form(self, row: Any, data: Any = None) -> Any:
        form: Any = self.form_class(data=data, initial=self.initial(row), actor=self.actor)
        if row is not None and row.kind == Party.Kind.ORGANISATION:
            for name in forms.PERSONS_ONLY:
                del form.fields[name]
        return form

    def save(
        self,
        row: Any,
        changes: dict[str, Any],
        *,
        version: int | None,
        originals: dict[str, Any],
    ) -> Any:
        return services.update_party(
            actor=self.actor, party=row, changes=changes, version=version, originals=originals
        )


class FieldEdit(PartyEdit):
    """One field at its place on the customer page; the same form field, service and version."""

    template_name = "ui/field_edit.html"
    events = (panels.FACTS,)

    def form(self, row: Any, data: Any = None) -> Any:
        form = super().form(row, data)
        wanted = self.kwargs["field"]
        if wanted not in form.fields:
            raise Http404
        for name in set(form.fields) - {wanted}:
            del form.fields[name]
        return form


class PartyNew(PartyEdit):
    back = "customers:list"
    form_class = forms.NewPartyForm
    page = "customers.new"
    title = _("New customer")

    def initial(self, row: Any) -> dict[str, Any]:
        """The unit is most often one's own."""
        mine = Unit.objects.visible_to(self.actor).filter(employees=self.actor.employee_id)
        return {"unit": mine.first()}

    def save(
        self,
        row: Any,
        changes: dict[str, Any],
        *,
        version: int | None,
        originals: dict[str, Any],
    ) -> Any:
        fields = {name: value for name, value in changes.items() if value not in (None, "", False)}
        return services.open_party(
            actor=self.actor,
            document=fields.pop("document", ""),
            mobile=fields.pop("mobile", ""),
            kind=fields.pop("kind"),
            type=fields.pop("type"),
            name=fields.pop("name"),
            unit=fields.pop("unit"),
            stage=fields.pop("stage"),
            fields=fields,
        )

    def saved_message(self, row: Any) -> str:
        return gettext("The customer was entered.")
