"""Named things that users may add to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from modelsizer.problems.errors import did_you_mean


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """Unique among its kind."""


T = TypeVar("T", bound=Named)


class Registry(Mapping[str, T], Generic[T]):
    """Things by name, in the order of their registration.

    Parameters
    ----------
    what : str
        The word for one of them, used in messages.
    items : iterable
        Those that are there from the start.
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

    def register(self, item: T) -> None:
        """Add one; the same one again is no fault.

        Raises
        ------
        ValueError
            If its name is empty or another's.
        """
        if not item.name:
            raise ValueError(f"a {self._what} needs a name")
        if self._items.get(item.name, item) != item:
            raise ValueError(f"a {self._what} named {item.name!r} is registered already")
        self._items[item.name] = item

    def look_up(self, name: str) -> T:
        """One by its name.

        Raises
        ------
        ValueError
            If there is none of that name; the message lists what there is.
        """
        if name not in self._items:
            hint = did_you_mean(name, self._items)
            known = ", ".join(self._items)
            raise ValueError(f"unknown {self._what} {name!r}{hint}; known: {known}")
        return self._items[name]
