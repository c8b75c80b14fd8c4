"""Writes to the tree of units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Value
from django.db.models.functions import Concat, Substr
from django.utils.translation import gettext as _

from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.services import change, service
from zhike.organisation import rules
from zhike.organisation.models import Unit
from zhike.organisation.services.codes import must_be_free


@service("organisation.administer")
def open_unit(
    *,
    actor: Actor,
    code: str,
    name: str,
    kind: str,
    parent: Unit | None = None,
    region: str = "",
    opened_on: date | None = None,
) -> Unit:
    """A new unit under `parent`, a root without one. Refused for a code in use."""
    must_be_free(Unit, code)
    # Locked, so that the parent is not moved between reading its path and standing below it.
    above = Unit.objects.select_for_update().get(pk=parent.pk) if parent else None
    unit = Unit.objects.create(
        code=code, name=name, kind=kind, parent=above, region=region, opened_on=opened_on
    )
    unit.path = rules.new_path(above.path if above else None, unit.pk)
    unit.save(update_fields=["path"])
    audit.record(actor, "organisation.unit.open", unit, changes={"name": (None, name)})
    return unit


@service("organisation.administer")
def change_unit(
    *,
    actor: Actor,
    unit: Unit,
    changes: Mapping[str, Any],
    version: int | None = None,
    originals: Mapping[str, Any] | None = None,
) -> Unit:
    """Correct a unit; a changed `parent` moves it with all below it. Raises Conflict.

    Refused when the move would close a circle.
    """
    parent = changes.get("parent")
    if "parent" in changes:
        # One move at a time: two that cross could hang each unit below the other.
        paths = dict(Unit.objects.select_for_update().values_list("pk", "path"))
        if parent is not None and paths[parent.pk].startswith(paths[unit.pk]):
            raise Refused(_("A unit cannot stand below itself."), action="organisation.unit.move")
    done = change(
        actor,
        unit,
        changes,
        action="organisation.unit.change",
        version=version,
        originals=originals,
    )
    if "parent" in done:
        old = paths[unit.pk]
        new = rules.new_path(paths[parent.pk] if parent else None, unit.pk)
        Unit.objects.filter(path__startswith=old).update(
            path=Concat(Value(new), Substr("path", len(old) + 1))
        )
    unit.refresh_from_db()
    return unit


@service("organisation.administer")
def move_unit(*, actor: Actor, unit: Unit, parent: Unit | None) -> Unit:
    """Put a unit, and all below it, under another parent, or make it a root."""
    return change_unit(actor=actor, unit=unit, changes={"parent": parent})
