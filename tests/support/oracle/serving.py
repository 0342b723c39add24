"""Latency of serving: the longer of moving bytes and computing, in whole picoseconds."""

from __future__ import annotations

from fractions import Fraction

from tests.support.oracle.counts import (
    context_length,
    copies,
    kv_cache,
    kv_values,
    layer_forward,
    matrices,
    served_weights,
    serving_devices,
    value_bytes,
    weight_bytes,
)
from tests.support.oracle.data import Tables, accelerator, ceil, efficiencies, exact
from tests.support.oracle.space import Design

PICOSECONDS = 10**12


def picoseconds(seconds: Fraction) -> int:
    return round(seconds * PICOSECONDS)


class Machine:
    """The accelerators of [serving] with their efficiencies."""

    def __init__(self, serving: Tables, device: Tables, *, prefill: bool) -> None:
        table, kind = efficiencies(), device["memory_type"]
        row, compute = table["decode"][kind], serving.get("compute", "bf16")
        bits = weight_bytes(serving)[0] * 8
        share = exact(row["16" if bits > 12 else "8" if bits > 6 else "4"])
        if "engine" in serving:
            share *= exact(table["engines"][serving["engine"]].get(kind, 1))
        share = exact(serving.get("memory_efficiency", share))
        reached = exact(serving.get("prefill_efficiency", table["prefill"][compute]))
        n = serving.get("tensor_parallel", 1)
        self.n = n
        self.bandwidth = device["bandwidth"] * share * n
        self.flops = device[f"{compute}_flops"] * reached * n
        self.link = device["link"] if n > 1 else 1
        own = table["prefill"]["overhead"] if prefill else row["overhead"]
        self.overhead = exact(serving.get("overhead", own))
        low, high = table["spread"]["prefill" if prefill else kind]
        spread = {"low": low, "expected": 1, "high": high}
        self.spread = exact(spread[serving.get("latency", "expected")])

    def of_a_layer(self, a: Design, tokens: int) -> int:
        """Overhead and all-reduces."""
        total = picoseconds(self.overhead)
        if self.n > 1:
            moved = Fraction(a.d_model * 2 * 2 * tokens * 2 * (self.n - 1), self.n)
            total += picoseconds(moved / self.link)
            total += picoseconds(2 * exact(efficiencies()["link"]["latency"]))
        return total

    def longer(self, memory: int, compute: int) -> Fraction:
        return Fraction(max(memory, compute), PICOSECONDS) * self.spread


def decode_latency(a: Design, tables: Tables, device: Tables) -> Fraction:
    serving = tables["serving"]
    machine = Machine(serving, device, prefill=False)
    matrix, outer, _ = weight_bytes(serving)
    kv, batch = value_bytes(serving, "kv"), serving.get("batch_size", 1)
    fixed = machine.of_a_layer(a, batch)
    memory = picoseconds(a.vocab_size * a.d_model * outer / machine.bandwidth)
    compute = picoseconds(2 * a.vocab_size * a.d_model * batch / machine.flops)
    for count, seen in a.visible(context_length(tables)):
        cached = kv_values(a) * copies(a, serving) * batch * seen
        moved = picoseconds(matrices(a) * matrix / machine.bandwidth)
        moved += picoseconds(cached * kv / machine.bandwidth)
        memory += count * (moved + fixed)
        computed = picoseconds(layer_forward(a, seen) * batch / machine.flops)
        compute += count * (computed + fixed)
    return machine.longer(memory, compute)


def prefill_latency(a: Design, tables: Tables, device: Tables) -> Fraction:
    serving = tables["serving"]
    machine = Machine(serving, device, prefill=True)
    matrix, outer, _ = weight_bytes(serving)
    prompt = serving.get("prompt_length", context_length(tables))
    prompts = serving.get("prompts", 1)
    tokens = prompts * prompt
    fixed = machine.of_a_layer(a, tokens)
    memory = picoseconds(a.vocab_size * a.d_model * outer / machine.bandwidth)
    compute = picoseconds(2 * a.vocab_size * a.d_model * prompts / machine.flops)
    for count, seen in a.visible(prompt):
        memory += count * (picoseconds(matrices(a) * matrix / machine.bandwidth) + fixed)
        compute += count * (picoseconds(layer_forward(a, seen) * tokens / machine.flops) + fixed)
    return machine.longer(memory, compute)


def latencies(a: Design, tables: Tables) -> dict[str, Fraction]:
    """Latencies and throughput, if the accelerator has the figures."""
    serving = tables.get("serving", {})
    device = accelerator(serving)
    needed = ["bandwidth", f"{serving.get('compute', 'bf16')}_flops"]
    needed += ["link"] if serving.get("tensor_parallel", 1) > 1 else []
    if device is None or any(name not in device for name in needed):
        return {}
    step = decode_latency(a, tables, device)
    return {
        "decode_latency": step,
        "decode_throughput": serving.get("batch_size", 1) / step,
        "prefill_latency": prefill_latency(a, tables, device),
    }


def estimates(a: Design, tables: Tables) -> dict[str, dict[str, Fraction]] | None:
    """Latencies by estimate; None if they cannot be known."""
    found: dict[str, dict[str, Fraction]] = {"decode_latency": {}, "prefill_latency": {}}
    for estimate in ("low", "expected", "high"):
        serving = tables.get("serving", {}) | {"latency": estimate}
        values = latencies(a, tables | {"serving": serving})
        if not values:
            return None
        for name, by_estimate in found.items():
            by_estimate[estimate] = values[name]
    return found


def room(a: Design, tables: Tables) -> dict[str, int] | None:
    """Memory of an accelerator for the cache; None if its memory is not known."""
    serving = tables.get("serving", {})
    device = accelerator(serving)
    if device is None or "memory" not in device:
        return None
    devices, held = serving_devices(serving), copies(a, serving)
    share = exact(serving.get("memory_utilization", 0.9))
    reserve = exact(serving.get("memory_reserve", 3 * 2**30))
    usable = max(0, (device["memory"] * share - reserve) // 1)
    weights = ceil(Fraction(served_weights(a, tables)) / devices)
    pool = max(0, usable - weights)
    token = a.layers * kv_values(a) * value_bytes(serving, "kv") * held / devices
    request = Fraction(held * kv_cache(a, tables)) / devices / serving.get("batch_size", 1)
    return {"usable_memory": usable, "weights": weights, "kv_pool": pool,
            "kv_tokens": pool // token, "requests": pool // request}  # fmt: skip
