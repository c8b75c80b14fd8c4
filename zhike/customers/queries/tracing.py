"""Whom the cells of a row tell of: a leaked row is led back to its customers without any mark."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from zhike.customers.models import ContactPoint, Identifier, Merge, Party
from zhike.customers.search import blind_indexes
from zhike.kernel import crypto, wall

MOST = 200
"""Customers that one row may be of; a row of which nothing but a common name is left tells of nobody."""
MASKED = re.compile(r"(\d{0,4})\*{2,}(\d{4})")
"""A number as a file shows it: 138****1234, ****1234."""

Told = Mapping[str, set[int]]


@wall.lowered()  # whoever looks into a leak sees no customer, and is answered by files alone
def recognised(rows: Sequence[Sequence[str]]) -> list[set[int]]:
    """For each row the keys of the customers of whom most of its cells tell; of today's and of what they are made of.

    A cell tells by a whole name, by a number in clear or by one as it is masked; any other says nothing.
    """
    cells = {cell for row in rows for cell in row}
    told = [_by_name(cells), _by_number(cells), _by_masked_number(cells)]
    found = [best([one.get(cell, set()) for one in told for cell in row]) for row in rows]
    parts = _parts(set().union(*found))
    return [keys | {part for key in keys for part in parts.get(key, ())} for keys in found]


def best(told: Sequence[Collection[int]]) -> set[int]:
    """Those of whom most cells tell; nobody where these are more than `MOST`."""
    votes = Counter(key for keys in told for key in keys)
    most = max(votes.values(), default=0)
    keys = {key for key, count in votes.items() if count == most}
    return keys if len(keys) <= MOST else set()


def _by_name(cells: Collection[str]) -> Told:
    told: defaultdict[str, set[int]] = defaultdict(set)
    for name, key in Party.objects.filter(name__in=cells).values_list("name", "pk"):
        told[name].add(key)
    return told


def _by_number(cells: Collection[str]) -> Told:
    told: defaultdict[str, set[int]] = defaultdict(set)
    for model in (Identifier, ContactPoint):
        cell_of = {
            blind: cell for cell in cells for blind in blind_indexes(cell, model.Kind.values)
        }
        rows = model._default_manager.filter(blind__in=list(cell_of))
        for blind, key in rows.values_list("blind", "party_id"):
            told[cell_of[bytes(blind)]].add(key)
    return told


def _by_masked_number(cells: Collection[str]) -> Told:
    told: defaultdict[str, set[int]] = defaultdict(set)
    for cell in cells:
        if masked := MASKED.fullmatch(cell):
            begins, tail = masked.groups()
            points = ContactPoint.objects.filter(tail=crypto.tail_index("mobile", tail))
            told[cell] = {each.party_id for each in points if each.in_clear().startswith(begins)}
    return told


def _parts(keys: Collection[int]) -> Mapping[int, list[int]]:
    """What was a customer of its own when a file left, and is part of one of these today."""
    parts: defaultdict[int, list[int]] = defaultdict(list)
    merges = Merge.objects.filter(root__in=keys, undone_at__isnull=True)
    for root, absorbed in merges.values_list("root_id", "absorbed"):
        parts[root].append(absorbed)
    return parts
