"""What a space leaves to its blocks, in sentences."""

from __future__ import annotations

from modelsizer.problems.space.stacks import between, listed, periods, windows
from modelsizer.problems.tables.space import Space


def block_defaults(space: Space, block: str | None = None) -> list[str]:
    """Sentences on published patterns of layers that the space does not set itself.

    Parameters
    ----------
    space : Space
    block : str, optional
        Only this block; by default every block of the space.
    """
    if space.full_layers is not None:
        return []
    found = []
    for name in [block] if block else listed(space.block):
        (period, *_), seen = periods(space, name), windows(space, name)
        published = space.full_every is None and period > 1
        others = between(space, name)
        if published and others == ("window",) and space.window is None:
            found.append(
                f"block {name}: one layer in {period} sees everything and the others {seen[0]:,} "
                "tokens, as published; space.full_every and space.window set another pattern"
            )
        elif published and space.between is None and others != ("window",):
            found.append(
                f"block {name}: one layer in {period} is a full layer and the others are "
                f"{others[0]}, as published; space.full_every and space.between set another pattern"
            )
        elif published:
            found.append(
                f"block {name}: one layer in {period} is a full layer, as published; "
                "space.full_every sets another pattern"
            )
        elif space.window is None and max(periods(space, name)) > 1 and len(seen):
            found.append(
                f"block {name}: a windowed layer sees {seen[0]:,} tokens, as published; "
                "space.window sets another"
            )
    return found
