"""Two estimates of the best size for a budget that need no fitted law, to check one against.

Hoffmann et al. 2022 (arXiv 2203.15556), section 3. *Approach 1*, the minimum over training
curves: for each budget of FLOPs, the model with the least loss so far. *Approach 2*, isoFLOP:
the minimum of a parabola of loss in ln N through runs of equal FLOPs. Both estimate the exponent
of ``N = k C^a`` without a law; Chinchilla's form implies ``a = beta / (alpha + beta)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelsizer.optimizer.fitting.forms import Array
from modelsizer.problems.records import dataclass

SLICE = 0.05  # tolerance in ln C: runs this close to their mean count as having equal FLOPs
_IN_SLICE = 5  # runs of different sizes needed to fit a parabola
_SLICES = 3  # slices needed to fit a power of C
_BUDGETS = 40  # budgets of approach 1, evenly spaced in ln C
_MODELS = 4  # least number of models with training curves
_SAME_SIZE = 1.1  # sizes within this ratio count as one size


@dataclass(frozen=True)
class Slice:
    """Runs of nearly equal FLOPs.

    Parameters
    ----------
    flops : float
        Geometric mean of their FLOPs.
    members : array of int
        Positions of the runs.
    best_n, best_loss : float
        Minimum of the parabola; NaN if it has none within the sizes of the slice.
    parabola : tuple of float
        Coefficients of ``loss = p2 (ln N)^2 + p1 ln N + p0``.
    """

    flops: float
    members: Array
    best_n: float
    best_loss: float
    parabola: tuple[float, float, float]

    @property
    def inside(self) -> bool:
        """Whether the minimum lies within the sizes that were run."""
        return bool(np.isfinite(self.best_n))


@dataclass(frozen=True)
class Approach:
    """Result of one approach.

    Parameters
    ----------
    name : {"isoflop", "curves"}
    flops, best_n : array, shape (budgets,)
        Best size at each budget.
    exponent, standard_error : float
        Exponent a of ``N = k C^a`` by least squares on logarithms, and its standard error.
    slices : tuple of Slice
        Slices of equal FLOPs; isoFLOP only.
    """

    name: str
    flops: Array
    best_n: Array
    exponent: float
    standard_error: float
    slices: tuple[Slice, ...] = ()


def isoflop_slices(n: Array, flops: Array, loss: Array) -> list[Slice]:
    """Group runs of nearly equal FLOPs, largest groups first, and fit a parabola to each group.

    Parameters
    ----------
    n, flops, loss : array, shape (runs,)
    """
    log_c = np.log(flops)
    free = np.ones(len(log_c), bool)
    found = []
    while True:
        near = (np.abs(log_c[:, None] - log_c[None, :]) <= SLICE) & free[None, :] & free[:, None]
        counts = near.sum(axis=1)
        middle = int(counts.argmax())
        if counts[middle] < _IN_SLICE:
            break
        members = np.flatnonzero(near[middle])
        free[members] = False
        if (made := _slice(n, flops, loss, members)) is not None:
            found.append(made)
    return sorted(found, key=lambda one: one.flops)


def _slice(n: Array, flops: Array, loss: Array, members: Array) -> Slice | None:
    x = np.log(n[members])
    sizes = np.sort(x)
    distinct = 1 + int((np.diff(sizes) > np.log(_SAME_SIZE)).sum())
    if distinct < _IN_SLICE:
        return None
    middle = x.mean()
    p2, p1, p0 = (float(p) for p in np.polyfit(x - middle, loss[members], 2))
    best_n = best_loss = float("nan")
    if p2 > 0 and sizes[0] < (lowest := middle - p1 / (2 * p2)) < sizes[-1]:
        best_n, best_loss = float(np.exp(lowest)), p0 - p1 * p1 / (4 * p2)
    mean = float(np.exp(np.log(flops[members]).mean()))
    whole = (p2, p1 - 2 * p2 * middle, p0 - p1 * middle + p2 * middle**2)
    return Slice(mean, members, best_n, best_loss, whole)


def isoflop(n: Array, flops: Array, loss: Array) -> Approach:
    """Estimate the best sizes by approach 2, isoFLOP parabolas.

    Raises
    ------
    ValueError
        If fewer than three slices have a minimum within their sizes.
    """
    slices = isoflop_slices(n, flops, loss)
    good = [one for one in slices if one.inside]
    if len(good) < _SLICES:
        raise ValueError(
            f"isoFLOP needs {_SLICES} budgets with {_IN_SLICE} sizes around the best each; "
            f"the runs have {len(good)}"
        )
    c, best = np.array([s.flops for s in good]), np.array([s.best_n for s in good])
    return _approach("isoflop", c, best, tuple(slices))


def minimum_over_curves(
    n: Array, flops: Array, loss: Array, models: Sequence[str] | None
) -> Approach:
    """Estimate the best sizes by approach 1, the lower envelope of the training curves.

    Loss is interpolated linearly in ln C between checkpoints. Budgets at which the smallest or the
    largest model available is best are left out, as a model beyond it might be better.

    Parameters
    ----------
    n, flops, loss : array, shape (runs,)
    models : sequence of str or None
        Model of each run.

    Raises
    ------
    ValueError
        If there are too few curves, or too few models are best at some budget.
    """
    names, member = np.unique(np.asarray(models if models is not None else []), return_inverse=True)
    curves = []
    for k in range(len(names)):
        rows = np.flatnonzero(member == k)
        rows = rows[np.argsort(flops[rows], kind="stable")]
        if len(rows) >= 2:
            curves.append((float(n[rows].mean()), np.log(flops[rows]), loss[rows]))
    if len(curves) < _MODELS:
        raise ValueError(
            f"the minimum over curves needs {_MODELS} models with checkpoints, named by a "
            f"column (--columns run=NAME); the runs have {len(curves)}"
        )
    low = min(curve[1][0] for curve in curves)
    high = max(curve[1][-1] for curve in curves)
    budgets = np.linspace(low, high, _BUDGETS)
    losses = np.stack([np.interp(budgets, x, y, left=np.inf, right=np.inf) for _, x, y in curves])
    sizes = np.array([curve[0] for curve in curves])
    best = sizes[losses.argmin(axis=0)]
    there = np.where(np.isfinite(losses), sizes[:, None], np.nan)
    some = np.isfinite(losses).sum(axis=0) >= _SLICES
    low_size = np.where(some, np.nanmin(np.where(some, there, 0.0), axis=0), np.inf)
    high_size = np.where(some, np.nanmax(np.where(some, there, 0.0), axis=0), -np.inf)
    sound = (best > low_size) & (best < high_size)
    if len(np.unique(best[sound])) < _SLICES:
        raise ValueError(
            f"the minimum over curves needs {_SLICES} sizes between the smallest and the largest "
            f"that are best somewhere; there are {len(np.unique(best[sound]))}"
        )
    return _approach("curves", np.exp(budgets[sound]), best[sound])


def _approach(name: str, c: Array, best: Array, slices: tuple[Slice, ...] = ()) -> Approach:
    x, y = np.log(c), np.log(best)
    middle = x.mean()
    spread = float(((x - middle) ** 2).sum())
    slope = float(((x - middle) * y).sum()) / spread
    start = float(y.mean()) - slope * middle
    left = y - start - slope * x
    error = float(np.sqrt((left**2).sum() / max(len(x) - 2, 1) / spread))
    return Approach(name, c, best, slope, error, slices)
