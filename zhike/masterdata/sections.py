"""One table of a mapping, read piece by piece; whatever is wrong or left over is told with file and section."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from zhike.kernel.errors import UserError

T = TypeVar("T")
_KINDS: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


class Section:
    """One TOML table that is emptied while it is read; what is left over was not understood."""

    def __init__(self, path: Path, where: str, values: Any) -> None:
        self.path, self.where = path, where
        if not isinstance(values, dict):
            raise self.wrong("is not a table", "Write it as a TOML table.")
        self.values: dict[str, Any] = dict(values)

    def wrong(self, what: str, way_out: str) -> UserError:
        return UserError(f"Mapping {self.path.name}, {self.where}: {what}.", way_out)

    def take(self, name: str, kind: type[T], default: T | None = None) -> T:
        value = self.values.pop(name, default)
        if value is None:
            raise self.wrong(f"“{name}” is missing", f"Add {name} = … to this section.")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(f"“{name}” is not {_KINDS[kind]}", f"Write {name} as {_KINDS[kind]}.")
        return value

    def words(self, name: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        value = self.values.pop(name, default)
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise self.wrong(f"“{name}” is not text or a list of texts", f'Write {name} = ["…"].')
        return tuple(value)

    def pairs(self, name: str) -> dict[str, str]:
        value = self.take(name, dict, {})
        return {str(key): str(each) for key, each in value.items()}

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        value = self.take(name, str, default)
        if value not in choices:
            raise self.wrong(
                f"“{value}” is no {name}", f"Write one of: {', '.join(sorted(choices))}."
            )
        return value

    def end(self, allowed: str) -> None:
        if self.values:
            names = ", ".join(f"“{name}”" for name in self.values)
            raise self.wrong(f"{names} is not known here", f"This section knows: {allowed}.")
