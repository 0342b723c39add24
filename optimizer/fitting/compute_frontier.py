"""The least loss of a fitted law at each compute, and what it predicts at a target.

At a compute C the law is taken at its best N, with D = C / 6N (Hoffmann et al. 2022, arXiv
2203.15556, eq. 4, by `form_comparison.best_size`); other columns of the form are at their medians
over the runs. The band is of the bootstrap: each draw is taken at its own best N.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.optimizer.fitting.form_comparison import (
    LEAST_TARGET,
    TIMES_LARGEST,
    best_size,
)
from modelsizer.optimizer.fitting.forms import Array
from modelsizer.problems.architecture.accounting import SIX_ND
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from modelsizer.optimizer.fitting.study import Study

SHARE = 0.9
"""Share of the draws in the band, in its middle."""
_POINTS = 81
_BEFORE = 1.5  # factor by which the frontier begins before the cheapest run
_BEYOND = 2.0  # and ends beyond the target


@dataclass(frozen=True)
class ComputeFrontier:
    """The least loss of a law at each compute.

    Parameters
    ----------
    flops, loss : array, shape (points,)
        Ascending training FLOPs, and nats per token.
    low, high : array, shape (points,), or None
        Ends of the band; None without a bootstrap.
    target_flops, target_parameters, target_tokens, target_loss : float
        The target, the best N and D there, and the loss.
    target_band : (low, high) or None
    held : tuple of str
        Columns besides N and D, which are at their medians.
    """

    flops: Array
    loss: Array
    low: Array | None
    high: Array | None
    target_flops: float
    target_parameters: float
    target_tokens: float
    target_loss: float
    target_band: tuple[float, float] | None
    held: tuple[str, ...]


def compute_frontier(study: Study, target_flops: float | None = None) -> ComputeFrontier:
    """Evaluate a fitted law at its best size for each compute.

    Parameters
    ----------
    study : Study
    target_flops : float, optional
        By default that at which the study compares best sizes, otherwise as there.

    Raises
    ------
    ValueError
        If the law has no best size: not just one falling term in N and one in D.
    """
    runs = study.runs.columns["C"]
    default = max(LEAST_TARGET, TIMES_LARGEST * float(runs.max()))
    compared = study.compared
    target = target_flops or (default if compared is None else compared.target_flops)
    ends = min(float(runs.min()) / _BEFORE, target), max(float(runs.max()), target * _BEYOND)
    flops = np.unique(np.append(np.geomspace(*ends, _POINTS), target))
    own = _along(study, study.fit.values, flops)
    if own is None:
        raise ValueError(
            "the law has no best size to draw its loss at: it takes one falling term in N and one "
            "in D"
        )
    at = int(np.searchsorted(flops, target))
    band = None if study.bootstrap is None else _band(study, study.bootstrap.draws, flops)
    size = best_size(study.form, study.fit.coefficients, target)
    assert size is not None
    return ComputeFrontier(
        flops,
        own,
        None if band is None else band[0],
        None if band is None else band[1],
        target,
        size,
        target / (SIX_ND * size),
        float(own[at]),
        None if band is None else (float(band[0][at]), float(band[1][at])),
        tuple(name for name in study.form.columns if name not in ("N", "D")),
    )


def _along(study: Study, values: Array, flops: Array) -> Array | None:
    """Loss of coefficients at the best size of each compute; None if there is no best size."""
    form, columns = study.form, study.runs.columns
    named = dict(zip(form.coefficients, map(float, values), strict=True))
    ends = [best_size(form, named, float(c)) for c in (flops[0], flops[-1])]
    if None in ends:
        return None
    # The best size is a power of the compute, so it is straight in logarithms.
    n = np.exp(np.interp(np.log(flops), np.log(flops[[0, -1]]), np.log(np.array(ends, float))))
    at = {name: np.full(len(flops), float(np.median(columns[name]))) for name in form.columns}
    return np.asarray(form.loss(values, at | {"N": n, "D": flops / (SIX_ND * n)}))


def _band(study: Study, draws: Sequence[Array] | Array, flops: Array) -> tuple[Array, Array] | None:
    """Ends of the middle share of the draws that have a best size; None if these are few."""
    every = [loss for draw in draws if (loss := _along(study, np.asarray(draw), flops)) is not None]
    if len(every) < len(draws) / 2:
        return None
    tail = (1 - SHARE) / 2
    low, high = np.quantile(np.array(every), (tail, 1 - tail), axis=0)
    return low, high
