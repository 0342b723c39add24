"""Cells around values along an axis."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise


def cell_borders(values: Iterable[float]) -> list[float]:
    """Borders of the cells around values, halfway between neighbours; of one value 1 apart.

    Parameters
    ----------
    values : iterable of float
        n of them, ascending; at least one.

    Returns
    -------
    list of float
        n + 1 numbers, ascending.

    Examples
    --------
    >>> cell_borders([2, 4, 8])
    [1.0, 3.0, 6.0, 10.0]
    """
    known = [float(value) for value in values]
    middles = [(low + high) / 2 for low, high in pairwise(known)]
    if not middles:
        return [known[0] - 0.5, known[0] + 0.5]
    return [2 * known[0] - middles[0], *middles, 2 * known[-1] - middles[-1]]
