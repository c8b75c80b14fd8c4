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
    "privacy.view",
    "privacy.request",
    "privacy.answer",
}

RIGHTS: dict[str, Rights] = {
    Role.CUSTOMER_MANAGER: Rights(Reach.OWN, WORKS),
    Role.TEAM_LEAD: Rights(
        Reach.UNIT,
        WORKS
        | {"customers.assign", "activities.hand_over", "insight.targets", "desk.lend_unit"}
        | {"desk.approve_files", "desk.approve_runs", "access.release_pace"},
    ),
    Role.BRANCH_HEAD: Rights(
        Reach.UNIT_AND_BELOW,
        WORKS
        | {"customers.assign", "activities.hand_over", "masterdata.view", "insight.targets"}
        | {"customers.merge"}
        | {"desk.lend_unit", "desk.lend_all", "desk.approve_files", "desk.approve_runs"}
        | {"access.release_pace"},
    ),
    Role.ANALYST: Rights(
        Reach.EVERYWHERE,
        READS
        | {"masterdata.view", "insight.refresh", "insight.thresholds", "desk.lend_all"}
        | {"customers.merge"},
    ),
    Role.TELLER: Rights(
        Reach.UNIT,
        ANYONE
        | {"customers.view", "customers.edit", "products.view"}
        | {"privacy.view", "privacy.request"},
    ),
    Role.SYSTEM_ADMINISTRATOR: Rights(
        Reach.NOTHING,
        ANYONE
        | {"organisation.administer", "masterdata.view", "masterdata.load", "system.operate"},
    ),
    Role.SECURITY_ADMINISTRATOR: Rights(
        Reach.NOTHING,
        ANYONE
        | {
            "access.administer",
            "access.release_pace",
            "desk.approve_files",
            "desk.approve_runs",
            "privacy.view",
            "privacy.decide",
            "privacy.register",
        },
    ),
    Role.AUDITOR: Rights(Reach.NOTHING, ANYONE | {"access.read_audit", "privacy.register"}),
}

APPROVES_EVERYWHERE = frozenset({Role.SECURITY_ADMINISTRATOR, Role.AUDITOR})
"""Roles without units of their own whose word counts for every unit."""

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
    "desk.approve_files": _("agree to files that others ask for"),
    "desk.approve_runs": _("agree to bulk jobs that others ask for"),
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
    "privacy.view": _("see requests of people about their own data"),
    "privacy.request": _("take requests of customers about their own data"),
    "privacy.answer": _("check corrections, hand over what is held about somebody"),
    "privacy.decide": _("decide on requests about one's data, see what a law makes us keep"),
    "privacy.register": _("see what is held, why and how long, and who outside received it"),
    "access.administer": _("administer access"),
    "access.release_pace": _("let people see more than the limit of the day"),
    "access.read_audit": _("read the audit trail"),
}
permission_names.update(PERMISSIONS)
"""Every permission in the reader's words."""
