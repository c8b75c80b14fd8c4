"""Requests about somebody's data: taken beside the customer, decided on and answered; the two registers."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.customers.models import Party
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.wording import listed
from zhike.privacy import services
from zhike.privacy.forms import AskForm, PeriodForm, ReasonForm, label_of
from zhike.privacy.models import Step, SubjectRequest
from zhike.privacy.queries.erasure import Preview, preview
from zhike.privacy.queries.registers import processing, shared
from zhike.privacy.queries.requests import request_of
from zhike.privacy.services.erasing import read_kept
from zhike.privacy.services.registers import note_register
from zhike.ui.filters import Filter
from zhike.ui.lists import files
from zhike.ui.navigation import Action
from zhike.ui.tables import Column
from zhike.ui.views import ListView, PageView, RowView, visible

Kind, State = SubjectRequest.Kind, SubjectRequest.State
TONES = {
    State.ASKED: "blue",
    State.APPROVED: "blue",
    State.READY: "yellow",
    State.DONE: "green",
    State.REFUSED: "red",
    State.RESTRICTED: "orange",
    State.ERASED: "secondary",
}
MOST = 100


def url_of(request: SubjectRequest) -> str:
    return reverse("privacy:request", args=[request.public_id])


def whom(request: SubjectRequest) -> str:
    """The customer's name while there is one, then what is left: an id that means nothing."""
    return request.party.name if request.party else f"#{str(request.subject)[:8]}"


class RequestList(ListView):
    """Every request in sight, the one due first at the top."""

    model = SubjectRequest
    permission = "privacy.view"
    title = gettext_lazy("Requests about one's data")
    order = "due_on"
    columns = (
        Column("party.name", gettext_lazy("Customer"), value=whom, url=url_of),
        Column("kind", gettext_lazy("What is asked"), value=lambda row: row.get_kind_display()),
        Column(
            "state",
            gettext_lazy("State"),
            "badge",
            value=lambda row: row.get_state_display(),
            tone=lambda row: TONES[State(row.state)],
        ),
        Column("asked_on", gettext_lazy("Asked on"), "date", sortable=True, sort_field="asked_on"),
        Column("due_on", gettext_lazy("Due on"), "date", sortable=True, sort_field="due_on"),
        Column("asked_name", gettext_lazy("Taken by"), minor=True),
        Column("answered_name", gettext_lazy("Answered by"), minor=True),
    )
    filters = (
        Filter("kind", gettext_lazy("What is asked"), Kind.choices, lambda value: Q(kind=value)),
        Filter("state", gettext_lazy("State"), State.choices, lambda value: Q(state=value)),
    )

    def narrowed(self, rows: Any) -> Any:
        return rows.select_related("party").defer("answer")

    def row_url(self, row: Any) -> str:
        return url_of(row)


class PartyRequests(RowView):
    """What one customer has asked, and the form that takes a request."""

    model = Party
    permission = "privacy.request"
    template_name = "privacy/party.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(AskForm())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party = self.row()
        form = AskForm(request.POST)
        if not form.is_valid():
            return self._shown(form, 422)
        try:
            asked = services.ask(actor=self.actor, party=party, **form.cleaned_data)
        except Refused:
            raise
        except UserError as error:
            form.add_error(None, str(error))
            return self._shown(form, 422)
        messages.success(request, _("The request is taken; it is due on %(day)s.")
            % {"day": asked.due_on})  # fmt: skip
        return HttpResponseRedirect(url_of(asked), status=303)

    def _shown(self, form: AskForm, status: int = 200) -> HttpResponse:
        party = self.row()
        rows = visible(SubjectRequest, self.actor).filter(party=party).defer("answer")
        return self.show(
            {
                "title": _("Personal data of %(name)s") % {"name": party.name},
                "party": party,
                "form": form,
                "requests": [
                    (each, url_of(each), TONES[State(each.state)])
                    for each in rows.order_by("-asked_on", "-pk")[:MOST]
                ],
                "actions": [
                    Action(_("Back to the customer"), party.get_absolute_url(), quiet=True)
                ],
            },
            status,
        )


