"""Who acts: a person signed in, an integration, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhike.kernel.errors import ProofWanted, Refused
from zhike.kernel.wording import listed

# What a permission, and a way by which somebody acts, is called in the reader's words; who hands them out fills them.
permission_names: dict[str, Promise | str] = {}
origin_names: dict[str, Promise | str] = {}


@dataclass(frozen=True)
class Decision:
    """An answer with its reason; true when allowed."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Seat:
    """One thing that gives an actor rights: a position, or, beside it (`given`), the lead of a team or a grant.

    `permissions` hold for the customers of `units`, for those whom `people` look after, or for everybody's
    (`everywhere`). What ends by itself has a last day (`until`).
    """

    title: str | Promise
    permissions: frozenset[str]
    units: frozenset[int] = frozenset()
    people: frozenset[int] = frozenset()
    everywhere: bool = False
    until: date | None = None
    reason: str = ""
    given: bool = False


@dataclass(frozen=True)
class Actor:
    """A principal with everything a scope needs, worked out once for a request.

    `units` are the ids of the units whose customers the actor may see, already expanded down the tree, `people`
    those of the employees of a team the actor leads; `everywhere` means the whole institution. `seats` say which
    right is held for which of these. `origin` says where the action came from (address, command, job).
    `proof_due` means a session in which the person last proved too long ago that it is them; a command or a job
    has nobody to ask.
    """

    user_id: int | None
    employee_id: int | None
    name: str
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    units: frozenset[int] = frozenset()
    everywhere: bool = False
    system: bool = False
    origin: str = ""
    people: frozenset[int] = frozenset()
    titles: tuple[str, ...] = field(default=(), compare=False)
    seats: tuple[Seat, ...] = field(default=(), compare=False)
    proof_due: bool = field(default=False, compare=False)

    def may(self, permission: str) -> Decision:
        if self.system:
            return Decision(True, "the system itself")
        if permission in self.permissions:
            return Decision(True, f"a role of {self.name} grants {permission}")
        if not self.roles:
            return Decision(False, _("You hold no position today. Ask the security administrator."))
        return Decision(
            False,
            _("None of your roles grants “%(permission)s”. Ask the security administrator.")
            % {"permission": permission_names.get(permission, permission)},
        )

    def must(self, permission: str) -> None:
        """Raise `Refused` with the reason unless the actor may."""
        decision = self.may(permission)
        if not decision:
            raise Refused(decision.reason, action=permission)

    def within(self, permission: str) -> Actor:
        """The actor as far as this right reaches: a head here who is a teller there hands nobody over there."""
        if all(permission in seat.permissions for seat in self.seats):
            return self
        seats = [seat for seat in self.seats if permission in seat.permissions]
        return replace(
            self,
            units=self.units & frozenset[int]().union(*(seat.units for seat in seats)),
            people=self.people & frozenset[int]().union(*(seat.people for seat in seats)),
            everywhere=self.everywhere and any(seat.everywhere for seat in seats),
        )

    def must_have_proved(self) -> None:
        """Raise `ProofWanted` when the person must prove anew that it is them."""
        if self.proof_due:
            raise ProofWanted


SYSTEM = "system"
"""Under which name the system acts; pages say it in the reader's language."""


def system(origin: str) -> Actor:
    """The system acting by itself (a load, a nightly job); `origin` names the command or job."""
    return Actor(
        user_id=None, employee_id=None, name=SYSTEM, everywhere=True, system=True, origin=origin
    )


NOBODY = Actor(user_id=None, employee_id=None, name="anonymous")


def permissions_in_words(codes: str) -> str:
    """Rights that stand as codes, one or several with commas between, as the reader calls them; other text as it is."""
    parts = codes.split(", ")
    if not all(part in permission_names for part in parts):
        return codes
    return listed(permission_names[part] for part in parts)


def origin_in_words(origin: str) -> str:
    """Where an action came from, as the reader says it: the whole by its name, else its first word and what follows."""
    if origin in origin_names:
        return str(origin_names[origin])
    way, _space, rest = origin.partition(" ")
    return f"{origin_names[way]} {rest}" if way in origin_names else origin
