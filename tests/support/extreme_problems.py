"""Small random problems with extreme settings: log-uniform numbers at both ends of what is read."""

from __future__ import annotations

import random
from typing import Any

from tests.support.spelled import spelled

OBJECTIVES = (
    "loss", "loss", "training_flops", "tokens", "parameters", "non_embedding_parameters",
    "serving_memory", "kv_cache", "kv_bytes_per_token", "inference_flops_per_token",
    "decode_latency", "prefill_latency", "training_time", "training_cost", "training_energy",
    "training_memory", "lifetime_flops", "lifetime_cost", "layers", "d_model", "active_parameters",
)  # fmt: skip
SIZES = {
    "training_flops": 1e22, "tokens": 1e11, "parameters": 1e9, "non_embedding_parameters": 1e9,
    "active_parameters": 1e9,
    "serving_memory": 1e9, "kv_cache": 1e9, "kv_bytes_per_token": 1e5, "training_memory": 1e10,
    "inference_flops_per_token": 1e9, "decode_latency": 1e-2, "prefill_latency": 1e-1,
    "training_time": 1e6, "training_cost": 1e5, "training_energy": 1e5, "lifetime_flops": 1e23,
    "lifetime_cost": 1e6, "layers": 6, "d_model": 700, "decode_throughput": 100.0, "loss": 2.5,
}  # fmt: skip
"""About what a design of `extreme_tables` uses under ordinary settings."""
_ONLY_MOST = {
    "training_time", "training_cost", "training_energy", "lifetime_flops", "lifetime_cost",
    "decode_latency", "prefill_latency", "training_memory",
}  # fmt: skip


class Draw(random.Random):
    """Random settings; `wild` is the chance that a number is extreme."""

    wild = 0.3

    def near(self, value: float, decades: float = 1.0, most: float = 300) -> float:
        """A number near a value, or an extreme one of so many decades."""
        if self.random() < self.wild / 10:
            return float(f"{10 ** self.uniform(-300, 300):.3g}")
        if self.random() < self.wild / 2:
            return float(f"{10 ** self.uniform(-most, most):.3g}")
        if self.random() < self.wild:
            return float(f"{value * 10 ** self.uniform(-15, 15):.3g}")
        return float(f"{value * 10 ** self.uniform(-decades, decades):.6g}")

    def count(self, *usual: int) -> int:
        """A whole number: one of the usual ones, or any up to the largest that is read."""
        if self.random() < self.wild:
            return min(round(2 ** self.uniform(0, 31)), 2**31)
        return self.choice(usual)

    def setting(self, usual: float) -> float:
        """A price, figure or duration, mostly in the range that is read."""
        return self.near(usual, most=30)

    def share(self, usual: float) -> float:
        """A share: the usual one, a tiny one or one."""
        if self.random() < self.wild:
            return self.choice([1.0, float(f"{10 ** self.uniform(-31, 0):.3g}")])
        return usual

    def limit(self, name: str) -> Any:
        """A limit on a quantity, of one side or both."""
        value = self.near(SIZES[name])
        if name == "decode_throughput":
            return {"min": value}
        if name in _ONLY_MOST:
            return value
        kind = self.random()
        if kind < 0.6:
            return value
        if kind < 0.75:
            return {"min": value}
        if kind < 0.85:
            return {"min": value, "max": value}
        other = self.near(SIZES[name])
        return {"min": min(value, other), "max": max(value, other)}


