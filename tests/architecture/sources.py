"""The project's own files, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "zhike"
FLOORS: tuple[tuple[str, ...], ...] = (
    ("kernel",),
    ("ui",),
    ("organisation",),
    ("access",),
    ("desk",),
    ("customers",),
    ("products",),
    ("activities", "masterdata", "insight"),
    ("privacy",),
    ("packs",),
    ("config",),
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the project's folder, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.removesuffix(".py").split("/"))

    @property
    def room(self) -> str:
        """`customers`, or `packs.bank` for a pack; "" outside the package."""
        return room_of(".".join(self.parts))

    @property
    def floor(self) -> int:
        return FLOOR_OF[self.room.partition(".")[0]]

    @property
    def is_test(self) -> bool:
        return "tests" in self.parts

    @property
    def is_migration(self) -> bool:
        return "migrations" in self.parts

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def is_called(self, *names: str) -> bool:
        """Whether this is the room's module of one of these names, be it a file or a package."""
        inside = self.parts[3 if self.room.startswith("packs.") else 2 :]
        return bool(inside) and inside[0] in names


def room_of(module: str) -> str:
    parts = module.split(".")
    if parts[0] != "zhike" or len(parts) < 2:
        return ""
    if parts[1] == "packs" and len(parts) > 2 and parts[2] != "__init__":
        return f"packs.{parts[2]}"
    return parts[1]


def files(*suffixes: str) -> Iterator[Path]:
    """The project's own text files: not what is built, bought or measured beside it."""
    for top in ("zhike", "tests", "docs", "tools", "benchmarks"):
        for path in sorted((ROOT / top).rglob("*")):
            inside = path.relative_to(ROOT).parts
            if (
                path.is_file()
                and path.suffix in suffixes
                and not {"vendor", "__pycache__"} & set(inside)
            ):
                yield path
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and path.suffix in suffixes:
            yield path


@cache
def python_sources() -> tuple[Source, ...]:
    """Every Python file of the project."""
    return tuple(
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in files(".py")
    )


@cache
def room_sources() -> tuple[Source, ...]:
    """Every Python file of the package that runs: neither tests nor migrations."""
    return tuple(
        source
        for source in python_sources()
        if source.room and not source.is_test and not source.is_migration
    )


def imported(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Every module or name of zhike that the file imports, dotted, wherever the import stands."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = source.parts[: len(source.parts) - node.level]
                base = ".".join((*package, base)).rstrip(".")
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node, name) for name in names)


def dotted(node: ast.AST) -> list[str]:
    """The names of a chain of attributes and calls, first to last: a.b(1).c → [a, b, c]."""
    names: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            if isinstance(node, ast.Name):
                names.append(node.id)
            return names[::-1]
