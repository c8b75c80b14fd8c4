"""Two customers become one, and two again: nothing is lost, and splits undo merges in any order.

Every row has a home, the party it was written for. While that party is absorbed its rows stand with the root;
a split brings a party back with all whose home it is, or that of a party it had absorbed itself. What was written for
the root meanwhile stays there. A row that cannot stand beside what the root has is set aside until it can again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models.deletion import get_candidate_relations_to_delete
from django.utils.translation import gettext as _
from psycopg import sql

from zhike.customers import names
from zhike.customers.events import PartiesMerged, PartySplit
from zhike.customers.models import Merge, Party, SetAside
from zhike.customers.services.hanging import MERGING, Hanging, hanging, rivals
from zhike.customers.services.text import must_hide_nothing
from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import must_see, service

Row = dict[str, Any]
Pair = tuple[int, int]


@service("customers.merge")
def merge_parties(*, actor: Actor, absorbed: Party, into: Party, reason: str) -> Merge:
    """`absorbed` was `into` all along, somebody found: what hangs on it moves over, its page leads there.

    The fields of `into` stay as they are; survivorship is the caller's. Raises UserError for one and the same, for
    a person and a firm, and without a reason; Refused where the actor does not see both.
    """
    if absorbed.pk == into.pk:
        raise UserError(_("This is one and the same customer."), _("Choose another one."))
    if absorbed.kind != into.kind:
        raise UserError(
            _("A person and an organisation are not one customer."), _("Record a relation instead.")
        )
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    must_hide_nothing(reason=reason)
    must_see(actor, absorbed)
    must_see(actor, into)
    [merge] = _merge(actor, [(absorbed.pk, into.pk)], Merge.How.HAND, reason.strip())
    return merge


@service("customers.merge")
def merge_many(*, actor: Actor, pairs: Sequence[Pair], how: Merge.How, reason: str) -> list[Merge]:
    """Many at once: pairs of (absorbed, root), no root absorbed in the same call; by rule or by likeness."""
    rounds: list[list[Pair]] = []
    turn: dict[int, int] = defaultdict(int)
    for absorbed, root in pairs:
        if turn[root] == len(rounds):
            rounds.append([])
        rounds[turn[root]].append((absorbed, root))
        turn[root] += 1
    return [merge for each in rounds for merge in _merge(actor, each, how, reason)]


@service("customers.merge")
def split_party(
    *,
    actor: Actor,
    merge: Merge,
    reason: str,
    along: Mapping[str, Collection[int]] | None = None,
) -> Party:
    """The absorbed party stands by itself again, with all whose home it is.

    `along` names rows of the root that go with it, "table.column" → ids: what was written meanwhile and is its own.
    Raises UserError when somebody undid the merge already, Refused where the actor does not see the root.
    """
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    must_hide_nothing(reason=reason)
    must_see(actor, merge.root)
    return _split(actor, merge, reason.strip(), along or {})


@service("customers.merge")
def take_out(
    *,
    actor: Actor,
    party: Party,
    home: int,
    fields: Mapping[str, Any],
    rows: Mapping[str, Collection[int]],
    since: datetime,
    reason: str,
) -> Party:
    """Who was taken for `party` from the first stands by itself, with the rows named ("table.column" → ids).

    It has `fields`, the rest from `party`. `home` is whom the rows were written for, `since` when that began: the
    merges tell it as one by a record, undone now, which merging the two undoes in turn.
    """
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    must_hide_nothing(reason=reason)
    must_see(actor, party)
    root = Party.objects.select_for_update().get(pk=party.pk)
    values = {"kind": root.kind, "unit_id": root.unit_id, "sample": root.sample, **fields}
    new = Party(**values)
    person = new.kind == Party.Kind.PERSON
    new.name_key, new.search_tokens = names.keys(new.name, person=person)
    new.save(force_insert=True)
    in_force = list(Merge.objects.filter(root=root, undone_at__isnull=True))
    _forget(in_force, rows)
    for each in hanging():
        _go_home(each, root.pk, new.pk, rows.get(each.place, ()))
    merge = Merge.objects.create(
        absorbed=new.pk,
        absorbed_public_id=new.public_id,
        name=new.name,
        into=home,
        root=root,
        how=Merge.How.RECORD,
        at=since,
        undone_at=clock.now(),
        undone_by=actor.name,
        undone_because=reason.strip(),
        moved={place: sorted(ids) for place, ids in rows.items() if ids},
    )
    _bring_back(root.pk, {root.pk, *(each.absorbed for each in in_force)})
    must_see(actor, new)
    _told_apart(actor, merge, root.pk, new.pk, reason.strip())
    return new


def _merge(actor: Actor, pairs: Sequence[Pair], how: Merge.How, reason: str) -> list[Merge]:
    """One round: every root takes in at most one."""
    if not pairs:
        return []
    roots = dict(pairs)
    parties = {
        party.pk: party
        for party in Party.objects.select_for_update()
        .filter(pk__in={*roots, *roots.values()})
        .order_by("pk")
    }
    if len(parties) != len({*roots, *roots.values()}):
        raise UserError(
            _("One of the customers is part of another one by now."), _("Reload the page.")
        )
    at = clock.now()
    merges = {
        id: Merge(
            absorbed=id,
            absorbed_public_id=parties[id].public_id,
            name=parties[id].name,
            into=root,
            root=parties[root],
            how=how,
            reason=reason,
            by=actor.name,
            at=at,
        )
        for id, root in pairs
    }
    for id, row in _rows(Party._meta.db_table, roots):
        merges[id].row = row
    guests = _guests(roots)
    with _mapping(pairs):
        for each in hanging():
            _set_aside(each, merges)
        for each in hanging():
            for id, keys in _follow(each).items():
                own = sorted(set(keys) - guests.get((id, each.place), set()))
                if own:
                    merges[id].moved[each.place] = own
    for merge in Merge.objects.filter(root__in=roots):
        merge.root_id = roots[merge.root_id]
        merge.save(update_fields=["root"])
    _delete(Party._meta.db_table, "id", roots)
    Merge.objects.bulk_create(merges.values())
    audit.record_many(actor, "customers.party.merge", merges.values(), reason=reason)
    for merge in merges.values():
        events.publish(PartiesMerged(merge.root_id, merge.absorbed))
    return list(merges.values())


def _split(actor: Actor, merge: Merge, reason: str, along: Mapping[str, Collection[int]]) -> Party:
    merge = Merge.objects.select_for_update().get(pk=merge.pk)
    root = Party.objects.select_for_update().get(pk=merge.root_id)
    if merge.undone_at is not None:
        raise UserError(_("These are two customers again already."), _("Reload the page."))
    _insert(Party._meta.db_table, [merge.row])
    in_force = list(Merge.objects.filter(root=root, undone_at__isnull=True))
    leaving = _below(merge.absorbed, in_force)
    taken = {place: set(ids) for place, ids in along.items()}
    _forget(in_force, taken)
    for each in hanging():
        home = {*taken.get(each.place, ())}
        for inner in in_force:
            if inner.absorbed in leaving:
                home.update(inner.moved.get(each.place, ()))
        _go_home(each, root.pk, merge.absorbed, home)
    merge.undone_at = clock.now()
    merge.undone_by, merge.undone_because = actor.name, reason
    merge.row = {}
    merge.save()
    Merge.objects.filter(root=root, into__in=leaving).update(root=merge.absorbed)
    _bring_back(merge.absorbed, {root.pk, merge.absorbed, *(each.absorbed for each in in_force)})
    party = Party.objects.get(pk=merge.absorbed)
    must_see(actor, root)
    _told_apart(actor, merge, root.pk, party.pk, reason)
    return party


def _told_apart(actor: Actor, merge: Merge, root: int, party: int, reason: str) -> None:
    for each in (root, party):
        audit.record(actor, "customers.party.split", merge, reason=reason, party_id=each)
    events.publish(PartySplit(root, party))


def _below(absorbed: int, in_force: Iterable[Merge]) -> set[int]:
    """The party and all that went into it."""
    into = defaultdict(list)
    for merge in in_force:
        into[merge.into].append(merge.absorbed)
    found, ahead = set(), [absorbed]
    while ahead:
        id = ahead.pop()
        found.add(id)
        ahead += into[id]
    return found


@contextmanager
def _mapping(pairs: Sequence[Pair]) -> Iterator[None]:
    """The table that says, for the length of a block, which party's rows go to which."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE {} (leaves bigint PRIMARY KEY, root bigint)").format(MERGING)
        )
        cursor.executemany(sql.SQL("INSERT INTO {} VALUES (%s, %s)").format(MERGING), pairs)
        cursor.execute(sql.SQL("ANALYZE {}").format(MERGING))
    yield
    with connection.cursor() as cursor:  # a failed transaction takes the table with it
        cursor.execute(sql.SQL("DROP TABLE {}").format(MERGING))


