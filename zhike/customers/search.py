"""The one search box: name, pinyin, initials, company fragment, last four, and whole numbers (R-001).

Every step asks inside the actor's scope, so neither hits nor their order tell of rows outside it. Each step
is cut off at `CANDIDATES` rows before anything is sorted, and the next one starts only while hits are
missing. Within one kind of match the higher balance comes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial, reduce
from math import ceil
from operator import or_
from typing import Any, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet, TextField, Value

from zhike.customers import identifiers, names
from zhike.customers.models import PLACED_TOKENS, ContactPoint, Identifier, Party
from zhike.kernel import clock, crypto
from zhike.kernel.actor import Actor
from zhike.kernel.asking import told_by
from zhike.kernel.prepared import kept_sql
from zhike.kernel.registry import Registry

CANDIDATES = 700
TAILS = 500  # of 10 M customers a thousand end alike, each on a page of its own
# How many more rows may be walked than would do were the word spread evenly over the balances: with 60 rows
# wanted 96 are expected, and fewer than 60 of them are rarer than one in a thousand.
MARGIN = 1.6
SPARE = 1.2  # candidates a hit: a few hold the tokens in another order
SHOWN = (
    *("public_id", "name", "kind", "type", "stage", "unit__code", "unit__name"),
    *("standing__balance", "standing__contribution", "standing__value_class"),
    *("standing__last_contact_on", "standing__tier__code", "standing__tier__name"),
)
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

    `exact(text)` and `tail(last_four)` answer rows that hang on a party; they need no scope of their own,
    for the parties are narrowed here.
    """

    id: str
    exact: Callable[[str], QuerySet[Any, Any]]
    tail: Callable[[str], QuerySet[Any, Any]]


number_searchers: Registry[NumberSearcher] = Registry("customers.number_searchers")


class Candidate(NamedTuple):
    """What the ranking needs of a row."""

    id: int
    name: str
    name_key: str


Judge = Callable[[Candidate], Match | None]


def search(actor: Actor, text: str, limit: int = 50) -> list[Hit]:
    """At most `limit` customers in the actor's scope that `text` finds, best first.

    Order: a whole number, the last four digits, the whole name, its beginning, a part of it; then by
    balance, then by age of the record.
    """
    found: dict[int, Match] = {}
    for stage in _stages(actor, text, limit):
        for party_id, match in stage:
            found.setdefault(party_id, match)
        if len(found) >= limit:
            break
    chosen = list(found.items())[:limit]
    if not chosen:
        return []
    ids = [party_id for party_id, _match in chosen]
    rows = Party.objects.visible_rows(actor, _shown, given={"ids": ids})
    parties = {party.pk: party for party in rows}
    return [Hit(parties[party_id], match) for party_id, match in chosen if party_id in parties]


def _shown(rows: QuerySet[Party], ids: list[int]) -> QuerySet[Party]:
    """Those of `ids`, with what a line of hits shows; the rest is fetched when somebody asks for it."""
    return told_by(rows, ids).select_related("unit", "standing__tier").only(*SHOWN)


def _stages(actor: Actor, text: str, limit: int) -> Iterator[list[tuple[int, Match]]]:
    plain = identifiers.plain(text).upper()
    if NUMBER.fullmatch(plain):
        yield _ranked(_by_number(actor, text), lambda row: Match.NUMBER)
    if TAIL.fullmatch(plain):
        yield _ranked(_by_tail(actor, plain), lambda row: Match.TAIL)
    folded = names.folded(text)
    if len(folded) < 2:
        return
    ways, judge = names.query_tokens(folded), _in_name(folded)
    if folded.isascii() and folded.isalpha():
        judge = _spelt(folded)
    else:
        yield _ranked(_by_name_start(actor, folded), judge)
    wealthiest = _ranked(_among_the_wealthiest(actor, ways, limit), judge)
    yield wealthiest if len(wealthiest) >= limit else _ranked(_holding(actor, *ways), judge)


def _ranked(rows: Iterable[Candidate], judge: Judge) -> list[tuple[int, Match]]:
    """Rows that fit, better matches first, in the order they came within a match."""
    kinds: dict[Match, list[int]] = {match: [] for match in Match}
    for row in rows:
        match = judge(row)
        if match is not None:
            kinds[match].append(row.id)
    return [(id, match) for match, ids in kinds.items() for id in ids]


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


