"""The page of one customer, its timeline and the brief to take along."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from zhike.customers import forms, queries, services
from zhike.customers.models import Assignment, Party, TimelineEntry
from zhike.customers.queries.heads import manager_on, tier_on
from zhike.customers.queries.history import party_on
from zhike.customers.queries.reads import seats_of
from zhike.customers.queries.timeline import story
from zhike.kernel import clock
from zhike.ui.drawn import drawn
from zhike.ui.heads import actions, briefs, figures, next_step, notes, said
from zhike.ui.views import DetailView, RowView

BRIEF_CONTACTS, BRIEF_RELATIONS = 6, 8
"""What fits on one sheet of paper."""


class PartyPage(DetailView):
    """The one page of a customer (R-002), made of the panels every room registers."""

    model = Party
    permission = "customers.view"
    page = "customers.party"
    template_name = "customers/party_detail.html"
    dated = True

    joined = ("unit", "standing__tier")

    def row(self) -> Any:
        """With today's main managers, picked from those the timeline tells of."""
        party, today = super().row(), clock.today()
        party.main_assignments = [
            seat
            for seat in seats_of(self.actor, party)
            if seat.role == Assignment.Role.MAIN and _holds(seat.during, today)
        ]
        return party

    def row_on(self, row: Any, day: date) -> Any:
        return party_on(row, day)

    def head(self, row: Any) -> dict[str, Any]:
        actor, day = self.actor, self.as_of
        standing = queries.standing_of(row)
        may_edit = bool(actor.may("customers.edit")) and day is None
        may_assign = bool(actor.may("customers.assign")) and day is None
        peek = "peek" in self.request.GET
        step = next_step(self.page, actor, row, day)
        return {
            "today": clock.today(),
            "tier": tier_on(row, day) if day else standing and standing.tier,
            "value_class": standing.get_value_class_display() if standing and not day else "",
            "standing": None if day else standing,
            "manager": manager_on(row, day) if day else queries.manager_of(row),
            "notes": said(notes, self.page, actor, row, day),
            "figures": said(figures, self.page, actor, row, day),
            "more": said(actions, self.page, actor, row, day),
            "step": drawn(self.request, step.template, step.context) if step else "",
            "next_contact_on": None if day else queries.next_contact_on(row),
            "may_edit": may_edit,
            "may_brief": bool(self.actor.may(Brief.permission)),
            "may_note": day is None and bool(actor.may("activities.work") or may_edit),
            "note_form": forms.TimelineForm,
            "may_hand_over": may_assign and not peek,
            "closing": forms.ReasonForm,
        }


class Story(RowView):
    """More of the timeline. What is looked for comes by POST, so that no word of it stands in an address."""

    model = Party
    permission = "customers.view"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party, sent = self.row(), request.POST
        chosen = {name: sent.get(name, "") for name in ("kind", "channel", "text", "as_of")}
        if chosen["channel"] not in TimelineEntry.Channel.values:
            chosen["channel"] = ""
        context = {
            "party": party,
            **chosen,
            "channels": TimelineEntry.Channel.choices,
            "story": story(
                self.actor,
                party,
                kind=chosen["kind"],
                channel=chosen["channel"],
                text=chosen["text"][:80],
                before=sent.get("before", ""),
                day=_day(chosen["as_of"]),
            ),
        }
        part = "entries" if sent.get("before") else "list"
        return render(request, f"customers/timeline.html#{part}", context)


class Ties(RowView):
    """More relations, or those with somebody called so; a name comes by POST and stands in no address."""

    model = Party
    permission = "customers.view"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party, sent = self.row(), request.POST
        day, text = _day(sent.get("as_of", "")), sent.get("text", "").strip()[:80]
        start = sent.get("start", "")
        ties = queries.Relations(self.actor, party, day)
        context = {
            "row": party,
            "page": ties.page(text, int(start) if start.isdecimal() and len(start) < 9 else 0),
            "text": text,
            "as_of": day,
            "may_edit": day is None and bool(self.actor.may("customers.edit")),
        }
        return render(request, "customers/ties.html#lines", context)


def _holds(during: Any, day: date) -> bool:
    """Whether a range of days, its end excluded, holds the day."""
    return not during.isempty and day in during


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Brief(PartyPage):
    """One page to take along to a visit, printed by the browser; that it was taken is on the trail."""

    # It has no panels to arrange.
    http_method_names = ("get", "head", "options")
    permission = "customers.export"
    template_name = "customers/brief.html"
    dated = False

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party = self.row()
        services.note_brief(actor=self.actor, party=party)
        return self.show(
            {
                **self.head(party),
                "row": party,
                "title": self.heading(party),
                "relations": [
                    line for line in queries.relations_of(self.actor, party) if line.current
                ][:BRIEF_RELATIONS],
                "story": story(self.actor, party, kind="contact", size=BRIEF_CONTACTS),
                "points": queries.ways_to_reach(self.actor, party),
                "parts": said(briefs, self.page, self.actor, party, None),
                "printed_at": clock.now(),
            }
        )
