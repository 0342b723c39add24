"""Latency and memory of accelerators, in training and serving, written from docs/accounting.md."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from tests.support.layers_oracle.counts import ffn_matrices, layer, mixer, parameters, seen
from tests.support.layers_oracle.space import (
    LINEAR,
    DeltaNet,
    Dense,
    Design,
    Experts,
    Group,
    Grouped,
    Latent,
)
from tests.support.oracle.counts import (
    context_length,
    serving_devices,
    smallest_matrix,
    value_bytes,
    weight_bytes,
)
from tests.support.oracle.data import Tables, accelerator, exact, up
from tests.support.oracle.serving import Machine, picoseconds
from tests.support.oracle.training import Layout, Memory


def divides(a: Design, ways: int) -> bool:
    """Whether tensor parallelism divides the widths."""
    widths = [a.vocab_size]
    for _, part, ffn in a.groups:
        widths.append(ffn.d_ff)
        if isinstance(part, DeltaNet):
            widths += [part.key_heads, part.value_heads]
        else:
            widths.append(part.heads)
        if isinstance(part, Grouped) and part.kv_heads % ways and ways % part.kv_heads:
            return False
    return all(width % ways == 0 for width in widths)


def formats(serving: Tables) -> dict[str, Fraction]:
    """Bytes of a weight of each part."""
    found = weight_bytes(serving)
    found["experts"] = found["ffn"]
    for key, unit in (("weight_bytes", Fraction(1)), ("weight_bits", Fraction(1, 8))):
        given = serving.get(key)
        if isinstance(given, dict) and "experts" in given:
            found["experts"] = exact(given["experts"]) * unit
    return found


def copies(part: Any, ways: int) -> Fraction:
    """How often a cached value is held."""
    heads = part.kv_heads if isinstance(part, Grouped) else 1
    return max(Fraction(1), Fraction(ways, heads))


def large(ffn: Dense | Experts, d: int) -> tuple[int, int]:
    """Weights in the matrices of all tokens, and in those of one routed expert."""
    if isinstance(ffn, Dense):
        return 3 * d * ffn.d_ff, 0
    return 3 * d * ffn.d_ff * ffn.shared, 3 * d * ffn.d_ff


def convolution(part: Any) -> int:
    if isinstance(part, DeltaNet):
        channels = 2 * part.key_heads * part.key_dim + part.value_heads * part.value_dim
        return channels * part.conv
    if isinstance(part, LINEAR):
        return (part.heads * part.head_dim + 2 * part.groups * part.state) * part.conv
    return 0


def cached(a: Design, tables: Tables, *, held: bool) -> Fraction:
    """Bytes of the cache on all accelerators, or as many as there are without copies."""
    serving, context = tables.get("serving", {}), context_length(tables)
    ways = serving.get("tensor_parallel", 1) if held else 1
    total = Fraction(0)
    for n, part, _ in a.groups:
        tokens = context if serving.get("kv_policy") == "full" else seen(part, context)
        total += n * mixer(part, a.d_model).cached * tokens * copies(part, ways)
    return total * serving.get("batch_size", 1) * value_bytes(serving, "kv")


def state_value(serving: Tables) -> Fraction:
    """Bytes of a value of a state."""
    return exact(serving["state_bytes"]) if "state_bytes" in serving else value_bytes(serving, "kv")


def serving_memory(a: Design, tables: Tables) -> Fraction:
    serving, d = tables.get("serving", {}), a.d_model
    size, total = formats(serving), Fraction(0)
    for n, part, ffn in a.groups:
        all_tokens, expert = large(ffn, d)
        matrices = {"attention": mixer(part, d).matrices, "ffn": all_tokens,
                    "experts": expert * getattr(ffn, "routed", 0)}  # fmt: skip
        rest = layer(Group(n, part, ffn), d)[0] - sum(matrices.values())
        total += n * sum(size[name] * weights for name, weights in matrices.items())
        total += n * rest * size["other"]
    outer = a.vocab_size * d
    total += outer * size["embedding"] + d * size["other"] + (0 if a.tied else outer * size["head"])
    states = sum(n * mixer(part, d).state for n, part, _ in a.groups)
    states *= serving.get("batch_size", 1) * state_value(serving)
    return (total + cached(a, tables, held=True) + states) / serving_devices(serving)


def reached(ffn: Dense | Experts, tokens: int, each: int) -> int:
    """Weights of the routed experts that some token is sent to."""
    if isinstance(ffn, Dense):
        return 0
    if tokens == 1:
        return ffn.active * each
    with localcontext() as context:
        context.prec = 40
        left = (1 - Decimal(ffn.active) / ffn.routed) ** tokens
        return int((each * ffn.routed * (1 - left)).to_integral_value())


class Latencies:
    """Latencies of designs at the settings of [serving]."""

    def __init__(self, tables: Tables) -> None:
        self.serving = serving = tables.get("serving", {})
        self.context = context_length(tables)
        self.prompt = serving.get("prompt_length", self.context)
        self.batch, self.prompts = serving.get("batch_size", 1), serving.get("prompts", 1)
        self.size = formats(serving)
        device = accelerator(serving)
        assert device is not None
        smallest_matrix(serving)
        self.decoding = Machine(serving, device, prefill=False)
        self.prefilling = Machine(serving, device, prefill=True)

    def of(self, a: Design) -> dict[str, Fraction]:
        return {"decode_latency": self._decode(a), "prefill_latency": self._prefill(a)}

    def _read(self, a: Design, group: Group, machine: Machine, tokens: int) -> int:
        """Reading the weights of a layer: those of one format at once."""
        _, part, ffn = group
        all_tokens, expert = large(ffn, a.d_model)
        parts = {
            "attention": mixer(part, a.d_model).matrices,
            "ffn": all_tokens,
            "experts": reached(ffn, tokens, expert),
            "other": convolution(part) + a.d_model * getattr(ffn, "routed", 0),
        }
        by_size: dict[Fraction, int] = {}
        for name, weights in parts.items():
            by_size[self.size[name]] = by_size.get(self.size[name], 0) + weights
        return sum(machine.read(n, each) for each, n in by_size.items())

    def _outer(self, a: Design, machine: Machine) -> int:
        each = self.size["embedding" if a.tied else "head"]
        return machine.read(a.vocab_size * a.d_model, each)

    def _states(self, part: Any, d: int, machine: Machine, sequences: int) -> int:
        values = 2 * sequences * mixer(part, d).state
        return picoseconds(values * state_value(self.serving) / machine.plain)

    def _decode(self, a: Design) -> Fraction:
        machine, batch, d = self.decoding, self.batch, a.d_model
        fixed = machine.of_a_layer(a, batch)  # type: ignore[arg-type]
        beside = machine.of_sequences(batch)
        memory = self._outer(a, machine)
        compute = picoseconds(2 * a.vocab_size * d * batch / machine.flops)
        for group in a.groups:
            n, part, ffn = group
            counts, tokens = mixer(part, d), seen(part, self.context)
            values = counts.cached * tokens * batch * copies(part, self.serving.get("tensor_parallel", 1))  # fmt: skip
            moved = picoseconds(values * value_bytes(self.serving, "kv") / machine.plain)
            moved += self._read(a, group, machine, batch) + self._states(part, d, machine, batch)
            memory += n * moved
            beside += n * (fixed + self._experts(ffn, d))
            scores = counts.scores
            if isinstance(part, Latent):  # absorbed
                scores = 2 * part.heads * (2 * part.kv_lora_rank + part.rope_dim)
            flops = 2 * (counts.matrices + ffn_matrices(ffn, d)[1]) + counts.recurrent
            compute += n * machine.computed(flops, scores * tokens, batch)
        return machine.step(memory, compute, beside)

    def _experts(self, ffn: Any, d: int) -> int:
        """What experts take beside their weights."""
        if not hasattr(ffn, "routed"):
            return 0
        width = getattr(ffn, "latent", 0) or d
        return self.decoding.of_experts(ffn.active * width, self.batch, self.size["experts"])

    def _prefill(self, a: Design) -> Fraction:
        machine, d, all_tokens = self.prefilling, a.d_model, self.prompts * self.prompt
        fixed = machine.of_a_layer(a, all_tokens)  # type: ignore[arg-type]
        memory, beside = self._outer(a, machine), 0
        compute = picoseconds(2 * a.vocab_size * d * self.prompts / machine.flops)
        for group in a.groups:
            n, part, ffn = group
            counts = mixer(part, d)
            moved = self._read(a, group, machine, all_tokens)
            memory += n * (moved + self._states(part, d, machine, self.prompts))
            beside += n * fixed
            flops = 2 * (counts.matrices + ffn_matrices(ffn, d)[1]) + counts.recurrent
            scores = counts.scores * seen(part, self.prompt)
            compute += n * machine.computed(flops, scores, all_tokens)
        return machine.step(memory, compute, beside)


def within_mixer(part: Any, *, fused: bool) -> int:
    """Values of a token that a mixer keeps for the backward pass."""
    if isinstance(part, Grouped):
        keys = part.kv_heads if fused else part.heads
        return (2 * part.heads + 2 * keys) * part.head_dim
    if isinstance(part, Latent):
        key = part.nope_dim + part.rope_dim
        latents = 2 * part.kv_lora_rank + part.rope_dim + 2 * part.q_lora_rank
        return part.heads * (2 * key + 2 * part.value_dim) + latents
    if isinstance(part, DeltaNet):
        kh, vh, k, v, _ = part
        return 2 * kh * k + vh * v + 2 * (kh if fused else vh) * k + 4 * vh * v + 2 * vh
    h, width, state, groups, _ = part
    return 5 * h * width + 4 * groups * state + h


def within_ffn(ffn: Dense | Experts, d: int, *, fused: bool) -> int:
    """Values of a token that a feed-forward keeps for the backward pass."""
    each = (3 if fused else 4) * ffn.d_ff
    if isinstance(ffn, Dense):
        return each
    return ffn.active * (each + 2 * d) + ffn.shared * each + ffn.routed


class TrainingMemory(Memory):
    """Training memory under the settings of [training], of stacks of several kinds."""

    def kept_of(self, group: Group, d: int, t: int, recompute: str) -> int:
        """Bytes that a layer keeps of a microbatch."""
        if recompute == "full":
            o = Fraction(1, t if self.split_rest else 1)
            return up(d, self.tokens * self.a * o)
        width, value, masks, heads = self._of_a_value(t, 2, recompute)
        _, part, ffn = group
        values = within_mixer(part, fused=self.fused) + within_ffn(ffn, d, fused=self.fused)
        scored = 0 if isinstance(part, LINEAR) else part.heads
        return up(d, width) + up(values, value) + up(d, masks) + up(scored, heads)

    def of_stack(self, a: Design, layout: Layout) -> int:
        """Bytes of the larger of the first and the last stage."""
        t, p, d = layout.t, layout.p, a.d_model
        s, c, masks, ending, logit = self._of_a_layout(layout)
        again = 0
        if self.recompute == "full":
            again = max(self.kept_of(group, d, t, "none") for group in a.groups)
        begin = again + up(d, masks)
        end = again + up(d, ending) + up(a.vocab_size, logit)
        first = last = 0
        for group in a.groups:
            states = up(layer(group, d)[0], s / p)
            kept = self.kept_of(group, d, t, self.recompute)
            first += group.count * (states + up(kept, c))
            last += group.count * (states + up(kept, Fraction(1, p)))
        outer = a.vocab_size * d
        before, after = outer, d + (0 if a.tied else outer)
        if p == 1:
            return first + up(before + after, s) + begin + end - again
        copy = outer if a.tied else 0
        return max(first + up(before, s) + begin, last + up(after + copy, s) + end)


def figures(a: Design, tables: Tables, layout: Layout) -> dict[str, Fraction]:
    """Quantities of machines, under one layout of training."""
    total, active, _ = parameters(a)
    found: dict[str, Any] = {
        "parameters": total,
        "active_parameters": active,
        "kv_cache": cached(a, tables, held=False),
        "serving_memory": serving_memory(a, tables),
        "training_memory": TrainingMemory(tables.get("training", {})).of_stack(a, layout),
    } | Latencies(tables).of(a)
    return {name: Fraction(value) for name, value in found.items()}
