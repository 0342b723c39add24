"""Amounts of a design, of which some are computed when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

Amount = Fraction | float


class Amounts(Mapping[str, Amount]):
    """Amounts by name.

    Parameters
    ----------
    known : mapping of str to Fraction or float
    later : mapping of str to callable
        Those that take long and that few questions ask for; none is in `known`.
    """

    __slots__ = ("_known", "_later")

    def __init__(
        self, known: Mapping[str, Amount], later: Mapping[str, Callable[[], Amount]]
    ) -> None:
        self._known, self._later = dict(known), dict(later)

    def __getitem__(self, name: str) -> Amount:
        if name in self._later:
            self._known[name] = self._later.pop(name)()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        yield from (*self._known, *self._later)

    def __len__(self) -> int:
        return len(self._known) + len(self._later)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a plain dictionary, with everything computed."""
        return dict, (dict(self),)
