"""Parameters that a law counts, and the training FLOPs that they imply, over boxes of designs.

A token meets the output head, of d_model x vocabulary weights, and the active parameters of each
layer, except those that multiply nothing: norms and biases. If the law counts at most `leverage`
parameters for each active one of a layer, then of N counted parameters

    F >= passes x (2 (head + (N - outside) / leverage - idle) + scores)

where `outside` is what the law counts outside the layers: some copies of the head's size, and the
rest (final norms, positions). It is linear in the head's size, so its least over a range of heads
is at one of the ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.search import stacks
from modelsizer.optimizer.search.corners import Corners
from modelsizer.optimizer.tables.table import Linear, to_floats
from modelsizer.problems.architecture.accounting import FLOPS_PER_WEIGHT, TRAINING_PASSES
from modelsizer.problems.columns import Columns
from modelsizer.problems.quantities.auxiliary import (
    LAW_PARAMETERS,
    TRAINING_FLOPS_PER_TOKEN,
    WEIGHT_FLOPS,
)

Floats = NDArray[np.float64]

ACTIVE = "active_parameters"


@dataclass(frozen=True, slots=True)
class LawSizes(Columns):
    """Ranges of N in boxes, and what FLOPs per token an N implies.

    Parameters
    ----------
    low, high : array of shape (B,)
        The least and the most parameters that the law counts.
    head_low, head_high : array of shape (B,)
        Range of d_model x vocabulary.
    rest : array of shape (B,)
        The most that the law counts outside layers, head and embedding.
    idle : array of shape (B,)
        The most active parameters of layers that multiply nothing.
    scores : array of shape (B,)
        The least training FLOPs per token that are not of weights.
    leverage : array of shape (B,)
        The most parameters that the law counts for an active one.
    copies : float
        Of the head's size that the law counts outside the layers.
    heads : float
        Of the head's size that multiply each token.
    each : float
        Training FLOPs per token of a weight.
    """

    low: Floats
    high: Floats
    head_low: Floats
    head_high: Floats
    rest: Floats
    idle: Floats
    scores: Floats
    leverage: Floats
    copies: float
    heads: float
    each: float

    def flops(self, n: Floats) -> Floats:
        """Return a lower bound on the training FLOPs per token of designs with at least n."""
        rate = self.heads - self.copies / self.leverage
        head = np.where(rate >= 0, self.head_low, self.head_high)
        weights = rate * head + (n - self.rest) / self.leverage - self.idle
        found: Floats = self.each * weights + self.scores
        return found


def law_sizes(corners: Corners) -> LawSizes:
    """Return the ranges of N in boxes, and what they imply."""
    problem, ends = corners.problem, corners.ends
    low = corners.compute((LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN, WEIGHT_FLOPS))
    high = corners.compute((LAW_PARAMETERS, WEIGHT_FLOPS), high=True)
    training = problem.training
    each = FLOPS_PER_WEIGHT * (TRAINING_PASSES + (training.recompute == "full"))
    held = 1.0 if corners.root.fixed["tied_embeddings"] else 2.0
    copies = 0.0 if problem.law.parameter_kind == "non_embedding" else held
    heads = held if training.flops == "6ND" else 1.0
    head_low, head_high = (
        to_floats(side["d_model"]) * to_floats(side["vocab_size"]) for side in (ends.low, ends.high)
    )
    n_high = high[LAW_PARAMETERS]
    rest = to_floats(n_high.base) / n_high.denominator - copies * head_high
    scores = _minus(low[TRAINING_FLOPS_PER_TOKEN], low[WEIGHT_FLOPS], 1)
    idle = _minus(n_high, high[WEIGHT_FLOPS], each)
    idle = Linear(0 * idle.base, idle.unit, idle.denominator)
    rows = len(corners)
    return LawSizes(
        low=corners.least(LAW_PARAMETERS),
        high=corners.most(LAW_PARAMETERS),
        head_low=head_low,
        head_high=head_high,
        rest=rest,
        idle=to_floats(stacks.most(idle, corners.root, ends)) / idle.denominator,
        scores=np.maximum(to_floats(stacks.least(scores, corners.root, ends)) / scores.denominator, 0.0),
        leverage=np.ones(rows),
        copies=copies,
        heads=heads,
        each=float(each),
    )


def _minus(first: Linear, second: Linear, by: int) -> Linear:
    """Return a cost less another one divided by a number."""
    times, other = second.denominator * by, first.denominator
    return Linear(
        first.base * times - second.base * other,
        first.unit * times - second.unit * other,
        first.denominator * times,
    )
