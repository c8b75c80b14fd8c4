"""What a room above says beside a form while somebody fills it in (is this customer there already?)."""

from __future__ import annotations

from dataclasses import dataclass

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry


@dataclass(frozen=True)
class Hint:
    """`url_name` is posted the form each time a field changed and answers what to show; `page` is the form's."""

    id: str
    page: str
    url_name: str
    permission: str


hints: Registry[Hint] = Registry("ui.hints")


def hint_for(page: str, actor: Actor) -> Hint | None:
    """The first hint of the page that the actor may see."""
    return next((each for each in hints if each.page == page and actor.may(each.permission)), None)