class RequestShown(RowView):
    """One request: what was asked, what became of it, what may be done with it now."""

    model = SubjectRequest
    permission = "privacy.view"
    template_name = "privacy/request.html"

    def row(self) -> SubjectRequest:
        found = request_of(self.actor, self.kwargs["public_id"])
        if found is None:
            raise Http404
        return found

    def shown(self, form: ReasonForm | None = None, status: int = 200) -> HttpResponse:
        asked: SubjectRequest = self.row()
        mine = self.actor.user_id is not None and self.actor.user_id == asked.asked_by_id
        decides = bool(self.actor.may("privacy.decide")) and not mine
        answers = bool(self.actor.may("privacy.answer"))
        waits = asked.state == State.ASKED
        erasing = asked.kind == Kind.ERASURE and waits and asked.party is not None
        return self.show(
            {
                "title": f"{asked.get_kind_display()} · {whom(asked)}",
                "row": asked,
                "tone": TONES[State(asked.state)],
                "overdue": asked.is_open and asked.due_on < clock.today(),
                "field": _field_label(asked.field),
                "steps": visible(Step, self.actor).filter(request=asked),
                "form": form or ReasonForm(),
                "mine": mine,
                "may_approve": decides and waits and asked.kind == Kind.ACCESS,
                "may_restrict": decides and erasing,
                "may_correct": answers and waits and asked.kind == Kind.CORRECTION,
                "may_refuse": waits and (answers if asked.kind == Kind.CORRECTION else decides),
                "may_hand_over": answers and asked.answer is not None,
                "may_read_kept": bool(self.actor.may("privacy.decide"))
                and asked.state == State.RESTRICTED,
                "preview": self._preview(asked) if erasing else None,
            },
            status,
        )  # fmt: skip

    def _preview(self, asked: SubjectRequest) -> Preview | None:
        return preview(asked.party) if asked.party and self.actor.may("privacy.decide") else None


class RequestPage(RequestShown):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.shown()


class RequestStep(RequestShown):
    """A POST that brings the request on; what is wrong is told on its page."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = self.row()
        form = ReasonForm(request.POST)
        if self.wants_reason and not form.is_valid():
            return self.shown(form, 422)
        try:
            messages.success(
                request, self.act(asked, form.cleaned_data if self.wants_reason else {})
            )
        except Refused:
            raise
        except UserError as error:
            form.add_error(None, str(error))
            return self.shown(form, 422)
        return HttpResponseRedirect(url_of(asked), status=303)

    wants_reason: ClassVar[bool] = True

    def act(self, asked: SubjectRequest, said: dict[str, Any]) -> str:
        raise NotImplementedError(f"{type(self).__name__} does nothing")


class Approve(RequestStep):
    permission = "privacy.decide"
    wants_reason = False

    def act(self, asked: SubjectRequest, said: dict[str, Any]) -> str:
        services.approve_access(actor=self.actor, request=asked)
        return _("The copy is being made.")


class Refuse(RequestStep):
    def act(self, asked: SubjectRequest, said: dict[str, Any]) -> str:
        services.refuse(actor=self.actor, request=asked, **said)
        return _("The request is refused; tell the person the reason.")


class Correct(RequestStep):
    permission = "privacy.answer"

    def act(self, asked: SubjectRequest, said: dict[str, Any]) -> str:
        services.correct(actor=self.actor, request=asked, **said)
        return _("Corrected; tell the person.")


class Restrict(RequestStep):
    permission = "privacy.decide"

    def act(self, asked: SubjectRequest, said: dict[str, Any]) -> str:
        done = services.restrict(actor=self.actor, request=asked, **said)
        if done.state == State.ERASED:
            return _("Erased: no law asks for anything of it.")
        return _("Restricted: what no law asks for is erased, the rest is sealed.")


class Copy(RowView):
    """The copy of everything in clear, as a page, JSON or ZIP; opened by a fresh proof, on record."""

    model = SubjectRequest
    permission = "privacy.answer"
    template_name = "privacy/copy.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = self.row()
        told = services.hand_over(actor=self.actor, request=asked)
        name = f"zhike-{str(asked.subject)[:8]}"
        match request.POST.get("as"):
            case "json":
                response = HttpResponse(_json(told), content_type="application/json")
                response["Content-Disposition"] = f'attachment; filename="{name}.json"'
            case "zip":
                response = HttpResponse(_zip(told), content_type="application/zip")
                response["Content-Disposition"] = f'attachment; filename="{name}.zip"'
            case _page:
                response = self.show(
                    {"title": _("Everything held"), "tables": worded(told), "back": url_of(asked)}
                )
        response["Cache-Control"] = "no-store"
        return response


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=1)


def _zip(told: dict[str, Any]) -> bytes:
    packed = io.BytesIO()
    page = render_to_string("privacy/copy_file.html", {"tables": worded(told), "told": told})
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", _json(told))
        archive.writestr("data.html", page)
    return packed.getvalue()


def worded(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The tables of a copy with their labels beside the values, for people."""
    return [
        {
            "title": table["title"],
            "kept": table["kept"],
            "rows": [
                [(table["labels"].get(name, name), text) for name, text in row.items()]
                for row in table["rows"]
            ],
        }
        for table in told["tables"]
    ]


