"""Saved views: a list as somebody left it, for themselves or lent to others."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.db import IntegrityError, transaction
from django.http import Http404, QueryDict
from django.utils.translation import gettext as _

from zhike.desk.models import Arrangement, SavedView
from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import service
from zhike.organisation.models import Employee
from zhike.ui.lists.kept import state_of

LENDING = {
    SavedView.Sharing.TEAM: "desk.lend_unit",
    SavedView.Sharing.EVERYONE: "desk.lend_all",
}
"""Which right it takes to show a view to others."""

LONGEST = 4000
UNDO_SECONDS = 3600
_SALT = "zhike.desk.views"


@service("account.use")
def save_view(
    *, actor: Actor, page: str, name: str, query: str, sharing: str = SavedView.Sharing.PRIVATE
) -> SavedView:
    """Keep the list of `page` as the address `query` shows it, under a name of one's own.

    Raises UserError for a name one has given already or none at all, Refused for lending without the right to.
    """
    view = SavedView(user_id=_me(actor), page=page, query=_state(query))
    _name(view, name)
    _lend(actor, view, sharing)
    _write(view)
    audit.record(actor, "desk.view.save", view, changes={"sharing": (None, view.sharing)})
    return view


@service("account.use")
def keep_state(*, actor: Actor, public_id: UUID, query: str) -> SavedView:
    """The view shows from now on what `query` says. Raises Http404 for another's view."""
    view = _own(actor, public_id)
    view.query = _state(query)
    _write(view)
    audit.record(actor, "desk.view.change", view)
    return view


@service("account.use")
def set_view(*, actor: Actor, public_id: UUID, name: str, sharing: str) -> SavedView:
    """Rename a view of one's own, or show it to others. Raises as `save_view`."""
    view = _own(actor, public_id)
    before = view.sharing
    _name(view, name)
    if sharing != before:
        _lend(actor, view, sharing)
    _write(view)
    audit.record(actor, "desk.view.change", view, changes={"sharing": (before, view.sharing)})
    return view


@service("account.use")
def place_view(*, actor: Actor, public_id: UUID, pinned: bool, default: bool) -> Arrangement:
    """Pin a view one may see as a tab, and let the list open with it, or neither any more.

    Only its owner sees it, so it leaves nothing on the trail.
    """
    view = SavedView.objects.visible_to(actor).filter(public_id=public_id).first()
    if view is None:
        raise Http404
    kept, _new = Arrangement.objects.get_or_create(user_id=_me(actor), page=view.page)
    others = [each for each in kept.pinned if each != str(view.public_id)]
    kept.pinned = [*others, str(view.public_id)] if pinned else others
    if default:
        kept.view = view
    elif kept.view_id == view.pk:
        kept.view = None
    kept.save(update_fields=["pinned", "view"])
    return kept


@service("account.use")
def delete_view(*, actor: Actor, public_id: UUID) -> str:
    """Take a view of one's own away; answers what brings it back within the hour."""
    view = _own(actor, public_id)
    audit.record(actor, "desk.view.delete", view, changes={"sharing": (view.sharing, None)})
    undo = signing.dumps(
        [view.user_id, str(view.public_id), view.page, view.name, view.query, view.sharing],
        salt=_SALT,
        compress=True,
    )
    view.delete()
    return undo


@service("account.use")
def restore_view(*, actor: Actor, undo: str) -> SavedView:
    """The view that `delete_view` took away is there again, under its own address."""
    try:
        kept = signing.loads(undo, salt=_SALT, max_age=UNDO_SECONDS)
    except signing.BadSignature as error:
        raise UserError(_("This cannot be undone any more."), _("Save the list anew.")) from error
    user_id, public_id, page, name, query, sharing = kept
    if user_id != actor.user_id:
        raise Http404
    view = SavedView(user_id=user_id, public_id=public_id, page=page, query=query)
    _name(view, name)
    _lend(actor, view, sharing)
    _write(view)
    audit.record(actor, "desk.view.save", view, changes={"sharing": (None, view.sharing)})
    return view


def _me(actor: Actor) -> int:
    assert actor.user_id is not None, "only a person keeps views"
    return actor.user_id


def _own(actor: Actor, public_id: UUID) -> SavedView:
    mine = SavedView.objects.filter(user=actor.user_id).select_for_update()
    view = mine.filter(public_id=public_id).first()
    if view is None:
        raise Http404
    return view


def _state(query: str) -> str:
    state = state_of(QueryDict(query))
    if len(state) > LONGEST:
        raise UserError(
            _("This list asks for too much to be kept."), _("Take some of its conditions away.")
        )
    return state


def _name(view: SavedView, name: str) -> None:
    view.name = name.strip()[:60]
    if not view.name:
        raise UserError(_("The view has no name."), _("Give it a name of your own."))


def _lend(actor: Actor, view: SavedView, sharing: str) -> None:
    view.sharing = SavedView.Sharing(sharing) if sharing in SavedView.Sharing.values else "private"
    view.unit_id = None
    if view.sharing in LENDING:
        actor.must(LENDING[SavedView.Sharing(view.sharing)])
    if view.sharing == SavedView.Sharing.TEAM:
        view.unit_id = Employee.objects.values_list("unit", flat=True).get(user=_me(actor))


def _write(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        raise UserError(
            _("You have a view of this name already."), _("Give it another name.")
        ) from error
