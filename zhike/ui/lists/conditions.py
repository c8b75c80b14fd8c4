"""The words in which conditions stand in an address: `tier.is.gold|silver,any(balance.over.50000,new.yes)`.

A test is a field, an operator and its values; a comma joins tests that must all hold, `any(…)` and
`all(…)` make groups. A value that holds one of the signs of this language stands in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Match = Literal["all", "any"]

DEEPEST = 3
MOST = 40

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([,()|.])|([^",()|.]+)', re.DOTALL)
_WORD = re.compile(r"[a-z][a-z0-9_]*\Z")
_PLAIN = re.compile(r'[^",()|.]+\Z')


class Unreadable(ValueError):
    """The text is not in this language."""


@dataclass(frozen=True)
class Test:
    field: str
    operator: str
    values: tuple[str, ...] = ()

    __test__ = False  # for pytest this is no test of its own


@dataclass(frozen=True)
class Group:
    match: Match
    parts: tuple[Test | Group, ...] = ()

    @property
    def tests(self) -> Iterator[Test]:
        for part in self.parts:
            if isinstance(part, Group):
                yield from part.tests
            else:
                yield part


NOTHING = Group("all")


def write(group: Group) -> str:
    """The group as it stands in an address."""
    inner = ",".join(_written(part) for part in group.parts)
    return f"any({inner})" if group.match == "any" and group.parts else inner


def read(text: str) -> Group:
    """The group that `text` says; raises Unreadable."""
    if not text:
        return NOTHING
    tokens = _Tokens(text)
    parts = tokens.parts(1)
    if tokens.next is not None:
        raise Unreadable(f"nothing was expected after {tokens.place} characters")
    if sum(1 for _test in Group("all", parts).tests) > MOST:
        raise Unreadable(f"more than {MOST} conditions")
    if len(parts) == 1 and isinstance(parts[0], Group):
        return parts[0]
    return Group("all", parts)


def _written(part: Test | Group) -> str:
    if isinstance(part, Group):
        return f"{part.match}({','.join(_written(each) for each in part.parts)})"
    values = "|".join(map(_quoted, part.values))
    return (
        f"{part.field}.{part.operator}.{values}" if part.values else f"{part.field}.{part.operator}"
    )


def _quoted(value: str) -> str:
    if _PLAIN.match(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Tokens:
    """The text, cut; `next` is (kind, words) with the sign itself as the kind of a sign."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0
        self.next: tuple[str, str] | None = None
        self.step()

    def step(self) -> tuple[str, str] | None:
        """Answers what stood next and goes on behind it."""
        was = self.next
        if self.place == len(self.text):
            self.next = None
            return was
        found = _TOKEN.match(self.text, self.place)
        if found is None:
            raise Unreadable(f"a quote is not closed after {self.place} characters")
        self.place = found.end()
        quoted, sign, plain = found.groups()
        if quoted is not None:
            self.next = ("value", re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        else:
            self.next = (sign, sign) if sign else ("value", plain)
        return was

    def takes(self, sign: str) -> bool:
        if self.next is not None and self.next[0] == sign:
            self.step()
            return True
        return False

    def value(self) -> str:
        found = self.step()
        if found is None or found[0] != "value":
            raise Unreadable(f"a word is missing before {self.place} characters")
        return found[1]

    def word(self) -> str:
        found = self.value()
        if not _WORD.match(found):
            raise Unreadable(f"no field or operator is called {found}")
        return found

    def parts(self, depth: int) -> tuple[Test | Group, ...]:
        if depth > DEEPEST:
            raise Unreadable("groups within groups within groups")
        found = [self.part(depth)]
        while self.takes(","):
            found.append(self.part(depth))
        return tuple(found)

    def part(self, depth: int) -> Test | Group:
        name = self.word()
        if self.takes("("):
            if name not in ("all", "any"):
                raise Unreadable(f"a group is all(…) or any(…), not {name}(…)")
            match: Match = "any" if name == "any" else "all"
            group = Group(match, self.parts(depth + 1))
            if not self.takes(")"):
                raise Unreadable(f"a bracket is not closed after {self.place} characters")
            return group
        if not self.takes("."):
            raise Unreadable(f"{name} lacks its operator")
        operator = self.word()
        values = []
        if self.takes("."):
            values.append(self.value())
            while self.takes("|"):
                values.append(self.value())
        return Test(name, operator, tuple(values))