def _spelt(text: str) -> Judge:
    """Latin letters are read as letters, as pinyin and as initials; the best reading counts.

    A Latin character is its own syllable, so a name in letters begins as its initials do.
    """
    as_letters = _in_name(text)

    def judge(row: Candidate) -> Match | None:
        read = row.name_key.removesuffix(row.name).split()
        initials = "".join(syllable[0] for syllable in read)
        if text in (initials, "".join(read)):
            return Match.NAME
        if initials.startswith(text) or text in {"".join(read[:count]) for count in range(1, 5)}:
            return Match.NAME_START
        return as_letters(row)

    return judge


def _by_number(actor: Actor, text: str) -> list[Candidate]:
    """Whole identifiers, telephone numbers, e-mail and accounts, through their blind indexes."""
    of_documents = Identifier.objects.filter(
        kind__in=Identifier.Kind.values, blind__in=blind_indexes(text, Identifier.Kind.values)
    )
    of_contacts = ContactPoint.objects.filter(
        blind__in=blind_indexes(text, ContactPoint.Kind.values)
    )
    accounts = (searcher.exact(text) for searcher in number_searchers)
    return _owners(actor, CANDIDATES, of_documents, of_contacts, *accounts)


def _by_tail(actor: Actor, last_four: str) -> list[Candidate]:
    kinds = (*Identifier.Kind, ContactPoint.Kind.MOBILE, ContactPoint.Kind.PHONE)
    tails = [crypto.tail_index(kind, last_four) for kind in kinds]
    return _owners(
        actor,
        TAILS,
        Identifier.objects.filter(tail__in=tails),
        ContactPoint.objects.filter(tail__in=tails),
        *(searcher.tail(last_four) for searcher in number_searchers),
    )


def blind_indexes(text: str, kinds: Iterable[str]) -> list[bytes]:
    """The blind index of `text` read as each kind it can be."""
    blinds = []
    for kind in kinds:
        try:
            blinds.append(crypto.blind_index(kind, identifiers.NORMAL_FORMS[kind](text)))
        except identifiers.Implausible:
            continue
    return blinds


def _owners(actor: Actor, most: int, *sources: QuerySet[Any, Any]) -> list[Candidate]:
    """The visible parties that rows of the sources hang on."""
    first, *others = (source.order_by().values_list("party_id", flat=True) for source in sources)
    found = first.union(*others)
    seen = (rows.filter(pk__in=found) for _door, rows in Party.objects.visible_through(actor))
    return _candidates(_united(most, *seen).query.sql_with_params)


def _by_name_start(actor: Actor, text: str) -> list[Candidate]:
    """Names that begin with `text` as far as their pinyin tells, read as a person's and as a firm's."""
    readings = {_reading(text, person=person) for person in (True, False)} - {""}
    if not readings:
        return []
    found = _holding(actor, *({reading, *names.bigrams(text)} for reading in sorted(readings)))
    if len(found) < CANDIDATES:
        return found
    # More begin so than are looked at; those called exactly so must be among them.
    keys = {names.sort_key(text, person=person) for person in (True, False)}
    called_so = reduce(or_, (Q(name_key__gte=key, name_key__lt=f"{key}\uffff") for key in keys))
    sources = (rows.filter(called_so) for _door, rows in Party.objects.visible_through(actor))
    exact = _candidates(_united(CANDIDATES, *sources).query.sql_with_params)
    return list(dict.fromkeys([*exact, *found]))


def _reading(text: str, *, person: bool) -> str:
    """The token of the pinyin of the first characters, "" where none is Chinese."""
    tokens = names.search_tokens(text, person=person)
    return max((token for token in tokens if token.startswith("p:")), key=len, default="")


def _holding(actor: Actor, *ways: Iterable[str]) -> list[Candidate]:
    """Visible rows whose tokens contain all of one of the `ways`; one's own customers are read first.

    Putting the SQL together takes longer than most readings: it is kept for the actor and the day.
    """
    given = {f"way{n}": sorted(way) for n, way in enumerate(ways)}
    key = (_holding, actor, clock.today(), CANDIDATES, len(given))
    return _candidates(partial(kept_sql, key, partial(_holders, actor, CANDIDATES), given))


