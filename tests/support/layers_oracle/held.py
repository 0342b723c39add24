"""What serving holds of a design on accelerators, written from docs/reference/accounting.md."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.support.layers_oracle.counts import layer, mixer, seen
from tests.support.layers_oracle.space import Dense, Design, Experts, Group, Grouped, Latent
from tests.support.layers_oracle.ways import Groups
from tests.support.oracle.counts import context_length, value_bytes, weight_bytes
from tests.support.oracle.data import Tables, exact

MODELS = {
    "llama-3.2-1b": Design(2048, 128256, True, (Group(16, Grouped(32, 8, 64), Dense(8192)),)),
    "llama-3-8b": Design(4096, 128256, False, (Group(32, Grouped(32, 8, 128), Dense(14336)),)),
}
"""Models that draft: their model cards and arXiv 2407.21783, table 3."""


@dataclass(frozen=True)
class Drafts:
    """A model that drafts, or the modules that the kinds of layer of a design make."""

    length: int
    acceptance: Fraction
    model: Design | None

    @classmethod
    def of(cls, serving: Tables) -> Drafts:
        given = serving.get("speculation", {})
        model = MODELS[given["model"]] if "model" in given else None
        return cls(given.get("length", 0), exact(given.get("acceptance", 0)), model)

    @property
    def tokens(self) -> Fraction:
        """Tokens of a step."""
        return sum((self.acceptance**n for n in range(self.length + 1)), Fraction(0))


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


def padded(part: Any, d: int, serving: Tables) -> int:
    """Cached values of a token, those of a latent with what fills them up to a multiple."""
    values, multiple = mixer(part, d).cached, serving.get("latent_multiple", 1)
    return -(-values // multiple) * multiple if isinstance(part, Latent) else values


def cached(a: Design, tables: Tables, *, held: bool) -> Fraction:
    """Bytes of the cache on all accelerators, or as many as there are without copies."""
    total = sum(n * _cached(part, a.d_model, tables, held=held) for n, part, _ in a.groups)
    return Fraction(total)


def _cached(part: Any, d: int, tables: Tables, *, held: bool) -> Fraction:
    """Bytes of the cache of a layer."""
    serving, context = tables.get("serving", {}), context_length(tables)
    ways = serving.get("tensor_parallel", 1) if held else 1
    groups, batch = Groups.of(serving), serving.get("batch_size", 1)
    shared = int(exact(serving.get("prefix_reuse", 0)) * context)
    times, once = (groups.held(batch), groups.number) if held else (batch, 1)

    def tokens(of: int) -> int:
        return of if serving.get("kv_policy") == "full" else seen(part, of)

    kept = tokens(context - shared) * times + (tokens(shared) * once if shared else 0)
    return padded(part, d, serving) * kept * copies(part, ways) * value_bytes(serving, "kv")


def state_value(serving: Tables) -> Fraction:
    """Bytes of a value of a state."""
    return exact(serving["state_bytes"]) if "state_bytes" in serving else value_bytes(serving, "kv")


def held_layer(group: Group, d: int, serving: Tables) -> Fraction:
    """Bytes of the weights of a layer on all accelerators."""
    _, part, ffn = group
    size, (all_tokens, expert) = formats(serving), large(ffn, d)
    attention, routed = mixer(part, d).matrices, expert * getattr(ffn, "routed", 0)
    rest = layer(group, d)[0] - attention - all_tokens - routed
    of_a_group = attention * size["attention"] + all_tokens * size["ffn"] + rest * size["other"]
    return of_a_group * Groups.of(serving).number + routed * size["experts"]


def held_outside(a: Design, serving: Tables) -> Fraction:
    """Bytes of embedding, head and final norm on all accelerators."""
    size, outer = formats(serving), a.vocab_size * a.d_model
    total = outer * size["embedding"] + a.d_model * size["other"]
    total += 0 if a.tied else outer * size["head"]
    return total * Groups.of(serving).number


def held_requests(part: Any, d: int, tables: Tables) -> Fraction:
    """Bytes that a layer keeps of all requests: cache and states."""
    serving = tables.get("serving", {})
    groups = Groups.of(serving)
    times = groups.held(serving.get("batch_size", 1))
    times += (
        groups.number if int(exact(serving.get("prefix_reuse", 0)) * context_length(tables)) else 0
    )
    states = mixer(part, d).state * times * state_value(serving)
    return _cached(part, d, tables, held=True) + states


def serving_memory(a: Design, tables: Tables) -> Fraction:
    serving, d = tables.get("serving", {}), a.d_model
    total = held_outside(a, serving) + drafted(a, tables)
    for group in a.groups:
        total += group.count * held_layer(group, d, serving)
        total += group.count * held_requests(group.mixer, d, tables)
    return total / serving.get("accelerators", Groups.of(serving).accelerators)


def drafted(a: Design, tables: Tables) -> Fraction:
    """Bytes of what drafts, on all accelerators."""
    serving = tables.get("serving", {})
    drafts = Drafts.of(serving)
    if not drafts.length:
        return Fraction(0)
    if (model := drafts.model) is not None:
        total = held_outside(model, serving)
        for group in model.groups:
            total += group.count * held_layer(group, model.d_model, serving)
            total += group.count * held_requests(group.mixer, model.d_model, tables)
        return total
    d, other = a.d_model, formats(serving)["other"] * Groups.of(serving).number
    more = (2 * d * d + 3 * d) * other
    weights = max(held_layer(group, d, serving) + more for group in a.groups)
    return weights + max(held_requests(group.mixer, d, tables) for group in a.groups)
