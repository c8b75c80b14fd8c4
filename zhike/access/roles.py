"""What each role may do, and how far its sight reaches. The one table of rights.

A permission is "<room>.<action>". Reach says which customers a role sees: those of the holder alone, those of
the unit, those of the unit and all below it, or everyone's. Own and assisted customers are always seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
    Role.TEAM_LEAD: Rights(Reach.UNIT, WORKS | {"customers.assign"}),
    Role.BRANCH_HEAD: Rights(
        Reach.UNIT_AND_BELOW, WORKS | {"customers.assign", "masterdata.view"}
    ),
    Role.ANALYST: Rights(
        Reach.EVERYWHERE,
        READS | {"masterdata.view", "insight.refresh", "insight.thresholds"},
    ),
    Role.TELLER: Rights(
        Reach.UNIT, ANYONE | {"customers.view", "customers.edit", "products.view"}
    ),
    Role.SYSTEM_ADMINISTRATOR: Rights(
        Reach.NOTHING,
        ANYONE | {"organisation.administer", "masterdata.view", "masterdata.load", "system.operate"},
    ),
    Role.SECURITY_ADMINISTRATOR: Rights(Reach.NOTHING, ANYONE | {"access.administer"}),
    Role.AUDITOR: Rights(Reach.NOTHING, ANYONE | {"access.read_audit"}),
}
