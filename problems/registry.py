"""Registries of named objects, to which users may add."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Generic, Protocol, TypeVar

from modelsizer.problems.errors import did_you_mean, short


class Named(Protocol):
    """An object with a name."""

    @property
    def name(self) -> str:
        """Unique within a registry."""


T = TypeVar("T", bound=Named)


def loosely(name: str) -> str:
    """A name without case, spaces and hyphens, by which accelerators are found."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


class Registry(Mapping[str, T], Generic[T]):
    """Objects by name, in the order of registration.

    Parameters
    ----------
    what : str
        Noun for one object, for messages.
    items : iterable
        Initial objects.
    """

    def __init__(self, what: str, items: Iterable[T]) -> None:
        self._what = what
        self._items: dict[str, T] = {item.name: item for item in items}

    def __getitem__(self, name: str) -> T:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> ItemsView[str, T]:
        """Names with their things: a dict's own view, which is faster than a mapping's."""
        return self._items.items()

    def values(self) -> ValuesView[T]:
        """The things; see `items`."""
        return self._items.values()

    def register(self, item: T) -> None:
        """Add an object; adding an equal object again has no effect.

        Raises
        ------
        ValueError
            If the name is empty or in use.
        """
        if not item.name:
            raise ValueError(f"a {self._what} needs a name")
        if self._items.get(item.name, item) != item:
            raise ValueError(f"a {self._what} named {item.name!r} is registered already")
        self._items[item.name] = item

    def look_up(self, name: str) -> T:
        """Look up an object by its name.

        Raises
        ------
        ValueError
            If the name is unknown; the message lists the known ones.
        """
        if name not in self._items:
            hint = did_you_mean(name, self._items)
            known = ", ".join(self._items)
            raise ValueError(f"unknown {self._what} {short(name)}{hint}; known: {known}")
        return self._items[name]
