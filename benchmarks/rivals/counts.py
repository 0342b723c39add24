"""A problem in plain NumPy floats, for the rivals that only evaluate designs.

The formulas are implemented again here, for the llama block and the counts that the budgets of most
problems need: nothing from `modelsizer.problems.architecture.accounting` or `optimizer` is used, so
that agreement is evidence. Only upper limits are supported, and tokens that are free, limited or
fixed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.rivals.answer import Skipped
from benchmarks.rivals.statement import check_stateable
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.costs import architecture_of
from modelsizer.problems.laws.laws import PowerLaw
from modelsizer.problems.problem import Problem
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.space import (
    DEFAULT_FFN_MULTIPLE,
    DEFAULT_GATED_RATIO,
    DEFAULT_HEAD_DIM,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KNOWN_BUDGETS = {
    "training_flops",
    "tokens",
    "parameters",
    "non_embedding_parameters",
    "kv_cache",
    "kv_bytes_per_token",
    "serving_memory",
    "inference_flops_per_token",
}
MENUS = ("d_model", "head", "kv", "ffn", "vocab_size", "tied", "layers")
"""Menus that a design's indices refer to, in this order."""


@dataclass(frozen=True, slots=True)
class Widths:
    """Width options, arrays of one shape; `exists` marks those that satisfy divisibility."""

    d_model: Ints
    heads: Ints
    kv_heads: Ints
    head_dim: Ints
    d_ff: Ints
    vocab_size: Ints
    tied: Ints
    exists: NDArray[np.bool_]


def _most(limit: Interval | None) -> float:
    if limit is None or limit.max is None:
        return math.inf
    return float(limit.max)


