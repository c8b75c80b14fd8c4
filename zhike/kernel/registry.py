"""Typed registries, closed after start, so that what a page shows cannot change while it is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """Items by id, in the order they came. Raises ValueError on a second item of one id or once closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._items: dict[str, T] = {}
        self._closed = False

    def register(self, item: T) -> T:
        if self._closed:
            raise ValueError(f"registry {self.name} is closed; {item.id} came too late")
        if item.id in self._items:
            raise ValueError(f"registry {self.name} already has {item.id}")
        self._items[item.id] = item
        return item

    def close(self) -> None:
        self._closed = True

    def get(self, id: str) -> T:
        """Raises KeyError when nothing is registered under `id`."""
        return self._items[id]

    def __contains__(self, id: str) -> bool:
        return id in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)
