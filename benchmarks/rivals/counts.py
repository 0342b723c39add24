"""A problem in plain NumPy floats, for the rivals that only evaluate designs.

The formulas are implemented again here, for the llama block with its windows, latents and experts,
and for the counts that the budgets of most problems need: nothing from
`modelsizer.problems.architecture.accounting` or `optimizer` is used, so that agreement is evidence.
Only upper limits are supported, and tokens that are free, limited or fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.rivals import quality
from benchmarks.rivals.answer import Skipped
from benchmarks.rivals.menus import Floats, Ints, Mask, Menus, Widths
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.designs.costs import architecture_of
from modelsizer.problems.laws.laws import PowerLaw
from modelsizer.problems.laws.shapes import NoShape, WidthDepthShape
from modelsizer.problems.problem import Problem
from modelsizer.problems.tables.menus import Interval

DEFAULT_LEVERAGE_FLOPS = 3e20
WIDTH_NAMES = {
    **{name: name for name in Widths.__slots__},
    "tied_embeddings": "tied", "routed_experts": "routed", "active_experts": "active",
    "shared_experts": "shared",
}  # fmt: skip
"""Columns of `Widths` by the program's names of widths."""
ARCHITECTURE_BUDGETS = {
    "parameters", "active_parameters", "non_embedding_parameters", "kv_cache",
    "kv_bytes_per_token", "serving_memory", "inference_flops_per_token", "layers", "d_model",
}  # fmt: skip
KNOWN_BUDGETS = ARCHITECTURE_BUDGETS | {"loss", "training_flops", "tokens"}


def _most(limit: Interval | None) -> float:
    if limit is None or limit.max is None:
        return math.inf
    return float(limit.max)


def _over(used: Floats, limit: float) -> Floats:
    """Relative violation of an upper limit."""
    return np.maximum(used / limit - 1.0, 0.0)


def check_supported(problem: Problem) -> None:
    """Raise for what is not written here.

    Raises
    ------
    Skipped
    """
    training, serving, limits = problem.training, problem.serving, problem.budgets.limits
    if problem.token_limits.charges:
        raise Skipped("a lifetime's budget, of which inference takes its part")
    if not isinstance(problem.law, PowerLaw) or problem.law.outer != 1.0:
        raise Skipped("its law is no sum of two powers")
    if not isinstance(problem.shape, NoShape | WidthDepthShape):
        raise Skipped("its shape law has no terms")
    unknown = sorted(set(limits) - KNOWN_BUDGETS)
    if unknown:
        raise Skipped(f"budgets of {', '.join(unknown)} are not written here")
    if problem.objective.quantity not in {"loss", *ARCHITECTURE_BUDGETS}:
        raise Skipped(f"its objective is {problem.objective.quantity}")
    if len(problem.layouts) > 1 or problem.layouts[0].accelerators > 1:
        raise Skipped("parallel layouts are not written here")
    if serving.weight_bits is not None or serving.kv_bits is not None:
        raise Skipped("formats given in bits are not written here")
    if training.recompute == "full":
        raise Skipped("other ways to count FLOPs are not written here")
    if any(limit.min is not None for name, limit in limits.items() if name != "tokens"):
        raise Skipped("limits from below are not written here")
    aspect = problem.space.aspect_ratio
    if aspect is not None and not isinstance(aspect, Interval):
        raise Skipped("its menu of aspects is not written here")


