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

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.search import stacks
from modelsizer.optimizer.search.corners import ACTIVE, WEIGHTS, Corners
from modelsizer.optimizer.tables.table import Linear, to_floats
from modelsizer.problems.architecture.accounting import FLOPS_PER_WEIGHT, TRAINING_PASSES
from modelsizer.problems.columns import Columns
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN

Floats = NDArray[np.float64]


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
    multiplied = ACTIVE if problem.training.flops == "6ND" else WEIGHTS
    low = corners.compute((LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN, multiplied))
    high = corners.compute((LAW_PARAMETERS, ACTIVE, multiplied), high=True)
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
    scores = _minus(low[TRAINING_FLOPS_PER_TOKEN], low[multiplied], each)
    idle = _minus(high[ACTIVE], high[multiplied], 1)
    idle = replace(idle, base=0 * idle.base)
    return LawSizes(
        low=corners.least(LAW_PARAMETERS),
        high=corners.most(LAW_PARAMETERS),
        head_low=head_low,
        head_high=head_high,
        rest=rest,
        idle=_floats(stacks.most(idle, corners.root, ends), idle),
        scores=np.maximum(_floats(stacks.least(scores, corners.root, ends), scores), 0.0),
        leverage=_leverage(corners),
        copies=copies,
        heads=heads,
        each=float(each),
    )


def _leverage(corners: Corners) -> Floats:
    """Return the most parameters that the law counts for each active one of a layer.

    Of a layer with experts of size s, of which r are routed and a active, the law counts at most
    all: active + (r - a) s. So the ratio is ``1 + (r - a) / (active / s)``, and `active` has at
    least a experts besides attention and router.
    """
    ends, problem = corners.ends, corners.problem
    ones = np.ones(len(corners))
    if not corners.root.structure.experts or problem.law.parameter_kind == "active":
        return ones
    low, high = ends.low, ends.high
    size = 3.0 * to_floats(high["d_model"]) * to_floats(high["expert_d_ff"])
    used = to_floats(low["active_experts"]) + to_floats(low["shared_experts"])
    least = 3.0 * to_floats(low["d_model"]) * to_floats(low["expert_d_ff"]) * used
    cost = corners.compute((ACTIVE,))[ACTIVE]
    kinds = corners.root.structure.feed_forwards
    active = to_floats(cost.unit[:, kinds - 1 :: kinds].min(axis=1)) / cost.denominator
    beside = np.maximum(active - least, 0.0) / size
    idle = to_floats(high["routed_experts"]) - to_floats(low["active_experts"])
    return 1.0 + idle / (used + beside)


def _floats(values: NDArray[Any], like: Linear) -> Floats:
    return to_floats(values) / like.denominator


def _minus(first: Linear, second: Linear, times: int) -> Linear:
    """Return a cost less a multiple of another one."""
    mine, theirs = second.denominator, first.denominator * times
    return Linear(
        first.base * mine - second.base * theirs,
        first.unit * mine - second.unit * theirs,
        first.denominator * second.denominator,
    )
