"""What is done on the customer page in place: each sends a short form and tells the panels to reload."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms as django_forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from zhike.customers import forms, panels, services
from zhike.customers.models import (
    Address,
    ContactPoint,
    Identifier,
    Party,
    Relation,
)
from zhike.customers.search import Match, search
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.wording import labelled, sentences
from zhike.ui.views import PageView, RowView, done, visible

SEALED: dict[str, type[Identifier] | type[ContactPoint] | type[Address]] = {
    "identifier": Identifier,
    "contact": ContactPoint,
    "address": Address,
}


class PartyAction(RowView):
    """A POST about one customer of the address; a form that is not valid is told as a UserError."""

    model = Party
    form_class: ClassVar[type[django_forms.Form]] = django_forms.Form
    events: ClassVar[tuple[str, ...]]

    def form(self) -> django_forms.Form:
        return self.form_class(self.request.POST)

    def act(self, party: Party, values: dict[str, Any]) -> str:
        """Call the service; answers what to tell the person."""
        raise NotImplementedError(f"{type(self).__name__} does nothing")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party = self.row()
        form = self.form()
        if not form.is_valid():
            told = [
                labelled(form.fields[name].label, errors[0]) if name in form.fields else errors[0]
                for name, errors in form.errors.items()
            ]
            raise UserError(sentences(told), _("Correct it and send again."))
        text = self.act(party, form.cleaned_data)
        if self.request.htmx:
            return done(*self.events, toast=text)
        messages.success(request, text)
        return HttpResponseRedirect(party.get_absolute_url(), status=303)


class Stage(PartyAction):
    """Convert, close or reopen, as the address says."""

    permission = "customers.edit"
    events = ()

    def form(self) -> django_forms.Form:
        with_reason = self.kwargs["step"] != "convert"
        return (forms.ReasonForm if with_reason else django_forms.Form)(self.request.POST)

    def act(self, party: Party, values: dict[str, Any]) -> str:
        match self.kwargs["step"]:
            case "convert":
                services.convert_prospect(actor=self.actor, party=party)
                return _("The prospect is a customer now.")
            case "close":
                services.close_party(actor=self.actor, party=party, reason=values["reason"])
                return _("The customer was closed.")
            case _step:
                services.reopen_party(actor=self.actor, party=party, reason=values["reason"])
                return _("The customer is open again.")


class AddValue(PartyAction):
    permission = "customers.edit"
    events = (panels.FACTS,)

    def form(self) -> django_forms.Form:
        form_classes: dict[str, type[django_forms.Form]] = {
            "identifier": forms.IdentifierForm,
            "contact": forms.ContactPointForm,
            "address": forms.AddressForm,
        }
        return form_classes[self.kwargs["group"]](self.request.POST)

    def act(self, party: Party, values: dict[str, Any]) -> str:
        match self.kwargs["group"]:
            case "identifier":
                services.add_identifier(actor=self.actor, party=party, **values)
            case "contact":
                services.add_contact_point(actor=self.actor, party=party, **values)
            case _group:
                services.add_address(actor=self.actor, party=party, **values)
        return _("Saved.")


class SealedRow(PageView):
    """One sealed value of a customer, found through the actor's scope."""

    def sealed(self) -> Any:
        rows = visible(SEALED[self.kwargs["group"]], self.actor).select_related("party")
        return get_object_or_404(rows, public_id=self.kwargs["public_id"])


class Reveal(SealedRow):
    """The value in clear, shown once in answer to a POST that says what for; never in an address."""

    permission = "customers.reveal"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        purpose = request.POST.get("purpose", "")
        row = self.sealed()
        text = services.reveal(actor=self.actor, row=row, field="sealed", purpose=purpose)
        dials = getattr(row, "kind", "") in (ContactPoint.Kind.MOBILE, ContactPoint.Kind.PHONE)
        return render(request, "customers/sealed.html#clear", {"text": text, "dials": dials})


class CheckValue(SealedRow):
    """Verify or remove a sealed value, as the address says."""

    permission = "customers.edit"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.sealed()
        if self.kwargs["step"] == "verify":
            services.verify_value(actor=self.actor, row=row)
        else:
            services.remove_value(actor=self.actor, row=row, reason=request.POST.get("reason", ""))
        return done(panels.FACTS, toast=_("Saved."))


class Confirm(PartyAction):
    permission = "customers.edit"
    form_class = forms.ConfirmForm
    events = (panels.FACTS,)

    def act(self, party: Party, values: dict[str, Any]) -> str:
        services.confirm_fields(actor=self.actor, party=party, fields=values["fields_seen"])
        return _("Saved.")


class Relate(PartyAction):
    permission = "customers.edit"
    form_class = forms.RelationForm
    events = (panels.RELATIONS,)

    def act(self, party: Party, values: dict[str, Any]) -> str:
        other = one_customer(self.actor, values.pop("other"))
        services.relate(actor=self.actor, party=party, other=other, **values)
        return _("Saved.")


def one_customer(actor: Actor, text: str) -> Party:
    """The one customer that `text` names. Raises UserError when it names none or several."""
    hits = search(actor, text, 20)
    sure = [hit for hit in hits if hit.match in {Match.NUMBER, Match.TAIL, Match.NAME}] or hits
    if len(sure) != 1:
        raise UserError(
            _("This names several customers.")
            if sure
            else _("This names no customer you may see."),
            _("Give the whole name, or a number that only one has."),
        )
    return sure[0].party


class EndRelation(PageView):
    permission = "customers.edit"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows = visible(Relation, self.actor)
        relation = get_object_or_404(rows, public_id=self.kwargs["public_id"])
        services.end_relation(actor=self.actor, relation=relation)
        return done(panels.RELATIONS, toast=_("The relation ended."))


class HandOver(PartyAction):
    """A main manager takes over from whoever was; an assistant joins; somebody is let see the customer."""

    permission = "customers.assign"
    events = (panels.ASSIGNMENTS, panels.TIMELINE)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The fields of the form, asked for when its dialog opens: they name every manager around."""
        self.row()
        form = forms.HandOverForm(actor=self.actor)
        return render(request, "customers/dialogs.html#fields", {"form": form})

    def form(self) -> django_forms.Form:
        return forms.HandOverForm(self.request.POST, actor=self.actor)

    def act(self, party: Party, values: dict[str, Any]) -> str:
        common = {"reason": values["reason"], "since": values["since"]}
        if values["role"] == "main":
            services.hand_over(actor=self.actor, party=party, to=values["employee"], **common)
        else:
            services.assign(
                actor=self.actor,
                party=party,
                employee=values["employee"],
                role=values["role"],
                until=values["until"],
                **common,
            )
        if values["role"] == "shared":
            return _("%(name)s may see the customer.") % {"name": values["employee"].name}
        return _("%(name)s looks after the customer.") % {"name": values["employee"].name}


class Consent(PartyAction):
    permission = "customers.consent"
    form_class = forms.ConsentForm
    events = (panels.CONSENT,)

    def act(self, party: Party, values: dict[str, Any]) -> str:
        if values.pop("given"):
            services.give_consent(actor=self.actor, party=party, **values)
            return _("The consent is on record.")
        values.pop("text_version")
        services.withdraw_consent(actor=self.actor, party=party, **values)
        return _("The withdrawal is on record.")


class Timeline(PartyAction):
    """A contact or a note."""

    permission = "customers.view"
    form_class = forms.TimelineForm
    events = (panels.TIMELINE,)

    def act(self, party: Party, values: dict[str, Any]) -> str:
        services.add_timeline_entry(actor=self.actor, party=party, **values)
        return _("It is on the timeline.")