class Counts:
    """Menus of a problem, and the costs of their designs.

    Raises
    ------
    Skipped
        If the problem needs unsupported features.
    """

    def __init__(self, problem: Problem) -> None:
        check_stateable(problem)
        space, training, serving = problem.space, problem.training, problem.serving
        unknown = set(problem.budgets.limits) - KNOWN_BUDGETS
        if unknown:
            raise Skipped(f"budgets of {', '.join(sorted(unknown))} are not written here")
        if len(problem.layouts) > 1 or problem.layouts[0].accelerators > 1:
            raise Skipped("parallel layouts are not written here")
        if space.block not in ("llama", ("llama",)):
            raise Skipped("blocks other than llama are not written here")
        if serving.weight_bits is not None or serving.kv_bits is not None:
            raise Skipped("formats given in bits are not written here")
        if training.flops == "6ND" or training.recompute == "full":
            raise Skipped("other ways to count FLOPs are not written here")
        if (space.heads is not None and space.head_dim is not None) or (
            space.aspect_ratio is not None and not isinstance(space.aspect_ratio, Interval)
        ):
            raise Skipped("its menus of heads or aspects are not written here")
        limits = problem.budgets.limits
        if any(limit.min is not None for name, limit in limits.items() if name != "tokens"):
            raise Skipped("limits from below are not written here")
        self.problem = problem
        self.d_model = _values(space.d_model)
        self.by_heads = space.heads is not None
        given = space.heads if self.by_heads else space.head_dim
        self.head = _values(given) if given is not None else np.array([DEFAULT_HEAD_DIM])
        self.grouped = space.kv_group is not None
        kv = space.kv_group if self.grouped else space.kv_heads
        self.kv = _values(kv) if kv is not None else None
        self.d_ff, self.ratios = None, None
        if space.d_ff is not None:
            self.d_ff = _values(space.d_ff)
        else:
            ratio = space.ffn_ratio.numbers if space.ffn_ratio else (float(DEFAULT_GATED_RATIO),)
            multiple = space.ffn_multiple.numbers if space.ffn_multiple else (DEFAULT_FFN_MULTIPLE,)
            self.ratios = np.array([(float(r), float(m)) for r in ratio for m in multiple])
        self.vocab_size = _values(space.vocab_size)
        tied = space.tied_embeddings
        self.tied = np.unique(np.array(tied if isinstance(tied, tuple) else (tied,), dtype=int))
        self.layers = _values(space.layers)

    @property
    def sizes(self) -> Ints:
        """Lengths of the menus, in the order of `MENUS`."""
        kv = 1 if self.kv is None else len(self.kv)
        ffn = len(self.d_ff) if self.d_ff is not None else len(self.ratios)
        return np.array([len(self.d_model), len(self.head), kv, ffn, len(self.vocab_size),
                         len(self.tied), len(self.layers)])  # fmt: skip

    def widths(self, index: list[Ints]) -> Widths:
        """Width options at indices into all menus except the depth's."""
        d, head, kv, ffn, vocabulary, tied = index
        d_model, head_dim = self.d_model[d], self.head[head]
        exists = d_model % head_dim == 0
        heads = d_model // head_dim
        if self.by_heads:
            heads, head_dim = head_dim, heads
        if self.kv is None:
            kv_heads = heads
        elif self.grouped:
            exists = exists & (heads % self.kv[kv] == 0)
            kv_heads = np.maximum(heads // self.kv[kv], 1)
        else:
            kv_heads = self.kv[kv]
            exists = exists & (heads % kv_heads == 0)
        if self.d_ff is not None:
            d_ff = self.d_ff[ffn]
        else:
            ratio, multiple = self.ratios[ffn, 0], self.ratios[ffn, 1]
            d_ff = (np.floor(ratio * d_model / multiple + 0.5) * multiple).astype(np.int64)
        vocab_size = self.vocab_size[vocabulary]
        ways = self.problem.serving.tensor_parallel
        if ways > 1:
            exists = exists & (heads % ways == 0) & (d_ff % ways == 0) & (vocab_size % ways == 0)
            exists = exists & ((kv_heads % ways == 0) | (ways % kv_heads == 0))
        exists = exists & (d_ff > 0)
        return Widths(d_model, heads, kv_heads, head_dim, d_ff, vocab_size, self.tied[tied], exists)

    def evaluate(self, w: Widths, layers: Ints | Floats) -> tuple[Floats, Floats]:
        """Compute the loss of designs, and how much they violate the limits.

        Parameters
        ----------
        w : Widths
        layers : array
            Broadcast with the arrays of `w`.

        Returns
        -------
        loss : array
        excess : array
            Sum over the limits of the relative violation; 0 if feasible.
        """
        problem = self.problem
        training, serving, budgets = problem.training, problem.serving, problem.budgets
        d, d_ff = w.d_model.astype(float), w.d_ff.astype(float)
        queries = (w.heads * w.head_dim).astype(float)
        keys = (w.kv_heads * w.head_dim).astype(float)
        matrices = 2 * d * queries + 2 * d * keys + 3 * d * d_ff
        embedding = w.vocab_size * d
        inner = layers * (matrices + 2 * d) + d
        total = inner + embedding * (2 - w.tied)

        def forward(context: int) -> Floats:
            scores = 4.0 * context * queries * (0.5 if training.flops == "causal" else 1.0)
            return 2 * embedding + layers * (2 * matrices + scores)

        flops = 3 * forward(training.sequence_length)
        values = layers * (2 * keys)
        cache = values * float(serving.kv_bytes) * serving.batch_size * problem.context_length
        excess = np.where(w.exists, 0.0, 1.0)
        aspect = problem.space.aspect_ratio
        if isinstance(aspect, Interval):
            excess = excess + _over(d / layers, _most(aspect))
            if aspect.min is not None:
                excess = excess + _over(float(aspect.min) * layers / d, 1.0)
        uses = {
            "parameters": lambda: total,
            "non_embedding_parameters": lambda: inner,
            "kv_cache": lambda: cache,
            "kv_bytes_per_token": lambda: values * float(serving.kv_bytes),
            "inference_flops_per_token": lambda: (
                2 * embedding + layers * (2 * matrices + 4.0 * problem.context_length * queries)
            ),
            "serving_memory": lambda: (
                (
                    total * float(serving.weight_bytes)
                    + cache * -(-serving.tensor_parallel // w.kv_heads)
                )
                / serving.devices
            ),
        }
        for name, limit in budgets.limits.items():
            if name in uses:
                excess = excess + _over(uses[name](), _most(limit))
        most = min(_most(training.tokens), _most(budgets.tokens))
        tokens = np.minimum(most, _most(budgets.training_flops) / flops)
        least = max(
            float(limit.min)
            for limit in (training.tokens, budgets.tokens, Interval(min=1))
            if limit is not None and limit.min is not None
        )
        excess = excess + _over(least / tokens, 1.0)
        law = problem.law
        assert isinstance(law, PowerLaw)
        n = total if law.parameter_kind == "total" else inner
        loss = law.E + law.A * n**-law.alpha + law.B * tokens**-law.beta
        if problem.shape.terms:
            width, depth, ideal = problem.shape.terms
            shape = width.coefficient * d ** width.exponents["d_model"]
            shape = (
                shape + depth.coefficient * np.asarray(layers, float) ** depth.exponents["layers"]
            )
            area = d * d * layers
            loss = loss + np.maximum(
                shape + ideal.coefficient * area ** ideal.exponents["layers"], 0.0
            )
        return loss, excess

    def design(self, w: Widths, at: int, layers: int) -> Architecture:
        """The design at a position in a table of width options."""
        names = ("d_model", "heads", "kv_heads", "head_dim", "d_ff", "vocab_size")
        widths = {
            name: int(np.broadcast_to(getattr(w, name), w.exists.shape)[at]) for name in names
        }
        widths["tied_embeddings"] = int(np.broadcast_to(w.tied, w.exists.shape)[at])
        return architecture_of(self.problem, "llama", widths, [layers])


def _values(choice) -> Ints:
    return np.array(choice.numbers, dtype=np.int64)


def _over(used: Floats, limit: float) -> Floats:
    """Relative violation of an upper limit."""
    return np.maximum(used / limit - 1.0, 0.0)