def extreme_tables(seed: int, wild: float | None = None) -> dict[str, Any]:
    """A problem as the tables of its file, of at most some hundreds of designs."""
    r = Draw(seed)
    r.wild = r.choice([0.0, 0.05, 0.2, 0.5]) if wild is None else wild
    quantity = r.choice(OBJECTIVES)
    free = quantity in ("tokens", "parameters", "kv_cache", "layers", "d_model", "serving_memory")
    sense = "maximize" if free and r.random() < 0.4 else "minimize"
    space: dict[str, Any] = {
        "layers": r.choice([{"min": 2, "max": r.randint(2, 12)}, [2, 4, 8], 4, [1, 1000]]),
        "d_model": r.choice([[256, 512, 1024], [512], {"min": 256, "max": 768}, [256, 1_048_576]]),
        "vocab_size": r.choice([32000, [1024, 128256], 2**31, 50304]),
        "block": r.choice(["llama", "llama", "gpt2", ["llama", "gpt2"], "gemma2"]),
    }
    if r.random() < 0.4:
        space["kv_heads"] = r.choice([[1, 2], [1], [2, 4]])
    if r.random() < 0.4:
        space["d_ff"] = r.choice([[2048], [1024, 4096], 2**31])
    training: dict[str, Any] = {
        "sequence_length": r.count(1024, 4096),
        "flops": r.choice(["exact", "exact", "causal", "6ND"]),
        "recompute": r.choice(["none", "none", "selective", "full"]),
        "custom_accelerator": _accelerator(r),
        "price_per_hour": r.setting(2.0),
        "mfu": r.share(0.4),
    }
    if r.random() < 0.6:
        training["accelerators"] = r.count(1, 8, 100)
        training["tensor_parallel"] = r.choice([1, 1, [1, 2]])
        if r.random() < 0.3:
            training["pipeline_parallel"] = r.choice([1, [1, 2]])
        training["data_parallel"] = r.choice([[1, 2, 4], 1])
        training["accelerators"] = max(training["accelerators"], 16)
    if r.random() < 0.2:
        training["microbatch_size"] = r.count(1, 4)
    if r.random() < 0.1:
        training["unique_tokens"] = r.choice([1, 1e300, r.near(1e10)])
    serving: dict[str, Any] = {
        "custom_accelerator": _accelerator(r),
        "batch_size": r.count(1, 16),
        "context_length": r.count(2048, 8192),
        "weight_bytes": r.choice([2, 1, 0.5, 0.123456789]),
        "kv_bytes": r.choice([2, 1, 0.3]),
    }
    for name, usual in (("prompts", (1, 4)), ("prompt_length", (512, 4096))):
        if r.random() < 0.4:
            serving[name] = r.count(*usual)
    for name, of in (("memory_efficiency", 0.7), ("prefill_efficiency", 0.5)):
        if r.random() < 0.3:
            serving[name] = r.share(of)
    if r.random() < 0.2:
        serving["overhead"] = r.choice([0, r.setting(1e-5)])
    if r.random() < 0.3:
        serving["accelerators"] = r.count(1, 2, 8)
    if r.random() < 0.2:
        serving["tensor_parallel"] = r.choice([2, 4])
        serving["accelerators"] = serving["tensor_parallel"]
    lifetime = {
        "inference_tokens": r.near(1e12, most=100), "prefill_share": r.choice([0, 1, 0.8]),
        "prefill_mfu": r.share(0.5), "decode_mfu": r.share(0.01),
    }  # fmt: skip
    budgets = {}
    for name in SIZES:
        if r.random() < (0.5 if name == "training_flops" else 0.12):
            budgets[name] = r.limit(name)
    if r.random() < 0.35:
        value = r.near(SIZES["tokens"])
        training["tokens"] = r.choice([value, {"max": value}, {"min": value}])
    if sense == "minimize" and "loss" not in budgets and r.random() < 0.4:
        budgets["loss"] = round(r.uniform(2.0, 6.0), 3)
    law = r.choice(["besiroglu-2024", "kaplan-2020", "hoffmann-2022", "own", "terms"])
    found = {
        "name": f"extreme {seed}", "space": space, "training": training, "serving": serving,
        "lifetime": lifetime, "budgets": budgets,
        "objective": {sense: quantity, "law": law},
    }  # fmt: skip
    if law == "own":
        found["laws"] = {
            "own": {"E": r.choice([0.0, 1.5, r.near(1.0)]), "A": r.near(300.0),
                    "alpha": _exponent(r), "B": r.near(900.0), "beta": _exponent(r),
                    "outer": r.choice([1.0, 1.0, _exponent(r)])}
        }  # fmt: skip
    elif law == "terms":
        found["laws"] = {
            "terms": {"E": r.choice([0.0, 1.5, r.near(1.0)]), "terms": [
                {"coefficient": r.near(400.0), "parameters": -_exponent(r)},
                {"coefficient": r.near(900.0), "tokens": -_exponent(r)},
                {"coefficient": r.choice([1, -1]) * r.near(0.1), "d_model": _exponent(r),
                 "layers": -_exponent(r)},
            ]}
        }  # fmt: skip
    if law != "terms":
        found["objective"]["shape"] = r.choice(["gemstones-2025", "none"])
    return spelled(found)


def contradictory_tables(seed: int) -> dict[str, Any]:
    """As `extreme_tables`, with more limits: floors of some quantities against caps of others."""
    found = extreme_tables(seed, wild=None if seed % 2 else 0.0)
    r = Draw(-seed)
    r.wild = 0.1
    budgets = found["budgets"]
    for name in r.sample(sorted(SIZES), 4):
        budgets.setdefault(name, r.limit(name))
    if r.random() < 0.5:
        budgets["training_flops"] = {"min": float(f"{10 ** r.uniform(20, 27):.3g}")}
    if isinstance(budgets.get("loss"), dict) and r.random() < 0.7:
        del budgets["loss"]
    return spelled(found)


def _accelerator(r: Draw) -> dict[str, Any]:
    return {
        "name": "x", "bandwidth": r.setting(2e12), "bf16_flops": r.setting(1e15),
        "memory": r.setting(8e10), "link": r.setting(1e11), "watts": r.setting(700.0),
    }  # fmt: skip


def _exponent(r: Draw) -> float:
    if r.random() < r.wild:
        return r.choice([500.0, 1e-300, 20.0, 1e-6, 3.0])
    return round(r.uniform(0.1, 0.6), 3)
