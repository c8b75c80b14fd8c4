"""The page of one customer."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhike.customers import forms, queries
from zhike.customers.models import Party
from zhike.kernel import clock
from zhike.ui.navigation import Action
from zhike.ui.views import DetailView


class PartyPage(DetailView):
    """The one page of a customer (R-002), made of the panels every room registers."""

    model = Party
    permission = "customers.view"
    page = "customers.party"
    template_name = "customers/party_detail.html"

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return queries.with_standing(rows)

    def head(self, row: Any) -> dict[str, Any]:
        completeness = queries.completeness_of(row)
        standing = queries.standing_of(row)
        due = queries.next_contact_on(row)
        return {
            "pretitle": f"{row.get_kind_display()} · {row.get_type_display()}",
            "standing": standing,
            "tier": standing.tier if standing else None,
            "value_class": standing.get_value_class_display() if standing else "",
            "manager": queries.manager_of(row),
            "completeness": completeness,
            "completeness_share": completeness.percent / 100,
            "missing": [MISSING[name] for name in completeness.missing],
            "next_contact_on": due,
            "overdue": due is not None and due < clock.today(),
            "sees_money": queries.sees_money(self.actor),
            "may_edit": bool(self.actor.may("customers.edit")),
            "closing": forms.ReasonForm(),
            "actions": [
                Action(
                    _("Edit"),
                    reverse("customers:edit", kwargs={"public_id": row.public_id}),
                    icon="edit",
                )
            ]
            if self.actor.may("customers.edit")
            else [],
        }


MISSING = {
    "birth_on": _("birth or founding date"),
    "contact_point": _("telephone or WeChat"),
    "address": _("address"),
    "manager": _("main manager"),
    "identifier": _("document"),
    "sex": _("sex"),
    "occupation": _("occupation"),
    "education": _("education"),
    "decision_maker": _("decision maker"),
    "industry": _("industry"),
    "employees_count": _("number of employees"),
}
