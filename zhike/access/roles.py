"""What each role may do, and how far its sight reaches: the one table of rights.

A permission is "<room>.<action>". Reach says which customers a role sees: those of the holder alone, those of
the unit, those of the unit and all below it, or everyone's. Own and assisted customers are always seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import permission_names
from zhike.organisation.models import Role


class Reach(StrEnum):
    NOTHING = "nothing"
    OWN = "own"
    UNIT = "unit"
    UNIT_AND_BELOW = "unit and below"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True)
class Rights:
    reach: Reach
    permissions: frozenset[str]


ANYONE = frozenset({"account.use", "organisation.view"})
READS = ANYONE | {
    "customers.view",
    "products.view",
    "insight.view",
    "activities.view",
}
WORKS = READS | {
    "customers.edit",
    "customers.reveal",
    "customers.consent",
    "activities.work",
    "customers.export",
}

RIGHTS: dict[str, Rights] = {
    Role.CUSTOMER_MANAGER: Rights(Reach.OWN, WORKS),
    Role.TEAM_LEAD: Rights(
        Reach.UNIT,
        WORKS | {"customers.assign", "activities.hand_over", "insight.targets", "desk.lend_unit"},
    ),
    Role.BRANCH_HEAD: Rights(
        Reach.UNIT_AND_BELOW,
        WORKS
        | {"customers.assign", "activities.hand_over", "masterdata.view", "insight.targets"}
        | {"customers.merge"}
        | {"desk.lend_unit", "desk.lend_all"},
    ),
    Role.ANALYST: Rights(
        Reach.EVERYWHERE,
        READS
        | {"masterdata.view", "insight.refresh", "insight.thresholds", "desk.lend_all"}
        | {"customers.merge"},
    ),
    Role.TELLER: Rights(Reach.UNIT, ANYONE | {"customers.view", "customers.edit", "products.view"}),
    Role.SYSTEM_ADMINISTRATOR: Rights(
        Reach.NOTHING,
        ANYONE
        | {"organisation.administer", "masterdata.view", "masterdata.load", "system.operate"},
    ),
    Role.SECURITY_ADMINISTRATOR: Rights(Reach.NOTHING, ANYONE | {"access.administer"}),
    Role.AUDITOR: Rights(Reach.NOTHING, ANYONE | {"access.read_audit"}),
}

# What a program may be let do in a person's name: no identifier in clear, no file, no right.
FOR_PROGRAMS = (
    "customers.view",
    "customers.edit",
    "customers.consent",
    "customers.assign",
    "products.view",
)

PERMISSIONS: Mapping[str, str | Promise] = {
    "account.use": _("use one's own account"),
    "desk.lend_unit": _("show one's views of lists to one's unit"),
    "desk.lend_all": _("show one's views of lists to everyone"),
    "organisation.view": _("see units and people"),
    "customers.view": _("see customers"),
    "customers.edit": _("correct customers and write on their timeline"),
    "customers.reveal": _("see an identifier in clear, for a purpose, on record"),
    "customers.consent": _("record consent"),
    "customers.assign": _("say who looks after whom"),
    "customers.merge": _("join two customers that are one, and part them again"),
    "customers.export": _("take lists of customers out"),
    "products.view": _("see products and agreements"),
    "insight.view": _("see values, scores and charts"),
    "insight.refresh": _("bring scores and lists up to date"),
    "insight.thresholds": _("change thresholds"),
    "insight.targets": _("set targets for one's people"),
    "activities.view": _("see work lists"),
    "activities.work": _("work them off"),
    "activities.hand_over": _("hand open lines over within the team"),
    "masterdata.view": _("see loads and their rejects"),
    "masterdata.load": _("load source files"),
    "organisation.administer": _("open units, seat people, give logins"),
    "system.operate": _("operate the system"),
    "access.administer": _("administer access"),
    "access.read_audit": _("read the audit trail"),
}
permission_names.update(PERMISSIONS)
"""Every permission in the reader's words."""
