"""Relations of a customer, read from its side; a group of a thousand firms is read a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext as _

from zhike.customers.models import Party, Relation, Standing
from zhike.kernel import clock, wall
from zhike.kernel.actor import Actor

PAGE = 50
"""Relations the table shows at once."""
IMPORTANT = (
    Relation.Kind.OWNER,
    Relation.Kind.GROUP,
    Relation.Kind.DECISION_MAKER,
    Relation.Kind.EMPLOYER,
    Relation.Kind.FAMILY,
    Relation.Kind.GUARANTOR,
    Relation.Kind.AUTHORISED_USER,
)
"""Kinds by how much they say of a customer, the most first."""


@dataclass(frozen=True)
class RelationLine:
    """A relation read from one side. `other` is None when the other side is outside the actor's scope."""

    relation: Relation
    other: Party | None
    label: str
    since: date | None
    until: date | None
    current: bool


@dataclass(frozen=True)
class RelationPage:
    """Lines from `start` on of the `count` that were looked for; `after` begins the next page, None for the last."""

    lines: list[RelationLine]
    count: int
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.lines)

    @property
    def before(self) -> int | None:
        return max(0, self.start - PAGE) if self.start else None

    @property
    def after(self) -> int | None:
        return self.end if self.end < self.count else None


@dataclass(frozen=True)
class _Tie:
    """The bones of a relation: enough to sort thousands before any is read whole."""

    pk: int
    other: int
    kind: str
    since: date | None
    current: bool


class Relations:
    """Every relation of a party in both directions, on a day: those in force first, then by when they began.

    Two queries find the bones and who of them the actor sees; lines are read whole a page at a time.
    """

    def __init__(self, actor: Actor, party: Party, day: date | None = None) -> None:
        self.actor, self.party = actor, party
        self.today = day or clock.today()
        rows = Relation.objects.filter(Q(party=party) | Q(other=party))
        with wall.lowered():  # that there is somebody out of sight is no secret, only who
            bones = list(rows.values_list("pk", "party_id", "other_id", "kind", "during"))
        ties = [
            _Tie(
                pk,
                right if left == party.pk else left,
                kind,
                during.lower,
                _holds(during.lower, during.upper, self.today),
            )
            for pk, left, right, kind, during in bones
            if day is None or during.lower is None or during.lower <= day
        ]
        self.ties = sorted(ties, key=lambda tie: (not tie.current, tie.since or date.min, tie.pk))
        seen = Party.objects.visible_to(actor).filter(pk__in={tie.other for tie in ties})
        self.visible = set(seen.values_list("pk", flat=True))

    @property
    def current(self) -> list[_Tie]:
        return [tie for tie in self.ties if tie.current]

    @property
    def others(self) -> set[int]:
        """The keys of everybody in sight who is tied to the party today."""
        return {tie.other for tie in self.current} & self.visible

    def page(self, text: str = "", start: int = 0) -> RelationPage:
        """One page, of all or of those whose other side in sight is called like `text`."""
        ties: Sequence[_Tie] = self.ties
        if text:
            named = Party.objects.visible_to(self.actor).filter(
                Q(name__icontains=text) | Q(name_key__startswith=text.lower()),
                pk__in={tie.other for tie in ties},
            )
            found = set(named.values_list("pk", flat=True))
            ties = [tie for tie in ties if tie.other in found]
        start = min(max(0, start), max(0, len(ties) - 1))
        return RelationPage(self.lines(ties[start : start + PAGE]), len(ties), start)

    def nearest(self, number: int) -> list[RelationLine]:
        """Of those in force the most important: in sight, by kind, by how much the customer has with us."""
        ties = self.current
        if len(ties) > number:
            weight = {}
            if self.actor.may("insight.view"):
                standings = Standing.objects.filter(party__in=self.others)
                weight = dict(standings.values_list("party_id", "balance"))
            ties.sort(
                key=lambda tie: (
                    tie.other not in self.visible,
                    IMPORTANT.index(Relation.Kind(tie.kind)),
                    -(weight.get(tie.other) or 0),
                )
            )
        return self.lines(ties[:number])

    def lines(self, ties: Iterable[_Tie]) -> list[RelationLine]:
        """These relations read whole, in their order."""
        ties = list(ties)
        with wall.lowered():
            rows = Relation.objects.select_related("party", "other").in_bulk(
                [tie.pk for tie in ties]
            )
        found = []
        for tie in ties:
            row = rows[tie.pk]
            forth = row.party_id == self.party.pk
            other = row.other if forth else row.party
            found.append(
                RelationLine(
                    relation=row,
                    other=other if other.pk in self.visible else None,
                    label=_relation_label(row.kind, forth=forth),
                    since=row.during.lower,
                    until=row.during.upper,
                    current=tie.current,
                )
            )
        return found


def _holds(since: date | None, until: date | None, day: date) -> bool:
    return (since is None or since <= day) and (until is None or day < until)


def relations_of(actor: Actor, party: Party, day: date | None = None) -> list[RelationLine]:
    """Both directions, those in force first, then by when they began; on a past `day` those begun by then."""
    found = Relations(actor, party, day)
    return found.lines(found.ties)


BEYOND = (
    Relation.Kind.OWNER,
    Relation.Kind.FAMILY,
    Relation.Kind.EMPLOYER,
    Relation.Kind.GROUP,
    Relation.Kind.DECISION_MAKER,
)


def relations_beyond(
    actor: Actor, near: Collection[int], seen: Collection[int], day: date | None = None
) -> list[tuple[int, RelationLine]]:
    """Whom the parties `near` (keys) are tied to on a day, apart from those `seen`: (key of the near one, line)."""
    if not near:
        return []
    today = day or clock.today()
    ties = Relation.objects.filter(
        Q(party__in=near) | Q(other__in=near), kind__in=BEYOND, during__contains=today
    )
    with wall.lowered():
        rows = list(ties.select_related("party", "other").order_by("kind", "pk")[:400])
    ids = {row.party_id for row in rows} | {row.other_id for row in rows}
    visible = set(Party.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", flat=True))
    lines = []
    for row in rows:
        forth = row.party_id in near
        here, other = (row.party_id, row.other) if forth else (row.other_id, row.party)
        if other.pk in seen:
            continue
        label = _relation_label(row.kind, forth=forth)
        shown = other if other.pk in visible else None
        since, until = row.during.lower, row.during.upper
        lines.append((here, RelationLine(row, shown, label, since, until, current=True)))
    return lines


def _relation_label(kind: str, *, forth: bool) -> str:
    """What the other side is to this one: `forth` when this party is the `kind` of the other."""
    forth_labels = {
        Relation.Kind.OWNER: _("owns"),
        Relation.Kind.AUTHORISED_USER: _("may use the accounts of"),
        Relation.Kind.GUARANTOR: _("guarantees for"),
        Relation.Kind.FAMILY: _("family of"),
        Relation.Kind.EMPLOYER: _("employs"),
        Relation.Kind.GROUP: _("heads the group of"),
        Relation.Kind.DECISION_MAKER: _("decides for"),
    }
    back_labels = {
        Relation.Kind.OWNER: _("owned by"),
        Relation.Kind.AUTHORISED_USER: _("accounts may be used by"),
        Relation.Kind.GUARANTOR: _("guaranteed by"),
        Relation.Kind.FAMILY: _("family of"),
        Relation.Kind.EMPLOYER: _("employed by"),
        Relation.Kind.GROUP: _("belongs to the group of"),
        Relation.Kind.DECISION_MAKER: _("decisions made by"),
    }
    return (forth_labels if forth else back_labels)[Relation.Kind(kind)]
