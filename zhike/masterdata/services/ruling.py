"""By which criteria words survive: the rules of the fields, what another rule would change, and the change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection
from django.utils.translation import gettext as _

from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import service
from zhike.masterdata.models import SurvivorRule
from zhike.masterdata.services.surviving import NEVER_EMPTY, WORDS, pins_of, survive, words
from zhike.masterdata.survivorship import USUAL, Criterion, survivors

CHUNK = 5_000


def order_of(field: str) -> tuple[Criterion, ...]:
    """The criteria of a field in their order: its own rule, else the usual one."""
    rule = SurvivorRule.objects.filter(field=field).first()
    return tuple(Criterion(name) for name in rule.criteria) if rule else USUAL


def would_change(*, actor: Actor, field: str, criteria: Sequence[Criterion]) -> list[int]:
    """The customers in whom another word would stand in `field` under these criteria."""
    _must_rule(actor, field)
    now, then = {field: order_of(field)}, {field: tuple(criteria)}
    changed = []
    for ids in _disputed(field):
        pins = pins_of(ids)
        for party, said in words(ids).items():
            mine = {field: said[field]}
            before, after = (
                survivors(mine, rules, pins[party], NEVER_EMPTY)[field].word.value
                for rules in (now, then)
            )
            if before != after:
                changed.append(party)
    return changed


@service("customers.merge")
def set_rule(*, actor: Actor, field: str, criteria: Sequence[Criterion]) -> int:
    """From now on these criteria decide, in this order; the usual order needs no rule of its own.

    Answers in how many customers another word stands. Refused to whoever does not see every customer.
    """
    changed = would_change(actor=actor, field=field, criteria=criteria)
    if tuple(criteria) == USUAL:
        SurvivorRule.objects.filter(field=field).delete()
    else:
        SurvivorRule.objects.update_or_create(field=field, defaults={"criteria": list(criteria)})
    audit.record(actor, "masterdata.rule", reason=f"{field}: {', '.join(criteria)}")
    for start in range(0, len(changed), CHUNK):
        survive(changed[start : start + CHUNK])
    return len(changed)


def _must_rule(actor: Actor, field: str) -> None:
    if not (actor.everywhere and actor.may("customers.merge")):
        raise Refused(
            _("Rules are for everybody's customers: who sees but some of them changes none."),
            action="masterdata.rule",
        )
    if field not in WORDS:
        raise UserError(_("Records say nothing of this field."), _("Choose another field."))


def _disputed(field: str) -> Iterator[list[int]]:
    """Customers whose records differ in their words for a field, some thousand at a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT party_id FROM masterdata_sourcerecord WHERE values ? %s "
            "GROUP BY party_id HAVING count(DISTINCT values -> %s) > 1 ORDER BY 1",
            [field, field],
        )
        ids = [id for (id,) in cursor.fetchall()]
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
