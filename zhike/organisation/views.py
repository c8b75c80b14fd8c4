"""The tree of units, a unit, a person, and what an administrator changes about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import UserError
from zhike.kernel.wording import listed
from zhike.organisation import people, queries, services
from zhike.organisation.forms import (
    AppointForm,
    CloseLoginForm,
    EndForm,
    JoinTeamForm,
    LeaveForm,
    LeaveTeamForm,
    LoginForm,
    NewPersonForm,
    NewUnitForm,
    OpenLoginForm,
    OrganisationForm,
    PasswordForm,
    PersonForm,
    TeamForm,
    UnitForm,
)
from zhike.organisation.models import Appointment, Employee, Team, TeamMember, Unit, User
from zhike.ui.filters import Filter
from zhike.ui.lists import conditions
from zhike.ui.navigation import Action
from zhike.ui.tables import Column
from zhike.ui.trees import Branch
from zhike.ui.views import DetailView, EditView, ListView, PageView


class TreeView(PageView):
    """The tree, a level at a time: a branch is fetched when it is opened, so that any size will do."""

    permission = "organisation.view"
    template_name = "organisation/unit_tree.html"
    fragment = "branch"
    title = _("Units and people")

    def get(self, request: HttpRequest) -> HttpResponse:
        unit = None
        if under := request.GET.get("under"):
            unit = get_object_or_404(Unit.objects.visible_to(self.actor), **_public(under))
        elif (roots := list(queries.units_below(self.actor, None))) and len(roots) == 1:
            unit = roots[0]
        actions = []
        if self.actor.may("organisation.administer"):
            actions = [
                Action(_("New unit"), reverse("organisation:unit_new"), icon="building-plus"),
                Action(_("New person"), reverse("organisation:person_new"), icon="user-plus"),
            ]
        branches = [*self.people(unit), *self.units(unit)]
        if unit is not None and not under:
            branches = [Branch(unit.name, unit.get_absolute_url(), icon="building",
                branches=branches, opened=True)]  # fmt: skip
        return self.show({"branches": branches, "actions": actions})

    def people(self, unit: Unit | None) -> list[Branch]:
        """Who sits in the unit, with their titles."""
        seats = queries.people_in(self.actor, unit) if unit else []
        return [
            Branch(
                seat.employee.name,
                seat.employee.get_absolute_url(),
                listed(seat.titles),
                icon="user-circle",
            )
            for seat in seats
        ]

    def units(self, unit: Unit | None) -> list[Branch]:
        """The units right below, each fetched when it is opened."""
        below: QuerySet[Any] = queries.units_below(self.actor, unit)
        return [
            Branch(
                each.name,
                each.get_absolute_url(),
                f"{each.get_kind_display()} · {_headcount(each.people)}",
                icon="building",
                fetch=f"{reverse('organisation:tree')}?under={each.public_id}",
            )
            for each in below
        ]


def _headcount(people: int) -> str:
    return ngettext("%(n)d person", "%(n)d people", people) % {"n": people}


def _public(text: str) -> dict[str, str]:
    try:
        return {"public_id": forms.UUIDField().clean(text)}
    except forms.ValidationError as error:
        raise UserError(gettext("There is no such unit."), gettext("Reload the page.")) from error


class PersonList(ListView):
    """Every employee; who left is shown where somebody asks for it."""

    model = Employee
    permission = "organisation.view"
    page = people.PAGE
    title = pgettext_lazy("of the institution", "Employees")
    order = "code"
    groupings = people.GROUPINGS
    searchable = True
    peeks = True

    @cached_property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        return people.columns_for(self.actor)

    def chips(self) -> Sequence[Filter]:
        return people.quick(self.actor)

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return queries.people_listed(self.actor, rows)

    def by_default(self, asked: conditions.Group) -> Q:
        asks = "left" in self.params or any(test.field == "left" for test in asked.tests)
        return Q() if asks else Q(left_on__isnull=True)

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queries.people_named(rows, text)

    def actions(self) -> list[Action]:
        if not self.actor.may("organisation.administer"):
            return []
        return [Action(_("New person"), reverse("organisation:person_new"), icon="user-plus")]


class UnitPage(DetailView):
    model = Unit
    permission = "organisation.view"
    page = "organisation.unit"

    def head(self, row: Unit) -> dict[str, Any]:
        above = list(queries.units_above(self.actor, row))
        return {
            "pretitle": " / ".join(unit.name for unit in above),
            "subtitle": " · ".join(filter(None, (row.code, row.get_kind_display(), row.region))),
            "actions": self.actions(row),
        }

    def actions(self, row: Unit) -> list[Action]:
        if not self.actor.may("organisation.administer"):
            return []
        here = f"?unit={row.public_id}"
        return [
            Action(_("Edit"), reverse("organisation:unit_edit", args=[row.public_id]), icon="edit"),
            Action(
                _("New unit below"), reverse("organisation:unit_new") + here, icon="building-plus"
            ),
            Action(_("New person"), reverse("organisation:person_new") + here, icon="user-plus"),
        ]


class PersonPage(DetailView):
    model = Employee
    permission = "organisation.view"
    page = "organisation.person"

    joined = ("unit",)

    def head(self, row: Employee) -> dict[str, Any]:
        facts = [row.code, row.unit.name]
        if row.left_on:
            facts.append(gettext("left on %(day)s") % {"day": row.left_on.isoformat()})
        return {"subtitle": " · ".join(facts), "actions": self.actions(row)}

    def actions(self, row: Employee) -> list[Action]:
        if not self.actor.may("organisation.administer") or row.left_on:
            return []

        def address(name: str) -> str:
            return reverse(f"organisation:{name}", args=[row.public_id])

        return [
            Action(_("Seat in a position"), address("appoint"), icon="armchair"),
            Action(_("Edit"), address("person_edit"), icon="edit"),
            Action(_("Leaves"), address("leave"), icon="door-exit"),
        ]


class OrganisationEdit(EditView):
    """An edit of this room: for the administrator, over the units they see."""

    permission = "organisation.administer"
    asks_about: ClassVar[str] = ""
    """The field that `?unit=` fills in for a new row."""

    def form(self, row: Any, data: QueryDict | None = None) -> forms.BaseForm:
        form = super().form(row, data)
        assert isinstance(form, OrganisationForm)
        form.offer_units_of(self.actor)
        return form

    def initial(self, row: Any) -> dict[str, Any]:
        if row is None and self.asks_about and "unit" in self.request.GET:
            return {self.asks_about: self.request.GET["unit"]}
        return super().initial(row) if row is not None else {}


class UnitEdit(OrganisationEdit):
    model = Unit
    form_class = UnitForm
    title = _("Edit unit")

    def save(
        self, row: Unit, changes: dict[str, Any], *, version: int | None, originals: dict[str, Any]
    ) -> Unit:
        return services.change_unit(
            actor=self.actor, unit=row, changes=changes, version=version, originals=originals
        )


class UnitNew(OrganisationEdit):
    back = "organisation:tree"
    model = Unit
    form_class = NewUnitForm
    title = _("New unit")
    asks_about = "parent"

    def save(self, row: None, changes: dict[str, Any], **seen: Any) -> Unit:
        return services.open_unit(actor=self.actor, **changes)


class PersonEdit(OrganisationEdit):
    model = Employee
    form_class = PersonForm
    title = _("Edit person")

    def save(
        self,
        row: Employee,
        changes: dict[str, Any],
        *,
        version: int | None,
        originals: dict[str, Any],
    ) -> Employee:
        return services.change_employee(
            actor=self.actor, employee=row, changes=changes, version=version, originals=originals
        )


class PersonNew(OrganisationEdit):
    back = "organisation:people"
    model = Employee
    form_class = NewPersonForm
    title = _("New person")
    asks_about = "unit"

    def save(self, row: None, changes: dict[str, Any], **seen: Any) -> Employee:
        return services.hire(actor=self.actor, **changes)


class PersonAct(OrganisationEdit):
    """A form about a person whose fields are not the person's own; it opens with their defaults."""

    model = Employee

    def heading(self, row: Employee) -> str:
        return row.name

    def initial(self, row: Employee) -> dict[str, Any]:
        return {}


