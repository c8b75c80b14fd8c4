"""The one search box: name, pinyin, initials, company fragment, last four, and whole numbers (R-001).

Every step asks inside the actor's scope, so neither hits nor their order tell of rows outside it. Each step
is cut off at `CANDIDATES` rows before anything is sorted, and the next one starts only while hits are
missing. Within one kind of match the higher balance comes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from zhike.customers import identifiers, names
from zhike.customers.models import ContactPoint, Identifier, Party
from zhike.kernel import crypto
from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry

CANDIDATES = 2000
TAIL = re.compile(r"[0-9]{3}[0-9X]")
NUMBER = re.compile(r"[0-9A-Z._@+]{5,64}")


class Match(IntEnum):
    """How a customer was found, the surest first."""

    NUMBER = 1
    TAIL = 2
    NAME = 3
    NAME_START = 4
    NAME_PART = 5


@dataclass(frozen=True)
class Hit:
    party: Party
    match: Match


@dataclass(frozen=True)
class NumberSearcher:
    """A room above lets the box find customers by numbers it keeps (accounts, cards).

    `exact(text)` and `tail(last_four)` answer ids of parties; they need no scope, they are narrowed here.
    """

    id: str
    exact: Callable[[str], QuerySet[Any, int]]
    tail: Callable[[str], QuerySet[Any, int]]


number_searchers: Registry[NumberSearcher] = Registry("customers.number_searchers")


class Candidate(NamedTuple):
    """What the ranking needs of a row."""

    id: int
    name: str
    name_key: str
    balance: Decimal

    @property
    def reading(self) -> str:
        """The pinyin of the name without blanks."""
        return self.name_key.removesuffix(self.name).replace(" ", "")


Candidates = dict[int, Candidate]
Judge = Callable[[Candidate], Match | None]


def search(actor: Actor, text: str, limit: int = 50) -> list[Hit]:
    """At most `limit` customers in the actor's scope that `text` finds, best first.

    Order: a whole number, the last four digits, the whole name, its beginning, a part of it; then by
    balance, then by age of the record.
    """
    found: dict[int, Match] = {}
    for stage in _stages(actor, text):
        for party_id, match in stage:
            found.setdefault(party_id, match)
        if len(found) >= limit:
            break
    chosen = list(found.items())[:limit]
    parties: dict[int, Party] = (
        Party.objects.visible_to(actor)
        .select_related("unit", "standing__tier")
        .in_bulk([party_id for party_id, _match in chosen])
    )
    return [Hit(parties[party_id], match) for party_id, match in chosen if party_id in parties]


def _stages(actor: Actor, text: str) -> Iterator[list[tuple[int, Match]]]:
    plain = identifiers.plain(text).upper()
    if NUMBER.fullmatch(plain):
        yield _ranked((_by_number(actor, text), lambda row: Match.NUMBER))
    if TAIL.fullmatch(plain):
        yield _ranked((_by_tail(actor, plain), lambda row: Match.TAIL))
    folded = names.folded(text)
    if len(folded) < 2:
        return
    if folded.isascii() and folded.isalpha():
        *readings, letters = names.query_tokens(folded)
        yield _ranked(
            (_holding(actor, letters), _in_name(folded)),
            *((_holding(actor, tokens), _read_as(folded)) for tokens in readings),
        )
    else:
        yield _ranked((_by_name_start(actor, folded), _in_name(folded)))
        yield _ranked((_holding(actor, names.bigrams(folded)), _in_name(folded)))


def _ranked(*judged: tuple[Candidates, Judge]) -> list[tuple[int, Match]]:
    """Rows that fit, each by its best match; better matches first, then by balance."""
    best: dict[int, tuple[Match, Decimal, int]] = {}
    for rows, judge in judged:
        for id, row in rows.items():
            match = judge(row)
            if match is not None and (id not in best or match < best[id][0]):
                best[id] = (match, -row.balance, id)
    return [(id, match) for match, _balance, id in sorted(best.values())]


def _in_name(text: str) -> Judge:
    def judge(row: Candidate) -> Match | None:
        # The bigrams may all be there in another order; the folded name decides.
        name = names.folded(row.name)
        if name == text:
            return Match.NAME
        if name.startswith(text):
            return Match.NAME_START
        return Match.NAME_PART if text in name else None

    return judge


def _read_as(text: str) -> Judge:
    """For rows found by pinyin or initials: both grow from the front, so a match is a beginning at least."""

    def judge(row: Candidate) -> Match:
        whole = row.reading == text or len(names.folded(row.name)) == len(text)
        return Match.NAME if whole else Match.NAME_START

    return judge


def _by_number(actor: Actor, text: str) -> Candidates:
    """Whole identifiers, telephone numbers, e-mail and accounts, through their blind indexes."""
    of_documents = Identifier.objects.filter(
        kind__in=Identifier.Kind.values, blind__in=_blinds(text, Identifier.Kind.values)
    )
    of_contacts = ContactPoint.objects.filter(blind__in=_blinds(text, ContactPoint.Kind.values))
    return _owners(
        actor,
        of_documents.values_list("party_id", flat=True),
        of_contacts.values_list("party_id", flat=True),
        *(searcher.exact(text) for searcher in number_searchers),
    )


def _by_tail(actor: Actor, last_four: str) -> Candidates:
    kinds = (*Identifier.Kind, ContactPoint.Kind.MOBILE, ContactPoint.Kind.PHONE)
    tails = [crypto.tail_index(kind, last_four) for kind in kinds]
    return _owners(
        actor,
        Identifier.objects.filter(tail__in=tails).values_list("party_id", flat=True),
        ContactPoint.objects.filter(tail__in=tails).values_list("party_id", flat=True),
        *(searcher.tail(last_four) for searcher in number_searchers),
    )


def _blinds(text: str, kinds: Iterable[str]) -> list[bytes]:
    """The blind index of `text` read as each kind it can be."""
    blinds = []
    for kind in kinds:
        try:
            blinds.append(crypto.blind_index(kind, identifiers.NORMAL_FORMS[kind](text)))
        except identifiers.Implausible:
            continue
    return blinds


def _owners(actor: Actor, *sources: QuerySet[Any, int]) -> Candidates:
    """The visible parties among the ids the sources answer."""
    visible = Party.objects.visible_to(actor)
    found: Candidates = {}
    for source in sources:
        found |= _candidates(visible.filter(pk__in=source))
    return found


def _by_name_start(actor: Actor, text: str) -> Candidates:
    """Names that begin with `text`, as far as their pinyin tells."""
    found: Candidates = {}
    for person in (True, False):
        tokens = names.search_tokens(text, person=person)
        readings = [token for token in tokens if token.startswith("p:")]
        if readings:
            found |= _holding(actor, {max(readings, key=len), *names.bigrams(text)})
    if len(found) >= CANDIDATES:
        # More begin so than are looked at; those called exactly so must be among them.
        for person in (True, False):
            key = names.sort_key(text, person=person)
            called_so = Party.objects.visible_to(actor).filter(
                name_key__gte=key, name_key__lt=f"{key}\uffff"
            )
            found |= _candidates(called_so)
    return found


def _holding(actor: Actor, tokens: Iterable[str]) -> Candidates:
    return _candidates(
        Party.objects.visible_to(actor).filter(search_tokens__contains=sorted(tokens))
    )


def _candidates(rows: QuerySet[Party]) -> Candidates:
    """At most `CANDIDATES` of the rows, whichever come.

    MATERIALIZED is a fence: without it the planner walks the index of the balance and looks for a rare
    name along it.
    """
    wanted = rows.order_by().values_list("pk", "name", "name_key")[:CANDIDATES]
    try:
        sql, params = wanted.query.sql_with_params()
    except EmptyResultSet:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found (id, name, name_key) AS MATERIALIZED ({sql}) "  # noqa: S608  Django wrote it
            "SELECT f.id, f.name, f.name_key, COALESCE(s.balance, 0) "
            "FROM found f LEFT JOIN customers_standing s ON s.party_id = f.id",
            params,
        )
        return {row[0]: Candidate(*row) for row in cursor.fetchall()}
