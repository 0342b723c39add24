"""Training: layouts, memory of an accelerator, and what a FLOP costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product

from tests.support.oracle.counts import (
    embedding,
    head,
    layer_parameters,
    norm,
)
from tests.support.oracle.data import Tables, accelerator, exact, training_efficiencies, up
from tests.support.oracle.money import serving_price, training_price
from tests.support.oracle.serving import Latencies
from tests.support.oracle.space import Design, all_designs, divides, menu


@dataclass(frozen=True)
class Layout:
    """Ways of data, tensor and pipeline parallelism."""

    d: int
    t: int
    p: int

    @property
    def working(self) -> int:
        return self.d * self.t * self.p

    @property
    def rank(self) -> tuple[int, int, int]:
        """The preferred of equal layouts first."""
        return (-self.working, self.p, self.t)


def layouts(training: Tables) -> Iterator[Layout]:
    """Every layout of the menus; also those that another one surpasses."""
    most = training.get("accelerators")
    ways = ("data_parallel", "tensor_parallel", "pipeline_parallel")
    if most is not None and accelerator(training) and training.keys().isdisjoint(ways):
        powers = {
            end: [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= min(end, most)] for end in (8, 64)
        }
        training = training | {"tensor_parallel": powers[8], "pipeline_parallel": powers[64]}
    for t in menu(training.get("tensor_parallel", 1)):
        for p in menu(training.get("pipeline_parallel", 1)):
            filled = 1 if most is None else most // (t * p)
            for d in menu(training.get("data_parallel", filled)):
                if d and (most is None or d * t * p <= most):
                    yield Layout(d, t, p)


def splits(a: Design, layout: Layout, tables: Tables) -> bool:
    """Whether a layout can split a design."""
    training, serving = tables.get("training", {}), tables.get("serving", {})
    groups = layout.p * (training.get("interleave", 1) if layout.p > 1 else 1)
    ways = (layout.t, serving.get("tensor_parallel", 1))
    return a.layers % groups == 0 and all(divides(a, n) for n in ways)


def designs(tables: Tables) -> Iterator[Design]:
    """The designs of a problem: those of its space that some layout can split."""
    ways = list(layouts(tables.get("training", {})))
    for a in all_designs(tables):
        if any(splits(a, layout, tables) for layout in ways):
            yield a


class Memory:
    """Training memory under the settings of [training]."""

    def __init__(self, training: Tables) -> None:
        get = training.get
        self.sequence = get("sequence_length", 4096)
        self.tokens = self.sequence * get("microbatch_size", 1)
        self.zero, self.interleave = get("zero_stage", 1), get("interleave", 1)
        self.states = [exact(get(f"{n}_bytes", b)) for n, b in (
            ("optimizer", 12), ("gradient", 2), ("weight", 2))]  # fmt: skip
        self.a, self.logit = exact(get("activation_bytes", 2)), exact(get("logit_bytes", 12))
        self.recompute = get("recompute", "none")
        self.flash, self.fused = get("flash_attention", True), get("fused_kernels", True)
        self.split_rest, self.dropout = get("sequence_parallel", True), get("dropout", False)
        self._of_a_value, self._of_a_layout = (
            cache(self._value_factors),
            cache(self._layout_factors),
        )

    def _value_factors(self, t: int, norms: int, recompute: str) -> tuple[Fraction, ...]:
        """What a layer keeps for each unit of d_model, of q + k, and of heads."""
        tokens, size = self.tokens, self.a
        o = Fraction(1, t if self.split_rest else 1)
        half = Fraction(1, 2) if recompute == "half" else Fraction(1)
        v = Fraction(0) if recompute == "half" else size if self.fused else 4 + size
        masks = 2 * tokens * o if self.dropout else Fraction(0)
        heads = Fraction(0)
        if self.flash:
            heads = Fraction(4 * tokens, t)
        elif recompute == "none":
            heads = tokens * self.sequence * (2 * size + 1 if self.dropout else size) / t
        return tokens * o * (norms * v + 2 * size), tokens * size * half / t, masks, heads

    def kept(self, a: Design, t: int, recompute: str) -> int:
        """Bytes that a layer keeps of a microbatch."""
        if recompute == "full":
            o = Fraction(1, t if self.split_rest else 1)
            return up(a.d_model, self.tokens * self.a * o)
        width, value, masks, heads = self._of_a_value(t, a.structure.norms, recompute)
        keys = a.kv_heads if self.fused else a.heads
        normed = a.heads + a.kv_heads if a.structure.query_key_norm else 0
        q = (2 * a.heads + 2 * keys + normed) * a.head_dim
        k = 2 * a.d_ff if not a.structure.gated else (3 if self.fused else 4) * a.d_ff
        return up(a.d_model, width) + up(q + k, value) + up(a.d_model, masks) + up(a.heads, heads)

    def _layout_factors(self, layout: Layout) -> tuple[Fraction, ...]:
        """States of a parameter, microbatches in flight, masks and end for each d_model, logits."""
        d, t, p = layout.d, layout.t, layout.p
        s = sum(
            size / (d if self.zero >= stage else 1)
            for stage, size in enumerate(self.states, start=1)
        )
        o = Fraction(1, t if self.split_rest else 1)
        m = self.interleave
        c = Fraction(1) if m == 1 else 1 + Fraction(p - 1, p * m)
        masks = self.tokens * o * p if self.dropout else Fraction(0)
        return s / t, c, masks, 2 * self.tokens * o * self.a, self.tokens * self.logit / t

    def of(self, a: Design, layout: Layout) -> int:
        """Bytes of the larger of the first and the last stage."""
        t, p = layout.t, layout.p
        s, c, masks, ending, logit = self._of_a_layout(layout)
        kept = self.kept(a, t, self.recompute)
        states = up(layer_parameters(a), s / p)
        again = self.kept(a, t, "none") if self.recompute == "full" else 0
        begin = again + up(a.d_model, masks)
        end = again + up(a.d_model, ending) + up(a.vocab_size, logit)
        inner = a.layers * (states + up(kept, c))
        before, after = embedding(a, self.sequence), head(a) + norm(a)
        if p == 1:
            return inner + up(before + after, s) + begin + end - again
        copy = a.vocab_size * a.d_model if a.tied else 0
        last = a.layers * (states + up(kept, Fraction(1, p)))
        return max(inner + up(before, s) + begin, last + up(after + copy, s) + end)


# Time and money


def measured_mfu(training: Tables, device: str, precision: str) -> float:
    """Median MFU of dense models: of the framework on the device, of any on it, of it elsewhere."""
    own = training.get("framework", "megatron")
    runs = {
        (framework, name): row
        for row in training_efficiencies()["runs"]
        if (row["precision"], row["kind"]) == (precision, "dense")
        for framework, name in product([row["framework"]], row["accelerators"])
    }
    tried = ((own, device), ("any", device), (own, "other"), ("any", "other"))
    row = next(runs[key] for key in tried if key in runs)
    sequence = training.get("sequence_length", 4096)
    fall = (4096 / max(sequence, 4096)) ** row.get("longer", 0)
    return round(row["mfu"][1] * fall, 4)


def seconds_of_a_flop(training: Tables) -> Fraction | None:
    """Seconds that one accelerator takes for a training FLOP."""
    device = accelerator(training)
    precision = training.get("precision", "bf16")
    if device is None or f"{precision}_flops" not in device:
        return None
    mfu = training.get("mfu", measured_mfu(training, device["name"], precision))
    u = Fraction(3, 4) if training.get("recompute") == "full" else Fraction(1)
    return u / (device[f"{precision}_flops"] * exact(mfu))


def rates(tables: Tables) -> dict[str, tuple[Fraction, Fraction]]:
    """What each quantity is per training FLOP, and per inference FLOP of a token.

    The time is that of one accelerator.
    """
    training, serving = tables.get("training", {}), tables.get("serving", {})
    lifetime, none = tables.get("lifetime", {}), Fraction(0)
    found = {"training_flops": (Fraction(1), none)}
    served = exact(lifetime.get("inference_tokens", 0))
    stepped = lifetime.get("throughput") == "step"
    if "inference_tokens" in lifetime and not stepped:
        found["lifetime_flops"] = (Fraction(1), served)
    seconds = seconds_of_a_flop(training)
    if seconds is None:
        return found
    found["training_time"] = (seconds, none)
    watts = training.get("watts", (accelerator(training) or {}).get("watts"))
    if watts is not None:
        pue = exact(training.get("pue", 1))
        found["training_energy"] = (seconds / 3600 * exact(watts) / 1000 * pue, none)
    hourly, served_hourly = training_price(tables), serving_price(tables)
    if hourly is None:
        return found
    dollars = seconds / 3600 * hourly
    found["training_cost"] = (dollars, none)
    if stepped:
        if "inference_tokens" in lifetime and Latencies(tables).stepped:
            found["lifetime_cost"] = (dollars, served)
        return found
    device = accelerator(serving)
    peak = (device or {}).get(f"{serving.get('compute', 'bf16')}_flops")
    known = peak is not None and served_hourly is not None
    if {"inference_tokens", "prefill_share"} <= lifetime.keys() and known:
        share = exact(lifetime["prefill_share"])
        work = share / exact(lifetime.get("prefill_mfu", 0.5))
        work += (1 - share) / exact(lifetime.get("decode_mfu", 0.01))
        found["lifetime_cost"] = (dollars, served * work / peak / 3600 * served_hourly)
    return found
