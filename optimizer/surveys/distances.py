"""How far apart designs are: logarithms of their sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from modelsizer.optimizer.tables.table import Floats
from modelsizer.problems.architecture.choices import OFFERED, SIZES

WIDTHS = (*SIZES, *(choice.name for choice in OFFERED if choice.width))
"""Sizes that designs are compared by; 0 where a design has none."""


def logarithms(read: Callable[[str], Any]) -> Floats:
    """Return the logarithms of `WIDTHS`, and of the share of full layers.

    A size that a design has not counts as 1. So that none is apart from one, 1 is added to those
    that most designs have not.

    Parameters
    ----------
    read : callable
        From the name of a choice to an array of shape (n,).

    Returns
    -------
    array of shape (n, len(WIDTHS) + 1)
    """
    sizes = np.stack([np.asarray(read(name), float) for name in WIDTHS], axis=1)
    seldom = np.array([name not in SIZES for name in WIDTHS])
    full = np.maximum(np.asarray(read("full_layers"), float), 1)
    share = full / np.asarray(read("layers"), float)
    found: Floats = np.log(np.column_stack([np.maximum(sizes + seldom, 1), share]))
    return found
