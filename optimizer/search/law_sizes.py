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

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.relaxation import ROUNDING
from modelsizer.optimizer.search import stacks
from modelsizer.optimizer.search.corners import ACTIVE, TOTAL, WEIGHTS, Corners
from modelsizer.optimizer.search.expert_worth import counted_experts, most_counted
from modelsizer.optimizer.tables.grid import Ends
from modelsizer.optimizer.tables.roots import LAYERS, PATTERN, Root
from modelsizer.optimizer.tables.table import Linear, to_floats
from modelsizer.problems.architecture.accounting import FLOPS_PER_WEIGHT, TRAINING_PASSES
from modelsizer.problems.columns import Columns
from modelsizer.problems.records import dataclass

Floats = NDArray[np.float64]
Costs = dict[str, Linear]

WHOLE = 1.0  # the law's count of a layer is rounded to a part of a parameter


@dataclass(frozen=True, slots=True)
class LawSizes(Columns):
    """Ranges of N in boxes, and what FLOPs per token an N implies.

    Parameters
    ----------
    low, high : array of shape (B,)
        The least and the most parameters that the law counts.
    head_low, head_high : array of shape (B,)
        Range of d_model x vocabulary.
    law_head : array of shape (B,)
        The most of it that the law counts.
    rest : array of shape (B,)
        The most that the law counts outside layers, head and embedding.
    idle : array of shape (B,)
        The most active parameters of layers that multiply nothing.
    scores : array of shape (B,)
        The least training FLOPs per token that are not of weights.
    rate : array of shape (B,)
        The least of them for each parameter of layers that the law counts.
    leverage : array of shape (B,)
        The most parameters that the law counts for an active one.
    copies : float or array of shape (B,)
        Of the head's size, the most that the law counts outside the layers.
    heads : float
        Of the head's size that multiply each token.
    each : float or array of shape (B,)
        Training FLOPs per token of a weight, at least; a token of the law's tokenizer.
    """

    low: Floats
    high: Floats
    head_low: Floats
    head_high: Floats
    law_head: Floats
    rest: Floats
    idle: Floats
    scores: Floats
    rate: Floats
    leverage: Floats
    copies: Floats | float
    heads: float
    each: Floats | float

    def flops(self, n: Floats) -> tuple[Floats, Floats]:
        """Return two lower bounds on the training FLOPs per token of designs with at least n.

        Both are linear in n; in the second one scores rise with it.
        """
        rate = self.heads - self.copies / self.leverage
        head = np.where(rate >= 0, self.head_low, self.head_high)
        weights = rate * head + (n - self.rest) / self.leverage - self.idle
        inside = n - self.rest - self.law_head
        paid = self.each * weights
        return paid + self.scores, paid + self.rate * inside


