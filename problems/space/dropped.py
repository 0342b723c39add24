"""What divisibility leaves out of the menus of a space, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from modelsizer.problems.architecture.choices import MENUS
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.space.counting import possible_widths
from modelsizer.problems.space.splits import Split
from modelsizer.problems.tables.menus import Choice, Menu
from modelsizer.problems.tables.space import Space
from modelsizer.problems.units import Number

MOST_VALUES = 100
"""Values of a menu that are looked at one by one."""
MOST_WIDTHS = 20_000


_USES: Mapping[str, Callable[[Structure], bool]] = {
    **dict.fromkeys(
        ("heads", "head_dim", "kv_heads", "kv_group"), lambda s: s.attention == "grouped"
    ),
    **dict.fromkeys(("d_ff", "ffn_ratio", "ffn_multiple"), lambda s: s.dense),
    "latent": lambda s: s.attention == "latent",
    "experts": lambda s: s.experts,
    "window": lambda s: s.between == "window",
}
"""Structures that have a choice, by the first word of its key."""


def dropped(space: Space, splits: Sequence[Split]) -> list[str]:
    """Sentences on menu entries that some or all values of d_model do not allow.

    Parameters
    ----------
    space : Space
    splits : sequence of Split
        What each parallel layout asks of an architecture.
    """
    if space.d_model.size > MOST_WIDTHS:
        return []
    splits = tuple(dict.fromkeys(splits))  # many machines ask for the same
    # The aspect rule is a rule and no accident of division.
    free = space.model_copy(update={"aspect_ratio": None})
    none = int((~possible_widths(free, splits, lambda _: True)).sum())
    found = [] if none == 0 else [f"{_of(none, space.d_model.size)} of d_model allow no design"]
    for key, values in _menus(free):
        uses = _USES.get(key.partition(".")[0], lambda _: True)
        every = possible_widths(free, splits, uses)
        for value in values:
            able = possible_widths(free.with_menus({key: Menu((value,))}), splits, uses)
            lost = int((every & ~able).sum())
            if lost == np.count_nonzero(every) > 0:
                found.append(f"no design has {key} = {value}")
            elif lost:
                found.append(f"{_of(lost, len(every))} of d_model allow no {_entry(key, value)}")
    return found


def _menus(space: Space) -> Iterator[tuple[str, list[Number]]]:
    """Yield key and entries of the menus of numbers that have several."""
    for key in MENUS:
        menu = space.menu(key)
        if key != "d_model" and isinstance(menu, Choice) and 1 < menu.size <= MOST_VALUES:
            # Without routed experts a design is dense.
            yield key, [n for n in menu.numbers if (key, n) != ("experts.routed", 0)]


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole} values"


def _entry(key: str, value: Number) -> str:
    if key == "kv_heads":
        return f"{value} kv heads"
    return f"{key} = {value}"