class Kept(RowView):
    """What the laws make us keep of a restricted customer; each reading on record."""

    model = SubjectRequest
    permission = "privacy.decide"
    template_name = "privacy/kept.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = self.row()
        found = read_kept(actor=self.actor, request=asked)
        kept = [
            (each, [(table["title"], [list(row.items()) for row in table["rows"]]) for table in tables])
            for each, tables in found
        ]  # fmt: skip
        response = self.show(
            {"title": _("Kept because a law says so"), "kept": kept, "back": url_of(asked)}
        )
        response["Cache-Control"] = "no-store"
        return response


class ProcessingRegister(PageView):
    """What is held, why, how long, who sees it: from the declarations of every field."""

    permission = "privacy.register"
    title = gettext_lazy("Register of processing")
    template_name = "privacy/processing.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        actions = [
            Action(_("Take as a file"), reverse("privacy:processing-file"), icon="download"),
            Action(_("Register of sharing"), reverse("privacy:sharing"), quiet=True),
        ]
        return self.show({"entries": processing(), "actions": actions})


class ProcessingFile(PageView):
    """The register for the regulator's file."""

    permission = "privacy.register"
    columns: ClassVar[tuple[tuple[str | Promise, str], ...]] = (
        (pgettext_lazy("a register", "Table"), "table"),
        (pgettext_lazy("a register", "Class"), "field_class"),
        (pgettext_lazy("a register", "Fields"), "fields"),
        (pgettext_lazy("a register", "Purpose"), "purpose"),
        (pgettext_lazy("a register", "Legal basis"), "basis"),
        (pgettext_lazy("a register", "Kept"), "term"),
        (pgettext_lazy("a register", "Seen by"), "seen_by"),
        (pgettext_lazy("a register", "Goes to"), "goes_to"),
    )

    def get(self, request: HttpRequest) -> FileResponse:
        entries = processing()
        note_register(actor=self.actor, rows=len(entries))
        packed = io.BytesIO()
        columns = [Column(name, label, value=partial(_cell, name)) for label, name in self.columns]
        files.write(packed, "csv", columns, entries)
        packed.seek(0)
        return files.answer("processing-register", "csv", packed)


def _cell(name: str, each: Any) -> str:
    if name == "fields":
        return listed(each.fields)
    found = getattr(each.rule, name).label if hasattr(each.rule, name) else getattr(each, name)
    return str(found)


class SharingRegister(PageView):
    """Who outside received what, from the trail."""

    permission = "privacy.register"
    title = gettext_lazy("Register of sharing")
    template_name = "privacy/sharing.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        today = clock.today()
        usual = {"since": today - timedelta(days=90), "until": today}
        form = PeriodForm(request.GET if request.GET else usual)
        period = form.cleaned_data if form.is_valid() else usual
        actions = [Action(_("Register of processing"), reverse("privacy:processing"), quiet=True)]
        return self.show({"form": form, "entries": shared(**period), "actions": actions})


def _field_label(name: str) -> str:
    return str(label_of(name)) if name else ""