class Appoint(PersonAct):
    form_class = AppointForm
    title = _("Seat in a position")

    def initial(self, row: Employee) -> dict[str, Any]:
        return {"unit": row.unit}

    def save(self, row: Employee, changes: dict[str, Any], **seen: Any) -> Employee:
        services.appoint(actor=self.actor, employee=row, **changes)
        return row


class Leave(PersonAct):
    form_class = LeaveForm
    title = _("Leaves the institution")
    template_name = "organisation/leave.html"

    def hanging(self) -> list[str]:
        """What somebody else must take over, in words."""
        return services.what_hangs_on(actor=self.actor, employee=self.row())

    def save(self, row: Employee, changes: dict[str, Any], **seen: Any) -> Employee:
        return services.leave(actor=self.actor, employee=row, **changes)


class GiveLogin(PersonAct):
    form_class = LoginForm
    title = _("Give a login")

    def save(self, row: Employee, changes: dict[str, Any], **seen: Any) -> Employee:
        services.give_login(actor=self.actor, employee=row, **changes)
        return row


class ResetPassword(OrganisationEdit):
    model = User
    form_class = PasswordForm
    title = _("Set a new password")

    def initial(self, row: User) -> dict[str, Any]:
        return {}

    def save(self, row: User, changes: dict[str, Any], **seen: Any) -> User:
        return services.reset_password(actor=self.actor, user=row, **changes)

    def success_url(self, row: User) -> str:
        return row.employee.get_absolute_url() if row.employee else reverse("organisation:tree")