class Stacks:
    """Costs of designs: width options and numbers of layers, which broadcast with them.

    A design has up to four kinds of layer, full or windowed, with a dense feed-forward or experts,
    by the numbers of full layers and of dense ones, and of those that are both.

    Parameters
    ----------
    w : Widths
    layers : array
    totals : tuple of three arrays, optional
        Numbers of layers that are full, dense, and both; by the widths' period if not given.
    """

    def __init__(self, w: Widths, layers: Ints, totals: tuple[Ints, ...] | None = None) -> None:
        self.w, self.layers = w, layers = w, np.asarray(layers)
        # What no option has takes the shape of the depths alone, which is smaller.
        n, experts = w.full_every, w.routed > 0
        dense = np.where(experts, w.dense_layers, layers) if experts.any() else layers
        mixed = bool((n > 1).any())
        full, dense_full = (layers // n, dense // n) if mixed else (layers, dense)
        if totals is not None:
            full, dense, dense_full = totals
        self.full, self.dense, self.dense_full = full, dense, dense_full
        self.windowed, self.mixed = layers - full, layers - dense
        self.exists = w.exists
        if mixed:
            self.exists = self.exists & (full > 0)
        if experts.any():
            self.exists = self.exists & (~experts | (dense < layers))
            self.mixed = np.maximum(self.mixed, 0)  # of what does not exist
        d = w.d_model.astype(float)
        self.d, self.embedding = d, w.vocab_size * d
        queries, keys = w.heads * w.head_dim, w.kv_heads * w.head_dim
        both, down = w.rope_dim + w.nope_dim, w.kv_lora_rank + w.rope_dim
        ask = np.where(w.q_lora_rank > 0, w.q_lora_rank * (d + w.heads * both), d * w.heads * both)
        up = w.kv_lora_rank * w.heads * (w.nope_dim + w.value_dim)
        latent = ask + d * down + up + w.heads * w.value_dim * d
        self.attention = np.where(w.latent, latent, 2 * d * queries + 2 * d * keys)
        """Weights of an attention's matrices."""
        self.norms = 2 * d + w.kv_lora_rank + w.q_lora_rank
        self.dense_ffn, self.expert = 3 * d * w.d_ff, 3 * d * w.expert_d_ff
        self.router = d * w.routed
        self.cached = np.where(w.latent, down, 2 * keys)
        self.score = np.where(w.latent, 2 * w.heads * (both + w.value_dim), 4 * queries)

    def _inner(self, experts: Floats | Ints) -> Floats:
        """Parameters of the layers if each layer of experts holds `experts` of them."""
        ffn = self.dense * self.dense_ffn + self.mixed * (self.router + experts * self.expert)
        return self.layers * (self.attention + self.norms) + ffn

    @property
    def _trunk(self) -> Floats:
        return self.d + self.embedding * (2 - self.w.tied)

    @cached_property
    def total(self) -> Floats:
        """Parameters."""
        return self._trunk + self._inner(self.w.routed + self.w.shared)

    @cached_property
    def active(self) -> Floats:
        """Parameters that a token uses."""
        return self._trunk + self._inner(self.w.active + self.w.shared)

    def tokens_seen(self, context: int) -> Floats:
        """Tokens that the layers attend to, summed over them."""
        return self.full * float(context) + self.windowed * np.minimum(self.w.window, context)

    def forward(self, context: int, scores: float = 1.0) -> Floats:
        """Forward FLOPs a token."""
        matrices = self._inner(self.w.active + self.w.shared) - self.layers * self.norms
        return 2 * (self.embedding + matrices) + scores * self.score * self.tokens_seen(context)

    def law_parameters(self, experts: str, flops: float, *, embeddings: bool) -> Floats:
        """Parameters as a law counts them, with the leverage of experts."""
        both, w = self.attention + self.norms, self.w
        each = both + self.router + (w.active + w.shared) * self.expert
        whole = both + self.router + (w.routed + w.shared) * self.expert
        if experts == "total":
            each = whole
        elif experts != "active":
            each = np.minimum(quality.leverage(w, flops) * each, whole)
        layers = self.dense * (both + self.dense_ffn) + self.mixed * each
        return layers + (self._trunk if embeddings else self.d)

    def q(self, level: int, sequence: int) -> Floats:
        """The terms that the law does not see."""
        w, n = self.w, self.layers
        ratios = (
            self.dense_ffn / self.attention,
            (w.active + w.shared) * self.expert / self.attention,
        )
        full, dense = np.maximum(self.full, 1e-3) / n, self.dense / n
        ratios = (np.maximum(ratios[0], 1e-9), np.maximum(ratios[1], 1e-9))
        return quality.others(w, full, self.windowed / n, dense, ratios, sequence, level)


class Counts:
    """Menus of a problem, and the costs of their designs.

    Parameters
    ----------
    problem : Problem
    tables : mapping, optional
        The problem as plain tables; `Problem.to_dict` by default.

    Raises
    ------
    Skipped
        If the problem needs unsupported features.
    """

    def __init__(self, problem: Problem, tables: Mapping[str, Any] | None = None) -> None:
        check_supported(problem)
        seen = tables is not None or hasattr(problem.objective, "ablations")
        tables = problem.to_dict() if tables is None else tables
        self.problem = problem
        longest = max(problem.training.sequence_length, problem.context_length)
        self.menus = Menus(tables["space"], longest, problem.serving.tensor_parallel)
        objective = tables.get("objective", {})
        self._experts = objective.get("experts", "tian-2025")
        self._level = quality.LEVELS.get(objective.get("ablations", "middle" if seen else "none"))
        given = objective.get("leverage_flops", DEFAULT_LEVERAGE_FLOPS)
        most = _most(problem.budgets.limits.get("training_flops"))
        self._leverage_flops = most if given == "budget" else float(given)

    @property
    def sizes(self) -> Ints:
        """Lengths of the menus; see `benchmarks.rivals.menus.MENUS`."""
        return self.menus.sizes

    @property
    def layers(self) -> Ints:
        """Depths of the menu."""
        return self.menus.layers

    def widths(self, index: list[Ints]) -> Widths:
        """Width options at indices into all menus except the depth's."""
        return self.menus.widths(index)

    def evaluate(self, w: Widths, layers: Ints) -> tuple[Floats, Floats]:
        """`of` designs with layers that broadcast with the arrays of their widths."""
        return self.of(Stacks(w, layers))

    def of(self, stacks: Stacks) -> tuple[Floats, Floats]:
        """Compute the objective of designs, and how much they violate the limits.

        Returns
        -------
        value : array
            To minimise.
        excess : array
            Sum over the limits of the relative violation; 0 if feasible.
        """
        problem, w, layers = self.problem, stacks.w, stacks.layers
        training, budgets = problem.training, problem.budgets
        excess = np.where(stacks.exists, 0.0, 1.0) + self._aspect_excess(w, layers)
        uses = self.uses(stacks)
        for name, limit in budgets.limits.items():
            if name in uses:
                excess = excess + _over(uses[name](), _most(limit))
        scores = 0.5 if training.flops == "causal" else 1.0
        flops = 3 * stacks.forward(training.sequence_length, scores)
        if training.flops == "6ND":
            flops = 6 * stacks.active
        most = min(_most(training.tokens), _most(budgets.tokens))
        tokens = np.minimum(most, _most(budgets.training_flops) / flops)
        for limit in (training.tokens, budgets.tokens):
            if limit is not None and limit.min is not None:
                excess = excess + _over(float(limit.min) / tokens, 1.0)
        loss = self._loss(stacks, tokens)
        if budgets.loss is not None:
            excess = excess + _over(loss, _most(budgets.loss))
        quantity = problem.objective.quantity
        sign = -1 if problem.objective.sense == "maximize" else 1
        return sign * (loss if quantity == "loss" else uses[quantity]()), excess

    def lawful(self, stacks: Stacks) -> Mask:
        """Whether the space holds designs."""
        aspect = self._aspect_excess(stacks.w, stacks.layers)
        found: Mask = stacks.exists & np.broadcast_to(np.asarray(aspect) <= 0, (
            len(stacks.w), stacks.layers.shape[-1]
        ))  # fmt: skip
        return found

    def _aspect_excess(self, w: Widths, layers: Ints) -> Floats | float:
        aspect = self.problem.space.aspect_ratio
        if not isinstance(aspect, Interval):
            return 0.0
        excess = _over(w.d_model / layers, _most(aspect))
        return excess if aspect.min is None else (
            excess + _over(float(aspect.min) * layers / w.d_model, 1.0)
        )  # fmt: skip

    def uses(self, stacks: Stacks) -> Mapping[str, Callable[[], Floats]]:
        """The quantities of designs that budgets may limit, each computed when called."""
        problem, serving, w = self.problem, self.problem.serving, stacks.w
        context, a_value = problem.context_length, float(serving.kv_bytes)
        windows = context if serving.kv_policy == "full" else w.window

        def cache() -> Floats:
            held = stacks.full * float(context) + stacks.windowed * np.minimum(windows, context)
            return stacks.cached * held * a_value * serving.batch_size

        def memory() -> Floats:
            copies = -(-serving.tensor_parallel // np.maximum(w.kv_heads, 1))
            weights = stacks.total * float(serving.weight_bytes)
            return (weights + cache() * copies) / serving.devices

        return {
            "parameters": lambda: stacks.total,
            "active_parameters": lambda: stacks.active,
            "non_embedding_parameters": lambda: stacks.total - stacks.embedding * (2 - w.tied),
            "kv_cache": cache,
            "kv_bytes_per_token": lambda: stacks.layers * stacks.cached * a_value,
            "inference_flops_per_token": lambda: stacks.forward(context),
            "serving_memory": memory,
            "layers": lambda: stacks.layers + 0 * stacks.d,
            "d_model": lambda: stacks.d + 0 * stacks.layers,
        }

    def _loss(self, stacks: Stacks, tokens: Floats) -> Floats:
        law = self.problem.law
        assert isinstance(law, PowerLaw)
        n = stacks.law_parameters(
            self._experts, self._leverage_flops, embeddings=law.parameter_kind == "total"
        )
        loss = law.A * n**-law.alpha + law.B * tokens**-law.beta
        if self._level is not None:
            loss = loss * (1 + stacks.q(self._level, self.problem.training.sequence_length))
        loss = loss + law.E
        if self.problem.shape.terms:
            width, depth, ideal = self.problem.shape.terms
            shape = width.coefficient * stacks.d ** width.exponents["d_model"]
            shape = shape + depth.coefficient * (
                stacks.layers.astype(float) ** depth.exponents["layers"]
            )
            g = ideal.exponents["layers"]
            least = ideal.coefficient * stacks.d ** (2 * g) * stacks.layers.astype(float) ** g
            loss = loss + np.maximum(shape + least, 0.0)
        return loss

    def design(self, w: Widths, at: int, layers: int) -> Architecture:
        """The design at a position in a table of width options."""
        one = w.take(slice(at, at + 1))
        stacks = Stacks(one, np.array([layers]))
        experts, latent = bool(one.routed[0] > 0), bool(one.latent[0])
        structure = Structure(
            "llama", "latent" if latent else "grouped", "window" if one.full_every[0] > 1 else "",
            dense=not experts or bool(one.dense_layers[0] > 0), experts=experts,
        )  # fmt: skip
        columns = {name: int(getattr(one, own)[0]) for name, own in WIDTH_NAMES.items()}
        widths = {name: columns[name] for name in structure.widths}
        totals = (stacks.layers, stacks.full, stacks.dense, stacks.dense_full)
        counts = structure.counts(*(int(n[0]) for n in totals))
        return architecture_of(self.problem, structure, widths, counts)

    def tabulate(self, at_once: int = 50_000) -> Iterator[tuple[Widths, Ints, Floats, Floats]]:
        """Yield every design of the space in parts: small enough for the cache.

        Returns
        -------
        iterator of (Widths of shape (W,), layers of shape (L,), values and excesses of (W, L))
        """
        rows = max(1, at_once // len(self.layers))
        for widths in self.menus.mesh():
            for begin in range(0, len(widths), rows):
                part = widths.take(slice(begin, begin + rows))
                column = part.take((slice(None), None))
                yield part, self.layers, *self.evaluate(column, self.layers[None, :])


def designs_of(stacks: Stacks, keep: Mask) -> int:
    """Number of distinct designs where `keep`: groups of layers with their counts."""
    w = stacks.w
    names = [name for name in Widths.__slots__ if name not in ("full_every", "exists", "first")]
    columns = [getattr(w, name) for name in names]
    columns += [stacks.layers, stacks.full, stacks.dense_full]
    # A sum with random weights tells designs apart: two of a million collide once in 1e7 times.
    weights = np.random.default_rng(0).integers(1, 2**62, len(columns))
    keys = sum(np.asarray(c) * k for c, k in zip(columns, weights, strict=True))
    return len(np.unique(np.broadcast_to(keys, keep.shape)[keep]))
