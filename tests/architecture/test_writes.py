"""Tables are written in services only; a service is a use case of an actor."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.architecture.sources import Source, dotted, imported, room_sources

ALWAYS_WRITES = {
    "get_or_create",
    "update_or_create",
    "bulk_create",
    "bulk_update",
    "aget_or_create",
    "aupdate_or_create",
    "abulk_create",
    "abulk_update",
    "asave",
    "adelete",
}
# The kernel's own ways to write, wherever they are brought in.
WRITERS = ("zhike.kernel.services.change", "zhike.kernel.copying")
SQL = re.compile(
    r"""\b(insert\s+into\s+\S
    | update\s+[\w."{}]+\s+(as\s+\w+\s+|\w+\s+)?set\s
    | delete\s+from\s+\S
    | truncate\s+(table\s+)?[\w"{]
    | merge\s+into\s+\S
    | copy\s+[\w."{}]+\s*(\([^)]*\)\s*)?from\s)""",
    re.IGNORECASE | re.VERBOSE,
)

# Who else may write, and why.
ALLOWED_WRITERS: dict[str, str] = {}

# Public functions of services that are no use case of their own, and why.
NOT_USE_CASES: dict[str, str] = {
    "zhike.access.services.notes.note_refusal": "records what was refused: no permission can be asked",
    "zhike.access.services.signing_in.try_sign_in": "nobody is signed in yet",
    "zhike.access.services.passkeys.try_passkey": "nobody is signed in yet",
    "zhike.access.services.signing_in.try_second_factor": "nobody is signed in yet",
    "zhike.access.services.notes.note_sign_in": "nobody is signed in yet",
    "zhike.access.services.tokens.note_use": "a token is noted as used before its actor is known",
    "zhike.access.services.notes.note_sign_out": "whoever is signed in may leave, position or not",
}


def may_write(source: Source) -> bool:
    return source.room == "kernel" or source.is_called("services") or source.path in ALLOWED_WRITERS


def writes(source: Source) -> Iterator[str]:
    """Calls and statements that change a table."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    inside = {
        id(part)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for statement, name in imported(source):
        if name.startswith(WRITERS):
            yield f"{source.at(statement)} imports {name}, which writes, outside services"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if _is_write(node, node.func):
                yield f"{source.at(node)} {'.'.join(dotted(node.func))}() writes outside services"
        elif id(node) not in docstrings | inside and (found := SQL.search(_text(node))):
            yield f"{source.at(node)} “{found[0].strip()}” writes outside services"


def _text(node: ast.AST) -> str:
    """What a string says, with {} for whatever is put into it; "" for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_write(call: ast.Call, method: ast.Attribute) -> bool:
    receiver = dotted(method.value)
    through_manager = bool(
        {"objects", "_default_manager", "_base_manager", "visible_to", "visible_rows"}
        & set(receiver)
    )
    match method.attr:
        case name if name in ALWAYS_WRITES:
            return True
        case "save":
            # A view's own `save` hook calls the room's service.
            return receiver not in (["self"], ["super"])
        case "delete":
            return not call.args and not call.keywords
        case "create" | "acreate":
            return through_manager or bool(call.keywords and not call.args)
        case "update" | "aupdate":
            return not call.args and (through_manager or bool(call.keywords))
        case _:
            return False


@dataclass(frozen=True)
class UseCase:
    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    decorated: bool
    of_class: bool = False


def offered(source: Source) -> frozenset[str]:
    """The dotted names that a package of services hands out in its `__init__`."""
    return frozenset(name for _node, name in imported(source))


def use_cases(source: Source, handed_out: frozenset[str] = frozenset()) -> Iterator[UseCase]:
    """The public functions of `services.py`; of a module in a package, those handed out or decorated."""
    module = ".".join(part for part in source.parts if part != "__init__")
    is_whole_room = source.parts[-1] == "services"
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{module}.{node.name}"
            decorated = any(dotted(each)[-1:] == ["service"] for each in node.decorator_list)
            public = is_whole_room and not node.name.startswith("_")
            if public or decorated or name in handed_out:
                yield UseCase(name, node, decorated)
        elif isinstance(node, ast.ClassDef):
            yield from _of_class(node, f"{module}.{node.name}")


def _of_class(kind: ast.ClassDef, name: str) -> Iterator[UseCase]:
    """What several kinds of one thing share: those methods that ask for a permission."""
    for node in kind.body:
        if isinstance(node, ast.FunctionDef) and any(
            dotted(each)[-1:] == ["service"] for each in node.decorator_list
        ):
            yield UseCase(f"{name}.{node.name}", node, decorated=True, of_class=True)


def faulty_use_cases(source: Source, handed_out: frozenset[str] = frozenset()) -> Iterator[str]:
    """Use cases that ask for no permission, with positional arguments, or not led by `actor`.

    A long one that commits in steps asks for its permission itself instead of by @service.
    """
    for case in use_cases(source, handed_out):
        if case.name in NOT_USE_CASES:
            continue
        arguments = case.node.args
        if not case.decorated and not _asks_itself(case.node):
            yield f"{source.at(case.node)} {case.name} asks for no permission"
        elif arguments.args[case.of_class :] or arguments.posonlyargs or arguments.vararg:
            yield f"{source.at(case.node)} {case.name} takes positional arguments"
        elif not arguments.kwonlyargs or arguments.kwonlyargs[0].arg != "actor":
            yield f"{source.at(case.node)} {case.name}: the first argument is not `actor`"


def _asks_itself(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(step, ast.Expr)
        and isinstance(step.value, ast.Call)
        and dotted(step.value.func) == ["actor", "must"]
        for step in node.body
    )


def test_tables_are_written_only_in_services() -> None:
    assert [
        fault for source in room_sources() if not may_write(source) for fault in writes(source)
    ] == []


def test_allowed_writers_still_write() -> None:
    sources = {source.path: source for source in room_sources()}
    idle = [
        path for path in ALLOWED_WRITERS if path not in sources or not list(writes(sources[path]))
    ]
    assert idle == []


@pytest.mark.parametrize(
    "text",
    [
        "Party.objects.create(name='x')",
        "party.contact_points.create(kind='mobile')",
        "Party.objects.bulk_create(rows)",
        "Party.objects.visible_to(actor).filter(pk=1).update(name='x')",
        "rows.update(name='x')",
        "row.save(update_fields=['name'])",
        "form.save()",
        "row.delete()",
        "Tier.objects.get_or_create(code='x')",
        "cursor.execute('INSERT INTO customers_party VALUES (1)')",
        "cursor.execute(f'update {table} set name = 1')",
        "cursor.execute('''\n  DELETE FROM customers_party\n''')",
        "cursor.copy('COPY customers_party (id) FROM STDIN')",
        "cursor.execute('truncate customers_party')",
        "from zhike.kernel.services import change",
        "from zhike.kernel.copying import copy_rows",
        "from zhike.kernel import copying",
    ],
)
def test_write_outside_services_is_caught(text: str) -> None:
    source = Source("zhike/customers/views.py", text)
    assert not may_write(source)
    assert len(list(writes(source))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "saved = self.save(row, changes)",
        "totals.update(other)",
        "digest.update(chunk)",
        "path.create(x)",
        '"""COPY customers_party FROM STDIN is done in services."""',
        "_('Please update your settings.')",
        "Party.objects.visible_to(actor).filter(name='x')",
    ],
)
def test_reading_is_no_write(text: str) -> None:
    assert list(writes(Source("zhike/customers/views.py", text))) == []


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("zhike/customers/services.py", True),
        ("zhike/customers/services/merging.py", True),
        ("zhike/packs/bank/services.py", True),
        ("zhike/customers/queries.py", False),
        ("zhike/packs/bank/seed.py", False),
    ],
)
def test_who_may_write(path: str, allowed: bool) -> None:
    assert may_write(Source(path, "")) is allowed


