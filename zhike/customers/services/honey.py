"""Customers who were invented so that whoever goes through what is not theirs comes upon one.

They look like somebody who opened an account once and never came back: in a unit, without a manager, without a source
that would name them, and so on nobody's list of the day. Their numbers cannot be anybody's: no operator has the prefix.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from zhike.access.models import HoneyRow
from zhike.customers.models import Party
from zhike.customers.services.parties import create_party
from zhike.customers.services.sealed import add_contact_point
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.services import service
from zhike.organisation.models import Unit

FAMILIES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚桂英华玉萍红鹏辉玲建国春梅"
DAYS = 365


@service("access.administer")
def plant_honey(*, actor: Actor, unit: Unit, count: int) -> int:
    """As many invented customers in a unit; answers how many. Who they are stands nowhere that a person reads."""
    maker = system("import")  # as those whom a file brought
    for _number in range(count):
        name = secrets.choice(FAMILIES) + "".join(secrets.choice(GIVEN) for _ in range(2))
        born = clock.today() - timedelta(days=25 * DAYS + secrets.randbelow(40 * DAYS))
        party = create_party(
            actor=maker,
            kind=Party.Kind.PERSON,
            type=Party.Type.INDIVIDUAL,
            name=name,
            unit=unit,
            fields={
                "birth_on": born,
                "since_on": clock.today() - timedelta(days=DAYS + secrets.randbelow(9 * DAYS)),
            },
        )
        number = f"154{secrets.randbelow(10**8):08}"
        add_contact_point(actor=maker, party=party, kind="mobile", value=number)
        HoneyRow.objects.create(key=party.pk)
    audit.record(actor, "honey.plant", unit, reason=str(count))
    return count
