"""Whoever answers a person starts at the rows that person may see."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, dotted, room_sources

FRONT = ("views", "api", "panels", "tables", "filters", "forms", "exports")
MANAGERS = {"objects", "_default_manager", "_base_manager"}
# One door, the same with its words kept, and taken apart.
DOORS = {"visible_to", "visible_rows", "visible_through"}

# Reads of `queries.py` that take an actor and are right to look past their scope, and why.
ALLOWED_PAST_SCOPE: dict[str, str] = {}


def bare_managers(source: Source, tree: ast.AST | None = None) -> Iterator[ast.AST]:
    """Managers that are not asked for `visible_to` first."""
    root = tree or source.tree
    parents = {child: node for node in ast.walk(root) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(root):
        if isinstance(node, ast.Attribute) and node.attr in MANAGERS:
            parent = parents.get(node)
            if not (isinstance(parent, ast.Attribute) and parent.attr in DOORS):
                yield node


def back_doors(source: Source) -> Iterator[str]:
    """Reads of a view, panel, API or form that go round the scope."""
    for manager in bare_managers(source):
        yield f"{source.at(manager)} {'.'.join(dotted(manager))} is not followed by visible_to"
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)[-1:]
        if called in (["get_object_or_404"], ["get_list_or_404"]) and node.args:
            if isinstance(node.args[0], ast.Name) and node.args[0].id[:1].isupper():
                yield f"{source.at(node)} {called[0]}({node.args[0].id}) looks among all rows"
        elif called == ["cursor"] or called == ["raw"]:
            yield f"{source.at(node)} asks the database past the models"


def reads_past_scope(source: Source) -> Iterator[str]:
    """Queries on somebody's behalf (they take `actor`) that never open the scoped door."""
    for node in source.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        name = f"{'.'.join(source.parts)}.{node.name}"
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        if "actor" not in {argument.arg for argument in arguments} or name in ALLOWED_PAST_SCOPE:
            continue
        scoped = any(
            isinstance(each, ast.Attribute) and each.attr in DOORS for each in ast.walk(node)
        )
        if not scoped and any(bare_managers(source, node)):
            yield f"{source.at(node)} {name} takes an actor and never asks visible_to"


def test_screens_and_interfaces_start_at_visible_to() -> None:
    assert [
        fault
        for source in room_sources()
        if source.is_called(*FRONT)
        for fault in back_doors(source)
    ] == []


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("rows = Party.objects.filter(pk=1)", 1),
        ("rows = Party.objects.all()", 1),
        ("rows = Party._default_manager", 1),
        ("manager = Party.objects", 1),
        ("row = get_object_or_404(Party, pk=1)", 1),
        ("connection.cursor().execute('select 1')", 1),
        ("rows = Party.objects.raw('select 1')", 2),
        ("rows = Party.objects.visible_to(actor).filter(pk=1)", 0),
        ("rows = Party.objects.visible_rows(actor, by_name)", 0),
        ("row = get_object_or_404(rows, pk=1)", 0),
    ],
)
def test_back_door_is_caught(text: str, faults: int) -> None:
    assert len(list(back_doors(Source("zhike/customers/views.py", text)))) == faults


def test_queries_on_somebodys_behalf_open_the_scoped_door() -> None:
    assert [
        fault
        for source in room_sources()
        if source.is_called("queries") and source.room != "access"
        for fault in reads_past_scope(source)
    ] == []


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("def cases(actor, party):\n    return Case.objects.filter(party=party)", 1),
        ("def cases(*, actor):\n    return Case.objects.visible_to(actor)", 0),
        ("def cases(actor, rows):\n    return rows.filter(open=True)", 0),
        ("def cases(party):\n    return Case.objects.filter(party=party)", 0),
    ],
)
def test_read_past_scope_is_caught(text: str, faults: int) -> None:
    assert len(list(reads_past_scope(Source("zhike/customers/queries.py", text)))) == faults
