"""Latency and memory of accelerators, in training and serving, written from docs/reference/accounting.md."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from tests.support.layers_oracle.counts import ffn_matrices, layer, mixer, parameters, seen
from tests.support.layers_oracle.held import (
    Drafts,
    cached,
    copies,
    formats,
    large,
    serving_memory,
    state_value,
)
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
from tests.support.layers_oracle.ways import Groups
from tests.support.oracle.counts import context_length, smallest_matrix, value_bytes
from tests.support.oracle.data import Tables, accelerator, exact, up
from tests.support.oracle.serving import Machine
from tests.support.oracle.training import Layout, Memory


def convolution(part: Any) -> int:
    if isinstance(part, DeltaNet):
        channels = 2 * part.key_heads * part.key_dim + part.value_heads * part.value_dim
        return channels * part.conv
    if isinstance(part, LINEAR):
        return (part.heads * part.head_dim + 2 * part.groups * part.state) * part.conv
    return 0


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
        self.size, self.groups = formats(serving), Groups.of(serving)
        self.drafts = Drafts.of(serving)
        e = self.groups.experts
        self.imbalance = exact(serving.get("expert_imbalance", 1)) if e > 1 else Fraction(1)
        device = accelerator(serving)
        assert device is not None
        smallest_matrix(serving)
        self.wire = exact(serving.get("expert_link", device.get("link", 1)))
        self.sent = 4 if serving.get("compute", "bf16") == "bf16" else 3
        self.decoding = Machine(serving, device, prefill=False, tokens=self.drafts.tokens)
        self.prefilling = Machine(serving, device, prefill=True)

    def of(self, a: Design) -> dict[str, Fraction]:
        return {"decode_latency": self._decode(a), "prefill_latency": self._prefill(a)}

    def _read(self, group: Group, d: int, machine: Machine, tokens: int, more: int = 0) -> int:
        """Reading the weights of a layer for a group: those of one format at once."""
        _, part, ffn = group
        all_tokens, expert = large(ffn, d)
        parts = {
            "attention": mixer(part, d).matrices,
            "ffn": all_tokens,
            "other": convolution(part) + d * getattr(ffn, "routed", 0) + more,
        }
        every = expert * getattr(ffn, "routed", 0)
        routed = min(every, round(reached(ffn, tokens, expert) * self.imbalance))
        g, apart = self.groups.number, 0
        if g == 1:
            parts["experts"] = routed
        else:
            apart = machine.read(Fraction(routed, g), self.size["experts"])
        by_size: dict[Fraction, int] = {}
        for name, weights in parts.items():
            by_size[self.size[name]] = by_size.get(self.size[name], 0) + weights
        return apart + sum(machine.read(n, each) for each, n in by_size.items())

    def _outer(self, a: Design, machine: Machine) -> int:
        each = self.size["embedding" if a.tied else "head"]
        return machine.read(a.vocab_size * a.d_model, each)

    def _states(self, part: Any, d: int, machine: Machine, sequences: int) -> int:
        values = 2 * sequences * mixer(part, d).state
        return machine.time(values * state_value(self.serving) / machine.plain)

    def _beside(self, group: Group, d: int, machine: Machine, tokens: int, *, engine: bool) -> int:
        """Overhead, all-reduces, and what is sent to experts by a group of so many tokens."""
        ffn = group.ffn
        total = machine.of_a_layer(d, tokens)
        if not isinstance(ffn, Experts):
            return total
        if engine:
            values = ffn.active * d * self.imbalance
            total += machine.of_experts(values, tokens, self.size["experts"])
        if (groups := self.groups).number > 1:
            copies = groups.slices * min(ffn.active, groups.experts)
            values = Fraction(tokens * copies * d, groups.ways) * self.imbalance
            elsewhere = 1 - Fraction(1, groups.accelerators)
            total += machine.time(values * elsewhere * self.sent / self.wire)
            total += machine.link_latency
        return total

    def _computing(self, machine: Machine, ffn: Any, d: int, rest: int, scores: int,
                   own: int, tokens: int) -> int:  # fmt: skip
        """A layer of its own tokens, and of those of all groups in the experts."""
        g, time = self.groups.number, 0
        if isinstance(ffn, Experts) and (g > 1 or self.imbalance != 1):
            routed = 2 * ffn.active * 3 * d * ffn.d_ff
            rest -= routed
            time = machine.time(routed * tokens * self.imbalance / g / machine.flops)
        return time + machine.computed(rest, scores, own)

    def _decode(self, a: Design) -> Fraction:
        drafts, batch = self.drafts, self.groups.largest(self.batch)
        machine = self.decoding
        memory, compute, beside = self._outside(a, batch * (drafts.length + 1))
        for group in a.groups:
            times = self._layer(group, a.d_model, drafts.length + 1)
            memory, compute, beside = (
                x + group.count * y for x, y in zip((memory, compute, beside), times, strict=True)
            )
        beside += machine.of_sequences(batch)
        if drafts.length:
            for i, time in enumerate(self._drafting(a, batch)):
                if i == 0:
                    memory += drafts.length * time
                elif i == 1:
                    compute += drafts.length * time
                else:
                    beside += drafts.length * time
        return machine.step(memory, compute, beside)

    def _drafting(self, a: Design, batch: int) -> list[int]:
        """Memory, computation and all else of a token that is drafted."""
        if (model := self.drafts.model) is not None:
            total = list(self._outside(model, batch))
            for group in model.groups:
                times = self._layer(group, model.d_model, 1)
                total = [x + group.count * y for x, y in zip(total, times, strict=True)]
            return total
        total = list(self._outside(a, batch))
        each = [self._layer(group, a.d_model, 1, module=True) for group in a.groups]
        return [x + max(times) for x, times in zip(total, zip(*each, strict=True), strict=True)]

    def _outside(self, a: Design, tokens: int) -> tuple[int, int, int]:
        machine = self.decoding
        compute = machine.time(2 * a.vocab_size * a.d_model * tokens / machine.flops)
        return self._outer(a, machine), compute, 0

    def _layer(
        self, group: Group, d: int, positions: int, *, module: bool = False
    ) -> tuple[int, int, int]:
        """A layer of a step with so many tokens of each sequence."""
        machine, batch = self.decoding, self.groups.largest(self.batch)
        _, part, ffn = group
        counts, tokens = mixer(part, d), seen(part, self.context)
        values = counts.cached * tokens * batch * copies(part, self.groups.ways)
        projection = 2 * d * d if module else 0
        memory = machine.time(values * value_bytes(self.serving, "kv") / machine.plain)
        memory += self._read(group, d, machine, self.batch * positions, projection)
        memory += self._states(part, d, machine, batch)
        scores = counts.scores
        if isinstance(part, Latent):  # absorbed
            scores = 2 * part.heads * (2 * part.kv_lora_rank + part.rope_dim)
        flops = 2 * (counts.matrices + ffn_matrices(ffn, d)[1] + projection) + counts.recurrent
        compute = self._computing(machine, ffn, d, flops, scores * tokens,
                                  batch * positions, self.batch * positions)  # fmt: skip
        return memory, compute, self._beside(group, d, machine, batch * positions, engine=True)

    def _prefill(self, a: Design) -> Fraction:
        machine, d = self.prefilling, a.d_model
        prompts = self.groups.largest(self.prompts)
        own, every = prompts * self.prompt, self.prompts * self.prompt
        memory, beside = self._outer(a, machine), 0
        compute = machine.time(2 * a.vocab_size * d * prompts / machine.flops)
        for group in a.groups:
            n, part, ffn = group
            counts = mixer(part, d)
            moved = self._read(group, d, machine, every)
            memory += n * (moved + self._states(part, d, machine, prompts))
            beside += n * self._beside(group, d, machine, own, engine=False)
            flops = 2 * (counts.matrices + ffn_matrices(ffn, d)[1]) + counts.recurrent
            scores = counts.scores * seen(part, self.prompt)
            compute += n * self._computing(machine, ffn, d, flops, scores, own, every)
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

    def __init__(self, training: Tables) -> None:
        super().__init__(training)
        self.experts = training.get("expert_parallel", 1)
        self.slices = training.get("expert_tensor_parallel")
        more = exact(training.get("expert_imbalance", 1)) - 1
        self.more = more if self.experts > 1 else Fraction(0)

    def held_of(self, group: Group, d: int, layout: Layout) -> int:
        """Bytes of the states of a layer."""
        ffn, t, p = group.ffn, layout.t, layout.p
        routed = 3 * d * ffn.d_ff * ffn.routed if isinstance(ffn, Experts) else 0
        rest = layer(group, d)[0] - routed
        of_an_expert = Fraction(0)
        for stage, size in enumerate(self.states, start=1):
            x = t if self.slices is None else self.slices
            over = layout.d * t if self.zero >= stage else self.experts * x
            of_an_expert += size / over
        whole = rest * self._of_a_layout(layout)[0] + routed * of_an_expert
        return up(1, whole / p)

    def kept_of(self, group: Group, d: int, t: int, recompute: str) -> int:
        """Bytes that a layer keeps of a microbatch."""
        if recompute == "full":
            o = Fraction(1, t if self.split_rest else 1)
            return up(d, self.tokens * self.a * o)
        width, value, masks, heads = self._of_a_value(t, 2, recompute)
        _, part, ffn = group
        values = within_mixer(part, fused=self.fused) + within_ffn(ffn, d, fused=self.fused)
        scored = 0 if isinstance(part, LINEAR) else part.heads
        sent = 0
        if isinstance(ffn, Experts):
            sent = ffn.active * ((3 if self.fused else 4) * ffn.d_ff + 2 * d)
        return (
            up(sent, value * self.more)
            + up(d, width)
            + up(values, value)
            + up(d, masks)
            + up(scored, heads)
        )

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
            states = self.held_of(group, d, layout)
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
