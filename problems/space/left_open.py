"""Which choices a space leaves open."""

from __future__ import annotations

from modelsizer.problems.architecture.choices import CHOICES
from modelsizer.problems.space.stacks import listed
from modelsizer.problems.tables.menus import Choice
from modelsizer.problems.tables.space import Space


def left_open(space: Space) -> tuple[str, ...]:
    """Names of the choices that some key of a space gives several values.

    Without those that every list of designs has.
    """
    return tuple(
        choice.name
        for choice in CHOICES
        if choice.breadth in ("offered", "all")
        and any(_size(space, key) > 1 for key in choice.menus)
    )


def _size(space: Space, key: str) -> int:
    """Number of values that a key offers; 0 if it is not given."""
    menu = space.menu(key)
    if menu is None:
        return 0
    return menu.size if isinstance(menu, Choice) else len(listed(menu))