def _guests(absorbed: Iterable[int]) -> dict[tuple[int, str], set[int]]:
    """(party, place) → rows that stand with the party but have their home elsewhere."""
    found: dict[tuple[int, str], set[int]] = defaultdict(set)
    for merge in Merge.objects.filter(root__in=list(absorbed), undone_at__isnull=True):
        for place, ids in merge.moved.items():
            found[merge.root_id, place].update(ids)
    return found


def _set_aside(each: Hanging, merges: Mapping[int, Merge]) -> None:
    """Take rows that may not follow off their table, with whatever hangs on them."""
    with connection.cursor() as cursor:
        keys: set[int] = set()
        for query in rivals(each):
            cursor.execute(query)
            keys.update(key for (key,) in cursor.fetchall())
    if not keys:
        return
    aside = {}
    for key, row in _rows(each.table, keys, each.key):
        left = merges[row[each.column]].left
        left[each.table] = left.get(each.table, 0) + 1
        aside[key] = SetAside(table=each.table, row=row)
    _homeward(each.model, [one.row for one in aside.values()])
    columns = _party_columns(each.model)
    for one in aside.values():
        one.homes = sorted({one.row[column] for column in columns})
    _take_down(each.model, each.key, aside)
    SetAside.objects.bulk_create(aside.values())