def _holders(actor: Actor, most: int, **ways: list[str]) -> QuerySet[Party, Any]:
    sources: list[QuerySet[Party]] = []
    for door, visible in reversed(Party.objects.visible_through(actor)):
        placed = visible.alias(placed=PLACED_TOKENS)
        reach: dict[str, Any] = dict(door.children)  # type: ignore[arg-type]
        if not reach:
            sources.append(placed.filter(_holds("placed", ways)))
        elif "unit__in" in reach:
            units = [f"u:{unit}" for unit in sorted(reach["unit__in"])]
            few = -(-len(units) // 8)
            # Where a few units hold enough rows with a common word, the others are not read at all.
            for some in filter(None, (units[:few], units[few:])):
                sources.append(placed.filter(_holds("placed", ways), placed__overlap=some))
        else:
            # A few hundred rows: without an index on the bare tokens the planner reads these and no others.
            sources.append(visible.filter(_holds("search_tokens", ways)))
    return _united(most, *sources)


def _holds(field: str, ways: Mapping[str, list[str]]) -> Q:
    held = (Value(way, ArrayField(TextField())) for way in ways.values())
    return reduce(or_, (Q(**{f"{field}__contains": way}) for way in held))


def _among_the_wealthiest(actor: Actor, ways: list[list[str]], limit: int) -> list[Candidate]:
    """The wealthiest that hold a common word, found by walking down the balances until there are enough.

    The index would gather hundreds of thousands of rows of "有限公司" to cut them off at `CANDIDATES`. Only for
    those who see everybody: how common a word is must not tell of rows out of scope. In rows walked, a candidate
    costs 1.4 and an entry of the index a 28th (measured). LATERAL … OFFSET 0 has the rows looked up one after
    the other, so that the walk ends with the last one wanted.
    """
    if not (actor.everywhere or actor.system):
        return []
    rows, share = _commonness(ways)
    holders = rows * share
    if holders <= CANDIDATES:
        return []
    expected = SPARE * limit / share
    if expected > 1.4 * CANDIDATES + holders / 28:
        return []
    holds = " OR ".join(["search_tokens @> %s::text[]"] * len(ways))
    with connection.cursor() as cursor:
        # Only the number of ways is written into the text; the words are parameters.
        cursor.execute(
            "WITH found AS MATERIALIZED (SELECT held.*, top.balance FROM (SELECT party_id, balance "  # noqa: S608  words of our own
            "FROM customers_standing ORDER BY balance DESC, party_id DESC LIMIT %s) top, "
            "LATERAL (SELECT id, name, name_key FROM customers_party "
            f"WHERE id = top.party_id AND ({holds}) OFFSET 0) held LIMIT %s) "
            "SELECT id, name, name_key FROM found ORDER BY balance DESC, id",
            [ceil(MARGIN * expected), *(sorted(way) for way in ways), int(SPARE * limit)],
        )
        return list(map(Candidate._make, cursor.fetchall()))


def _commonness(ways: list[list[str]]) -> tuple[float, float]:
    """How many customers there are and the share that holds one of the ways, as the planner knows them.

    A way is as common as its rarest token; 0 when that is not among the common ones.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customers, token, share FROM customers_common(%s)",
            [[token for way in ways for token in way]],
        )
        found = cursor.fetchall()
    shares = {token: share for _rows, token, share in found}
    rows = found[0][0] if found else 0
    return rows, max(min(shares.get(token, 0) for token in way) for way in ways)


def _united(most: int, *sources: QuerySet[Party]) -> QuerySet[Party, Any]:
    """At most `most` rows of the sources, whichever come first."""
    first, *others = (
        source.order_by().values_list("pk", "name", "name_key")[:most] for source in sources
    )
    return first.union(*others, all=True)[:most]


def _candidates(words: Callable[[], tuple[str, Sequence[Any]]]) -> list[Candidate]:
    """What a query of `_united` answers, the higher balance before the lower.

    MATERIALIZED is a fence: without it the planner walks the index of the balance and looks for a rare
    name along it.
    """
    try:
        sql, params = words()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found (id, name, name_key) AS MATERIALIZED ({sql}) "  # noqa: S608  words of our own
            "SELECT f.id, f.name, f.name_key "
            "FROM found f LEFT JOIN customers_standing s ON s.party_id = f.id "
            "ORDER BY COALESCE(s.balance, 0) DESC, f.id",
            params,
        )
        return list(map(Candidate._make, dict.fromkeys(cursor.fetchall())))
