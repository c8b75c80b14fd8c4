"""Free text must not hide what has a sealed field of its own."""

from __future__ import annotations

from django.utils.translation import gettext as _

from zhike.customers import rules
from zhike.kernel.errors import UserError
from zhike.kernel.wording import listed


def must_hide_nothing(**texts: str) -> None:
    """Raise `UserError` when one of the texts holds an identity, card or mobile number; the number is not repeated."""
    found = set().union(*(rules.sealed_kinds_in(text) for text in texts.values() if text))
    if not found:
        return
    names = {
        "resident_id": _("an identity number"),
        "card": _("a card number"),
        "mobile": _("a mobile number"),
    }
    raise UserError(
        _("The text contains %(what)s.") % {"what": listed(names[kind] for kind in sorted(found))},
        _(
            "Write it into its own field (identifiers or contact points), where it is kept sealed, "
            "and take it out of the text."
        ),
    )