def _take_down(model: type[models.Model], key: str, aside: Mapping[int, SetAside]) -> None:
    """Delete rows; what hangs on them is kept beside them, what merely points at them is noted."""
    relation: Any
    for relation in get_candidate_relations_to_delete(model._meta):
        field: Any = relation.field
        child, column = relation.related_model, field.column
        table = child._meta.db_table
        rows = _rows(table, aside, column)
        if field.remote_field.on_delete is models.CASCADE:
            for parent, row in rows:
                aside[parent].beside.setdefault(table, []).append(row)
            if rows:
                _take_down(child, "id", {row["id"]: aside[parent] for parent, row in rows})
        else:
            for parent, row in rows:
                aside[parent].links.append([table, column, row["id"]])
            _point(table, column, [(row["id"], None) for _parent, row in rows])
    _delete(model._meta.db_table, key, aside)


def _bring_back(party: int, members: Collection[int]) -> None:
    """Rows of these parties that were set aside stand again where nothing is in their way any more."""
    by_table = {each.table: each for each in hanging()}
    for one in SetAside.objects.filter(homes__overlap=sorted(members)).order_by("pk"):
        each = by_table[one.table]
        row, guests = _rootward(each.model, one.row)
        if each.single:
            if row[each.column] != party or one.homes != [party]:
                continue
            _delete(each.table, each.column, [party])  # what the database gave it with its row
        elif len({row[column] for column in (each.column, *each.ends)}) <= len(each.ends):
            continue
        try:
            with transaction.atomic():
                _insert(one.table, [row])
        except IntegrityError:
            continue
        for table, rows in one.beside.items():
            _insert(table, rows)
        for table, column, id in one.links:
            _point(table, column, [(id, row["id"])])
        for merge, place in guests:
            merge.moved.setdefault(place, []).append(row["id"])
            merge.save(update_fields=["moved"])
        one.delete()


def _party_columns(model: type[models.Model]) -> list[str]:
    return [each.column for each in hanging() if each.model is model]


def _homeward(model: type[models.Model], rows: Sequence[Row]) -> None:
    """In rows about to leave their table, each key to a party becomes that of the row's home."""
    columns = _party_columns(model)
    keys = {row[column] for row in rows for column in columns}
    for merge in Merge.objects.filter(root__in=keys, undone_at__isnull=True):
        changed = False
        for row in rows:
            for column in columns:
                ids = merge.moved.get(f"{model._meta.db_table}.{column}", [])
                if row[column] == merge.root_id and row.get("id") in ids:
                    row[column] = merge.absorbed
                    ids.remove(row["id"])
                    changed = True
        if changed:
            merge.save(update_fields=["moved"])