def service_sources() -> list[Source]:
    return [each for each in room_sources() if each.is_called("services") and each.room != "kernel"]


def all_handed_out() -> frozenset[str]:
    packages = [each for each in service_sources() if each.parts[-1] == "__init__"]
    return frozenset[str]().union(*(offered(each) for each in packages))


def test_every_service_is_a_use_case_of_an_actor() -> None:
    handed_out = all_handed_out()
    assert [
        fault for source in service_sources() for fault in faulty_use_cases(source, handed_out)
    ] == []


def test_listed_exceptions_exist() -> None:
    handed_out = all_handed_out()
    found = {case.name for each in service_sources() for case in use_cases(each, handed_out)}
    assert set(NOT_USE_CASES) <= found


def test_use_case_handed_out_by_a_package_is_checked() -> None:
    front = Source("zhike/customers/services/__init__.py", "from .merging import merge, Merge")
    inner = Source("zhike/customers/services/merging.py", "def merge(): ...\ndef part(): ...")
    assert offered(front) == {
        "zhike.customers.services.merging.merge",
        "zhike.customers.services.merging.Merge",
    }
    assert len(list(faulty_use_cases(inner, offered(front)))) == 1
    assert list(faulty_use_cases(inner)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("def merge(*, actor): ...", "no permission"),
        ("def merge(*, actor):\n    if x: actor.must('x')", "no permission"),
        ("def merge(*, actor):\n    actor.must('x')", ""),
        ("def merge(actor):\n    actor.must('x')", "positional"),
        ("@service('x')\ndef merge(actor): ...", "positional"),
        ("@service('x')\ndef merge(*, party, actor): ...", "not `actor`"),
        ("@service('x')\ndef merge(*, actor, party): ...", ""),
        ("def _part(actor): ...", ""),
        ("class Asking:\n    @service('x')\n    def end(self, *, actor): ...", ""),
        ("class Asking:\n    @service('x')\n    def end(self, actor): ...", "positional"),
        ("class Asking:\n    @service('x')\n    def end(self, *, row, actor): ...", "not `actor`"),
    ],
)
def test_faulty_service_is_caught(text: str, fault: str) -> None:
    found = list(faulty_use_cases(Source("zhike/customers/services.py", text)))
    assert len(found) == bool(fault)
    assert all(fault in each for each in found)