def law_sizes(corners: Corners) -> LawSizes:
    """Return the ranges of N in boxes, and what they imply."""
    problem, ends, root = corners.problem, corners.ends, corners.root
    multiplied = ACTIVE if corners.settings.training.flops == "6ND" else WEIGHTS
    low = corners.compute((ACTIVE, TOTAL, multiplied))
    high = corners.compute((ACTIVE, TOTAL, multiplied), high=True)
    training = corners.settings.training
    each = FLOPS_PER_WEIGHT * (TRAINING_PASSES + (training.recompute == "full"))
    held = 1.0 if root.fixed["tied_embeddings"] else 2.0
    copies = 0.0 if problem.law.parameter_kind == "non_embedding" else held
    heads = held if training.flops == "6ND" else 1.0
    head_low, head_high = (_head(side, side["vocab_size"]) for side in (ends.low, ends.high))
    rates = problem.settings.tokenizer
    counted_low, counted_high = head_low, head_high
    share: Floats | float = 1.0
    text: Floats | float = 1.0
    if rates is not None:
        counted_low, counted_high = (
            _head(side, rates.counted(side["vocab_size"])) for side in (ends.low, ends.high)
        )
        share = counted_low / head_low  # falls with the vocabulary, as does the next
        text = rates.doubles(ends.high["vocab_size"]) * (1.0 - ROUNDING)
    outside = [to_floats(side[TOTAL].base) for side in (low, high)]
    outside[0] = outside[0] - (held * head_low - copies * counted_low)
    outside[1] = outside[1] - (held * head_high - copies * counted_high)
    leverage = most_counted(corners)
    counted = _counted(corners, low, high, leverage)
    scores = _minus(corners.own_flops(), low[multiplied], each)
    idle = _minus(high[ACTIVE], high[multiplied], 1)
    idle = replace(idle, base=0 * idle.base)
    return LawSizes(
        low=to_floats(stacks.least(Linear(outside[0], counted[0], 1), root, ends)),
        high=to_floats(stacks.most(Linear(outside[1], counted[1], 1), root, ends)),
        head_low=head_low,
        head_high=head_high,
        law_head=copies * counted_high,
        rest=outside[1] - copies * counted_high,
        idle=_floats(stacks.most(idle, root, ends), idle),
        scores=text * np.maximum(_floats(stacks.least(scores, root, ends), scores), 0.0),
        rate=text * _rate(corners, scores, counted[1]),
        leverage=leverage,
        copies=copies * share,
        heads=heads,
        each=each * text,
    )


def _head(side: Mapping[str, NDArray[Any]], vocab_size: NDArray[Any]) -> Floats:
    return to_floats(side["d_model"]) * to_floats(vocab_size)


def _rate(corners: Corners, scores: Linear, counted: Floats) -> Floats:
    """Return the least scores for each parameter of layers that the law counts.

    Full layers mostly have more of them than others. Of F full layers and B others there are at
    least ``F / B`` to each other one, and the least is taken at that share or at full layers alone.
    """
    root, ends = corners.root, corners.ends
    kinds, each = root.structure.feed_forwards, np.maximum(_floats(scores.unit, scores), 0.0)
    held = np.maximum(counted, 1.0)
    full = each[:, :kinds].min(axis=1), held[:, :kinds].max(axis=1)
    alone = full[0] / full[1]
    if not root.structure.between:
        return np.asarray(alone)
    other = each[:, kinds:].min(axis=1), held[:, kinds:].max(axis=1)
    share = _fewest_full(root, ends)
    mixed = (other[0] + share * full[0]) / (other[1] + share * full[1])
    return np.asarray(np.minimum(alone, mixed))


def _fewest_full(root: Root, ends: Ends) -> Floats:
    """Return the least number of full layers for each other one.

    With one in n full, of all depths with m full layers the deepest, (m + 1) n - 1, has fewest, and
    it rises with m and falls with n.
    """
    deepest, pattern = ends.high[LAYERS], ends.high[PATTERN]
    full = ends.low[PATTERN]
    if not root.numbered:
        full = np.maximum(ends.low[LAYERS] // pattern, 1)
        deepest = np.minimum(deepest, (full + 1) * pattern - 1)
    return to_floats(full) / np.maximum(to_floats(deepest - full), 1.0)


def _counted(corners: Corners, low: Costs, high: Costs, leverage: Floats) -> tuple[Floats, Floats]:
    """Return the least and the most that the law counts of each kind of layer; shape (B, K)."""
    least, most = to_floats(low[TOTAL].unit), to_floats(high[TOTAL].unit)
    structure = corners.root.structure
    if not structure.experts:
        return least, most
    kinds = slice(structure.feed_forwards - 1, None, structure.feed_forwards)
    active = to_floats(low[ACTIVE].unit)[:, kinds], to_floats(high[ACTIVE].unit)[:, kinds]
    least, most = least.copy(), most.copy()
    if counted_experts(corners) != "total":
        least[:, kinds] = active[0]
        most[:, kinds] = np.minimum(most[:, kinds], leverage[:, None] * active[1] + WHOLE)
    return least, most


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
