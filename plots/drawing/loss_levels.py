"""Steps of colour for losses: by their gap to the least, each about twice the one before.

Losses of small models lie far above those of the best: on a linear scale either those have one
colour or these have. Gaps of 1, 2 and 5 times powers of ten show both.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.style import COLOURS
from modelsizer.problems.laws.digits import loss_text

if TYPE_CHECKING:
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import BoundaryNorm, Colormap
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_STEPS = (1.0, 2.0, 5.0)
_MOST = 11  # edges above zero: more colours are not told apart
_LEAST = 1e-5  # nats, below which a gap is none: loss is written with fewer digits
_NEAR = 0.04  # quantile of the gaps that the first step ends at, about
_LIGHTEST = 0.97  # on the colour map


def gap_edges(losses: ArrayLike) -> Floats:
    """Return the edges of the steps of colour, as gaps to the least loss.

    Parameters
    ----------
    losses : array of any shape
        Nats per token; what is not finite is left out.

    Returns
    -------
    array of shape (steps + 1,)
        Ascending from zero; the last is not below the greatest gap.
    """
    known = np.asarray(losses, dtype=float)
    known = known[np.isfinite(known)]
    gaps = known - known.min() if len(known) else known
    gaps = gaps[gaps > _LEAST]
    if not len(gaps):
        return np.array([0.0, _LEAST])
    highest = math.ceil(math.log10(float(gaps.max())) - 1e-12)
    ladder = [
        step * 10.0**power
        for power in range(math.floor(math.log10(_LEAST)), highest + 1)
        for step in _STEPS
    ]
    first = float(np.quantile(gaps, _NEAR))
    top = next(i for i, edge in enumerate(ladder) if edge >= gaps.max() * (1 - 1e-9))
    bottom = max((i for i, edge in enumerate(ladder) if edge <= first), default=0)
    bottom = max(min(bottom, top - len(_STEPS)), top - _MOST + 1, 0)
    return np.array([0.0, *ladder[bottom : top + 1]])


def loss_colours(edges: Floats) -> tuple[Colormap, BoundaryNorm]:
    """Return a colour map and a norm of gaps, the least loss lightest."""
    import matplotlib as mpl
    from matplotlib.colors import BoundaryNorm, ListedColormap

    steps = len(edges) - 1
    colours = mpl.colormaps[COLOURS](np.linspace(_LIGHTEST, 0.0, steps) if steps > 1 else [0.5])
    return ListedColormap(colours), BoundaryNorm(edges, steps)


def label_gaps(bar: Colorbar, edges: Floats, least: float, words: str) -> None:
    """Label a colour bar of gaps.

    Parameters
    ----------
    bar : Colorbar
    edges : array of shape (steps + 1,)
    least : float
        The loss that gaps are above.
    words : str
        What has the loss, such as ``"predicted loss"``.
    """
    bar.set_ticks([float(edge) for edge in edges], labels=[_text(float(edge)) for edge in edges])
    bar.set_label(f"{words} above {loss_text(least)} (nats per token)")


def _text(gap: float) -> str:
    return f"+{gap:.5f}".rstrip("0").rstrip(".") if gap else "0"