class CloseLogin(OrganisationEdit):
    model = User
    form_class = CloseLoginForm
    title = _("Close the login")
    template_name = "organisation/leave.html"

    def hanging(self) -> list[str]:
        person = self.row().employee
        return services.what_hangs_on(actor=self.actor, employee=person) if person else []

    def initial(self, row: User) -> dict[str, Any]:
        return {}

    def save(self, row: User, changes: dict[str, Any], **seen: Any) -> User:
        return services.close_login(actor=self.actor, user=row, **changes)

    def success_url(self, row: User) -> str:
        return row.employee.get_absolute_url() if row.employee else reverse("organisation:tree")


class OpenLogin(CloseLogin):
    form_class = OpenLoginForm  # type: ignore[assignment]  # fewer fields, the same view
    title = _("Open the login again")

    def hanging(self) -> list[str]:
        return []

    def save(self, row: User, changes: dict[str, Any], **seen: Any) -> User:
        return services.open_login(actor=self.actor, user=row, **changes)


class EndAppointment(OrganisationEdit):
    model = Appointment
    form_class = EndForm
    title = _("End a position")
    template_name = "organisation/leave.html"

    def hanging(self) -> list[str]:
        return services.what_hangs_on(actor=self.actor, employee=self.row().employee)

    def initial(self, row: Appointment) -> dict[str, Any]:
        return {}

    def save(self, row: Appointment, changes: dict[str, Any], **seen: Any) -> Appointment:
        services.end_appointment(actor=self.actor, appointment=row, **changes)
        return row

    def success_url(self, row: Appointment) -> str:
        return row.employee.get_absolute_url()


class TeamList(PageView):
    """Every team with who is of it today."""

    permission = "organisation.view"
    template_name = "organisation/teams.html"
    fragment = "teams"
    title = _("Teams")

    def get(self, request: HttpRequest) -> HttpResponse:
        new = Action(_("New team"), reverse("organisation:team_new"), icon="users-group")
        actions = [new] if self.actor.may("organisation.administer") else []
        return self.show({"teams": queries.teams(self.actor), "actions": actions})


class TeamPage(DetailView):
    model = Team
    permission = "organisation.view"
    page = "organisation.team"

    def head(self, row: Team) -> dict[str, Any]:
        join = reverse("organisation:team_join", args=[row.public_id])
        may = self.actor.may("organisation.administer")
        actions = [Action(_("Add somebody"), join, icon="user-plus")] if may else []
        return {"subtitle": row.purpose, "actions": actions}


class TeamNew(OrganisationEdit):
    back = "organisation:teams"
    model = Team
    form_class = TeamForm
    title = _("New team")

    def save(self, row: None, changes: dict[str, Any], **seen: Any) -> Team:
        return services.open_team(actor=self.actor, **changes)


class JoinTeam(OrganisationEdit):
    model = Team
    form_class = JoinTeamForm
    title = _("Add somebody")

    def initial(self, row: Team) -> dict[str, Any]:
        return {}

    def save(self, row: Team, changes: dict[str, Any], **seen: Any) -> Team:
        services.join_team(actor=self.actor, team=row, **changes)
        return row


class LeaveTeam(OrganisationEdit):
    model = TeamMember
    form_class = LeaveTeamForm
    title = _("Leaves the team")

    def initial(self, row: TeamMember) -> dict[str, Any]:
        return {}

    def save(self, row: TeamMember, changes: dict[str, Any], **seen: Any) -> TeamMember:
        services.leave_team(actor=self.actor, member=row, **changes)
        return row

    def success_url(self, row: TeamMember) -> str:
        return row.team.get_absolute_url()
