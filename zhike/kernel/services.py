"""How every write is done: permitted, atomic, audited, and still visible to the one who wrote it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from zhike.kernel import audit, wall
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Conflict, Refused

P = ParamSpec("P")
R = TypeVar("R")


def service(permission: str, *, proof: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A use case: keyword-only with `actor` first, one transaction, refused without the permission.

    It stands before the second wall, not behind it: what it may touch it asks the scope (`must_see`), as far as the
    actor holds this permission.

    With `proof`, whoever acts in a session must have proved lately that it is them, else ProofWanted.
    """

    def wrap(use_case: Callable[P, R]) -> Callable[P, R]:
        @wraps(use_case)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = kwargs["actor"]
            assert isinstance(actor, Actor)
            actor.must(permission)
            if proof:
                actor.must_have_proved()
            kwargs["actor"] = actor.within(permission)
            with wall.lowered(), transaction.atomic():
                return use_case(*args, **kwargs)

        run.permission = permission  # type: ignore[attr-defined]
        return run

    return wrap


def must_see(actor: Actor, row: models.Model) -> None:
    """Read the row back through the actor's scope; refuse (and so roll back) when it is not there."""
    manager: Any = type(row)._default_manager
    if not manager.visible_to(actor).filter(pk=row.pk).exists():
        raise Refused(
            _("This row is outside what you look after, or the change would move it there."),
            action=f"{row._meta.label_lower}.scope",
        )


def must_be_another(
    actor: Actor, action: str, *, user: int | None = None, employee: int | None = None
) -> None:
    """Nobody answers their own request: the one rule of everything that a second person agrees to.

    `user` or `employee` is the key of whoever asks, or for whom it is asked; None where it was the system.
    """
    if (user is not None and user == actor.user_id) or (
        employee is not None and employee == actor.employee_id
    ):
        raise Refused(
            _("Nobody answers their own request."),
            action=action,
            way_out=_("Somebody else who may does it."),
        )


def change(
    actor: Actor,
    row: models.Model,
    changes: Mapping[str, Any],
    *,
    action: str,
    version: int | None = None,
    originals: Mapping[str, Any] | None = None,
    reason: str = "",
    party_id: int | None = None,
) -> dict[str, tuple[Any, Any]]:
    """Write `changes` to one row, audited; answers field → (before, after) of what really changed.

    `version` and `originals` are what the person saw when the form opened. Fields that somebody else changed
    meanwhile and the person changed too raise Conflict; changes to different fields are joined.
    """
    must_see(actor, row)
    manager: Any = type(row)._default_manager
    current = manager.select_for_update().get(pk=row.pk)
    seen = originals or {}
    stale = version is not None and version != current.version
    clashes: dict[str, tuple[Any, Any, Any]] = {}
    done: dict[str, tuple[Any, Any]] = {}
    for name, mine in changes.items():
        theirs = getattr(current, name)
        if theirs == mine:
            continue
        if stale and name in seen:
            if seen[name] == mine:
                continue
            if seen[name] != theirs:
                clashes[name] = (seen[name], mine, theirs)
                continue
        elif stale:
            clashes[name] = (None, mine, theirs)
            continue
        done[name] = (theirs, mine)
    if clashes:
        raise Conflict(_("Somebody changed the same fields while you were editing."), clashes)
    if done:
        for name, (_before, after) in done.items():
            setattr(row, name, after)
        manager.filter(pk=row.pk).update(
            **{name: after for name, (_before, after) in done.items()},
            version=current.version + 1,
            changed_at=Now(),
        )
        row.version = current.version + 1  # type: ignore[attr-defined]
        must_see(actor, row)
        audit.record(actor, action, row, changes=done, reason=reason, party_id=party_id)
    return done