def _rootward(model: type[models.Model], home: Row) -> tuple[Row, list[tuple[Merge, str]]]:
    """The row with each key to an absorbed party leading to its root, and the merges whose guest it then is."""
    row, guests = dict(home), []
    for column in _party_columns(model):
        merge = Merge.objects.filter(absorbed=row[column], undone_at__isnull=True).first()
        if merge is not None:
            row[column] = merge.root_id
            guests.append((merge, f"{model._meta.db_table}.{column}"))
    return row, guests


def _forget(in_force: Iterable[Merge], taken: Mapping[str, Collection[int]]) -> None:
    """Rows that get a new home are no longer at home anywhere else."""
    for merge in in_force:
        kept = {
            place: [id for id in ids if id not in taken.get(place, ())]
            for place, ids in merge.moved.items()
        }
        if kept != merge.moved:
            merge.moved = kept
            merge.save(update_fields=["moved"])


def _follow(each: Hanging) -> dict[int, list[int]]:
    """Move every row of the column; party left → the rows that were there."""
    table, column, key = map(sql.Identifier, (each.table, each.column, each.key))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT m.leaves, array_agg(t.{key}) FROM {table} t "
                "JOIN {merging} m ON t.{column} = m.leaves GROUP BY 1"
            ).format(key=key, table=table, merging=MERGING, column=column)
        )
        found = dict(cursor.fetchall())
        if found:
            cursor.execute(
                sql.SQL(
                    "UPDATE {table} t SET {column} = m.root FROM {merging} m WHERE t.{column} = m.leaves"
                ).format(table=table, merging=MERGING, column=column)
            )
    return found


def _go_home(each: Hanging, root: int, party: int, ids: Collection[int]) -> None:
    """Those of `ids` that stand with the root go to the party; they stood side by side, so they do there."""
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("UPDATE {0} SET {1} = %s WHERE {1} = %s AND id = ANY(%s)").format(
                sql.Identifier(each.table), sql.Identifier(each.column)
            ),
            [party, root, sorted(ids)],
        )


def _rows(table: str, keys: Iterable[int], column: str = "id") -> list[tuple[int, Row]]:
    """(key, row as JSON) of the rows whose `column` is among the keys; exact numbers as text."""
    exact = [
        part
        for name in _exact(table)
        for part in (sql.Literal(name), sql.SQL("t.{}::text").format(sql.Identifier(name)))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT t.{0}, to_jsonb(t) || jsonb_build_object({2}) FROM {1} t "
                "WHERE t.{0} = ANY(%s) ORDER BY 1"
            ).format(sql.Identifier(column), sql.Identifier(table), sql.SQL(", ").join(exact)),
            [list(keys)],
        )
        return [(key, json.loads(row)) for key, row in cursor.fetchall()]


@lru_cache
def _exact(table: str) -> tuple[str, ...]:
    """Columns whose numbers a float could not hold."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped AND atttypid = 'numeric'::regtype ORDER BY attnum",
            [table],
        )
        return tuple(name for (name,) in cursor.fetchall())


def _insert(table: str, rows: Sequence[Row]) -> None:
    """Rows as they once were; what the database works out by itself it works out anew."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attgenerated = '' AND attname = ANY(%s)",
            [table, list(rows[0])],
        )
        columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in cursor.fetchall())
        cursor.execute(
            sql.SQL(
                "INSERT INTO {table} ({columns}) SELECT {columns} "
                "FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
            ).format(table=sql.Identifier(table), columns=columns),
            [json.dumps(rows)],
        )


def _point(table: str, column: str, links: Sequence[tuple[int, int | None]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            sql.SQL("UPDATE {} SET {} = %s WHERE id = %s").format(
                sql.Identifier(table), sql.Identifier(column)
            ),
            [(row, id) for id, row in links],
        )


def _delete(table: str, column: str, keys: Iterable[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(
                sql.Identifier(table), sql.Identifier(column)
            ),
            [list(keys)],
        )
