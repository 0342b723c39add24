"""Latency of serving: moving bytes and computing, in whole picoseconds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from tests.support.oracle.counts import (
    attention_matrices,
    context_length,
    copies,
    kv_cache,
    kv_values,
    layer_forward,
    matrices,
    served_weights,
    serving_devices,
    serving_memory,
    smallest_matrix,
    value_bytes,
    weight_bytes,
)
from tests.support.oracle.data import Tables, accelerator, ceil, efficiencies, exact
from tests.support.oracle.limits import Limit, usable_memory
from tests.support.oracle.money import of_a_million_tokens, of_a_served_token, serving_price
from tests.support.oracle.space import Design

PICOSECONDS = 10**12
MOST_REQUESTS = 10**6


def picoseconds(seconds: Fraction) -> int:
    return round(seconds * PICOSECONDS)


def engine_of(serving: Tables, device: Tables) -> str:
    """The engine named, or that of a server or of another device."""
    kind = device["memory_type"]
    server = device.get("server", kind == "HBM")
    usual = "vllm" if kind == "HBM" or (kind == "GDDR" and server) else "llama.cpp"
    return str(serving.get("engine", usual))


def closest(bits: Fraction) -> str:
    return "16" if bits > 12 else "8" if bits > 6 else "4"


class Machine:
    """The accelerators of [serving] with their efficiencies."""

    def __init__(
        self, serving: Tables, device: Tables, *, prefill: bool, tokens: Fraction = Fraction(1)
    ) -> None:
        self.tokens = tokens  # of a step: each product is divided by them, and then rounded
        table, kind = efficiencies(), device["memory_type"]
        precision = serving.get("compute", "bf16")
        self.engine = engine_of(serving, device)
        how = table["engines"][self.engine]
        apple = how.get(f"{device.get('vendor', '')} {kind}")
        apart = apple or how.get(kind, {})
        row = table["decode"][kind] | apart
        shares = {
            bits: exact(serving.get("memory_efficiency", row[bits])) for bits in ("16", "8", "4")
        }
        share = shares[closest(smallest_matrix(serving) * 8)]
        reached = exact(table["prefill"][precision])
        own = table["prefill"]["overhead"]
        if not prefill:
            reached = exact(how.get("compute", reached))
            own = apart.get("overhead", how.get("overhead", row["overhead"]))
        reached = exact(serving.get("prefill_efficiency", reached))
        n = serving.get("tensor_parallel", 1)
        self.n = n
        self.bandwidth = device["bandwidth"] * share * n
        self.plain = device["bandwidth"] * shares["16"] * n
        self.flops = device[f"{precision}_flops"] * reached * n
        in_sixteen = exact(table["prefill"]["bf16"])
        if not prefill:
            in_sixteen = exact(how.get("compute", in_sixteen))
        in_sixteen = exact(serving.get("prefill_efficiency", in_sixteen))
        self.scores = device.get("bf16_flops", device[f"{precision}_flops"]) * in_sixteen * n
        self.link = device["link"] if n > 1 else 1
        self.overhead = self.time(exact(serving.get("overhead", own)))
        self.link_latency = self.time(2 * exact(table["link"]["latency"]))
        self.how = {} if prefill else how
        self.fp8 = precision == "fp8"
        ratio = table["spread"]["prefill"]
        if not prefill:
            kinds = {kind, f"{device.get('vendor', '')} {kind}"}
            ratio = next(r["ratio"] for r in table["spread"]["decode"] if self._is(r, kinds))
        spread = {"low": ratio[0], "expected": 1, "high": ratio[1]}
        self.spread = exact(spread[serving.get("latency", "expected")])
        if not prefill:
            self.alone = 1 - exact(serving.get("interference", 0))
            self.spread /= self.alone

    def time(self, seconds: Fraction) -> int:
        """Picoseconds of what takes so many seconds a step, for a token of it."""
        return picoseconds(seconds / self.tokens)

    def read(self, weights: Fraction | int, each: Fraction) -> int:
        """Picoseconds of reading weights of so many bytes."""
        reached = self.plain if closest(each * 8) == "16" else self.bandwidth
        return self.time(weights * each / reached)

    def _is(self, row: Tables, kinds: set[str]) -> bool:
        return (
            self.engine in row.get("engines", [self.engine])
            and not kinds.isdisjoint(row.get("memory", kinds))
            and self.n <= row.get("ways", math.inf)
        )

    def of_a_layer(self, d_model: int, tokens: int) -> int:
        """Overhead and all-reduces."""
        total = self.overhead
        if self.n > 1:
            moved = Fraction(d_model * 2 * 2 * tokens * 2 * (self.n - 1), self.n)
            total += self.time(moved / self.link) + self.link_latency
        return total

    def of_experts(self, values: Fraction | int, tokens: int, each: Fraction) -> int:
        """What a layer takes for its experts, which are sent `values` of a token."""
        total = self.time(values * tokens * exact(self.how.get("routed_value", 0)))
        if self.fp8 or closest(each * 8) == "8":
            total += self.time(exact(self.how.get("mixture_8_bits", 0)))
        return total

    def of_sequences(self, sequences: int) -> int:
        return self.time(sequences * exact(self.how.get("sequence", 0)))

    def computing(self, a: Design, seen: int, tokens: int) -> int:
        """A layer of some tokens."""
        scores = 4 * seen * a.heads * a.head_dim
        return self.computed(layer_forward(a, seen) - scores, scores, tokens)

    def computed(self, rest: int, scores: int, tokens: int) -> int:
        """FLOPs of each token; scores and values are in 16 bits, at another rate if any."""
        if self.scores == self.flops:
            return self.time((rest + scores) * tokens / self.flops)
        return self.time(rest * tokens / self.flops) + self.time(scores * tokens / self.scores)

    @property
    def adds(self) -> bool:
        return bool(self.how.get("step") == "sum")

    def step(self, memory: int, compute: int, beside: int, *, summed: bool = False) -> Fraction:
        """Seconds of a step that takes the longer of two times, or their sum."""
        both = memory + compute if self.adds or summed else max(memory, compute)
        return Fraction(both + beside, PICOSECONDS) * self.spread


class Latencies:
    """Latencies and throughput of designs; none if the accelerator lacks a figure."""

    def __init__(self, tables: Tables) -> None:
        self.tables, self.serving = tables, (serving := tables.get("serving", {}))
        self.context = context_length(tables)
        self.prompt = serving.get("prompt_length", self.context)
        self.batch, self.prompts = serving.get("batch_size", 1), serving.get("prompts", 1)
        self.held = weight_bytes(serving)
        self.kv = value_bytes(serving, "kv")
        device = accelerator(serving)
        needed = ["bandwidth", f"{serving.get('compute', 'bf16')}_flops"]
        needed += ["link"] if serving.get("tensor_parallel", 1) > 1 else []
        self.known = device is not None and all(name in device for name in needed)
        if device is not None and self.known:
            self.decoding = Machine(serving, device, prefill=False)
            self.prefilling = Machine(serving, device, prefill=True)

    def of(self, a: Design) -> dict[str, Fraction]:
        if not self.known:
            return {}
        step, prefill = self._decode(a), self._prefill(a)
        found = {
            "decode_latency": step,
            "decode_throughput": self.batch / step,
            "tokens_per_second_per_user": 1 / step,
            "prefill_latency": prefill,
        }
        paid = step * self.decoding.alone if "output_length" in self.serving else step
        cost = of_a_million_tokens(self.tables, paid, prefill)
        if cost is not None:
            found["serving_cost"] = cost
        if "output_length" in self.serving:
            answer = self.serving["output_length"] * step * self.decoding.alone / self.batch
            found["request_time"] = answer + prefill / self.prompts
            found["requests_per_second"] = 1 / found["request_time"]
        if self.stepped:
            prompt = self._prefill(a, summed=True) / self.prompts / self.prompt
            answer = step * self.decoding.alone / self.batch
            found["served"] = of_a_served_token(self.tables, answer, prompt)
        return found

    @property
    def stepped(self) -> bool:
        """Whether served tokens of a lifetime have a price, by the steps."""
        lifetime = self.tables.get("lifetime", {})
        return (
            lifetime.get("throughput") == "step"
            and "prefill_share" in lifetime
            and serving_price(self.tables) is not None
            and self.known
            and self.decoding.adds
        )

    def _decode(self, a: Design) -> Fraction:
        machine, batch = self.decoding, self.batch
        beside = a.layers * machine.of_a_layer(a.d_model, batch) + machine.of_sequences(batch)
        memory = self._outer(a, machine)
        compute = picoseconds(2 * a.vocab_size * a.d_model * batch / machine.flops)
        for count, seen in a.visible(self.context):
            cached = kv_values(a) * copies(a, self.serving) * batch * seen
            moved = self._layer(a, machine)
            moved += picoseconds(cached * self.kv / machine.plain)
            memory += count * moved
            compute += count * machine.computing(a, seen, batch)
        return machine.step(memory, compute, beside)

    def _outer(self, a: Design, machine: Machine) -> int:
        """Reading the head, which is the embedding if tied."""
        each = self.held["embedding" if a.tied else "head"]
        return machine.read(a.vocab_size * a.d_model, each)

    def _layer(self, a: Design, machine: Machine) -> int:
        """Reading the matrices of a layer: those of one format at once."""
        attention = attention_matrices(a)
        parts = {"attention": attention, "ffn": matrices(a) - attention}
        formats = {self.held[part] for part in parts}
        return sum(
            machine.read(sum(n for part, n in parts.items() if self.held[part] == each), each)
            for each in formats
        )

    def _prefill(self, a: Design, *, summed: bool = False) -> Fraction:
        machine, tokens = self.prefilling, self.prompts * self.prompt
        beside = a.layers * machine.of_a_layer(a.d_model, tokens)
        memory = self._outer(a, machine)
        compute = picoseconds(2 * a.vocab_size * a.d_model * self.prompts / machine.flops)
        for count, seen in a.visible(self.prompt):
            memory += count * self._layer(a, machine)
            compute += count * machine.computing(a, seen, tokens)
        return machine.step(memory, compute, beside, summed=summed)


def at_once(a: Design, tables: Tables, limited: Iterable[Limit]) -> Fraction | None:
    """The most requests that fit and keep the limits; None if the memory is not known."""
    if (usable := usable_memory(tables.get("serving", {}))) is None:
        return None
    most = {"serving_memory": [Fraction(usable)], "kv_cache": [], "decode_latency": []}
    for limit in limited:
        if limit.side == "max" and limit.name in most:
            most[limit.name].append(limit.value)

    def keeps(batch: int) -> bool:
        here = tables | {"serving": tables.get("serving", {}) | {"batch_size": batch}}
        used = {"kv_cache": kv_cache, "serving_memory": serving_memory}
        if any(cost(a, here) > end for name, cost in used.items() for end in most[name]):
            return False
        ends = most["decode_latency"]
        return not ends or Latencies(here).of(a)["decode_latency"] <= min(ends)

    low, high = 0, 1
    while keeps(high) and high < MOST_REQUESTS:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return Fraction(min(low, MOST_REQUESTS))


def estimates(a: Design, tables: Tables) -> dict[str, dict[str, Fraction]] | None:
    """Latencies by estimate; None if they cannot be known."""
    found: dict[str, dict[str, Fraction]] = {"decode_latency": {}, "prefill_latency": {}}
    for estimate in ("low", "expected", "high"):
        serving = tables.get("serving", {}) | {"latency": estimate}
        values = Latencies(tables | {"serving": serving}).of(a)
        if not values:
            return None
        for name, by_estimate in found.items():
            by_estimate[estimate] = values[name]
    return found


def room(a: Design, tables: Tables) -> dict[str, int] | None:
    """Memory of an accelerator for the cache; None if its memory is not known."""
    serving = tables.get("serving", {})
    if (usable := usable_memory(serving)) is None:
        return None
    devices, held = serving_devices(serving), copies(a, serving)
    weights = ceil(Fraction(served_weights(a, tables)) / devices)
    pool = max(0, usable - weights)
    token = a.layers * kv_values(a) * value_bytes(serving, "kv") * held / devices
    return {"usable_memory": usable, "weights": weights, "kv_pool": pool,
            "kv_tokens": pool // token, "requests": int(at_once(a, tables, ()) or 0)}  # fmt: skip
