"""Small random problems with kinds of layer and experts, the same for a seed.

Limits are put at the figures of designs: some leave several designs, some one, some none.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

from tests.support.layers_oracle.laws import PESSIMIST
from tests.support.layers_oracle.search import OF_TOKENS, Oracle
from tests.support.layers_oracle.tables import Tables, menu
from tests.support.layers_oracle.ways import designs

MOST = 3000  # designs
KINDS = ("dense", "windows", "latent", "experts", "linear", "mixed")
BETWEEN = {"windows": ["window"], "linear": ["gated-deltanet", "mamba2"],
           "mixed": ["window", "gated-deltanet", "mamba2"], "latent": ["gated-deltanet"]}  # fmt: skip
COSTS = ("parameters", "active_parameters", "non_embedding_parameters", "serving_memory", "kv_cache",
         "kv_bytes_per_token", "inference_flops_per_token", "layers", "d_model")  # fmt: skip
OBJECTIVES = (
    *[("minimize", "loss")] * 9,
    *(("minimize", name) for name in COSTS[:7]),
    ("minimize", "training_flops"),
    ("minimize", "tokens"),
    ("maximize", "tokens"),
    ("maximize", "parameters"),
    ("maximize", "active_parameters"),
)


SPECULATIONS = (
    {"kind": "mtp", "length": 1, "acceptance": 0.85},
    {"kind": "mtp", "length": 3, "acceptance": 0.3},
    {"kind": "mtp", "length": 0, "acceptance": 0.5},
    {"kind": "draft", "model": "llama-3.2-1b", "length": 4, "acceptance": 0.7},
    {"kind": "draft", "model": "llama-3-8b", "length": 2, "acceptance": 1},
)


def tables(seed: int) -> Tables:
    """The problem of a seed, as the tables of its file."""
    r = random.Random(f"layers {seed}")
    while True:
        found = unlimited(r, seed)
        if not _shrink(r, found):
            continue
        oracle = Oracle(found)
        if oracle.points:
            return _limited(r, found, oracle, infeasible=seed % 9 == 8)


def shrunk(r: random.Random, seed: int) -> Tables | None:
    """A problem as `unlimited` draws it, of few designs; None where its space has none or one."""
    found = unlimited(r, seed)
    return found if _shrink(r, found) else None


def unlimited(r: random.Random, seed: int) -> Tables:
    """A space with its settings, and no limit but one of tokens or FLOPs."""
    kind = KINDS[seed % len(KINDS)]
    sequence = r.choice([2048, 4096, 8192])
    objective: Tables = {"ablations": r.choice(["middle", "middle", "low", "high", "none"])}
    budgets: Tables = {}
    training: Tables = {
        "sequence_length": sequence,
        "flops": r.choice(["exact", "exact", "causal", "6ND"]),
    }
    if r.random() < 0.15:
        training["recompute"] = "full"
    flops = float(f"{10 ** r.uniform(20.5, 24.5):.3g}")
    tokens = float(f"{flops**0.5 * 10 ** r.uniform(0.2, 1.2):.3g}")
    rule = r.choice(["flops", "flops", "most", "fixed", "both"])
    if rule in ("flops", "both"):
        budgets["training_flops"] = flops
    if rule in ("most", "both"):
        training["tokens"] = {"max": tokens}
    elif rule == "fixed":
        training["tokens"] = tokens
    if kind in ("experts", "mixed") or r.random() < 0.2:
        objective["experts"] = r.choice(["tian-2025", "tian-2025", "tian-2025", "active", "total"])
        if "training_flops" in budgets and r.random() < 0.4:
            objective["leverage_flops"] = "budget"
        elif r.random() < 0.4:
            objective["leverage_flops"] = r.choice([1e19, 1e21, 6.5e22, 1e25])
    if r.random() < 0.2:
        objective["shape"] = "none"
    objective["law"] = r.choice([*["besiroglu-2024"] * 5, "hoffmann-2022", PESSIMIST, "own"])
    if r.random() < 0.1:
        training["tensor_parallel"] = 2
    if r.random() < 0.1:
        training["pipeline_parallel"] = r.choice([2, 3])
    found = {
        "name": f"layers {seed}: {kind}",
        "space": _space(r, kind, free=(seed // len(KINDS)) % 2 == 0),
        "training": training,
        "serving": _serving(r, sequence),
        "budgets": budgets,
        "objective": objective,
    }
    if objective["law"] == "own":
        found["laws"] = {"own": _law(r, kind)}
    return found


def _law(r: random.Random, kind: str) -> Tables:
    """A law of a problem's own: in N and D, or with a term of which the evidence is dropped."""
    if kind not in ("dense", "windows"):
        return {"E": 1.5, "A": 300.0, "alpha": 0.31, "B": 900.0, "beta": 0.33,
                "outer": r.choice([1.0, 0.9]),
                "parameters": r.choice(["total", "non_embedding"])}  # fmt: skip
    seen = r.choice([{"kv_group": 0.5}, {"kv_heads": -0.5}, {"ffn_ratio": 0.7}])
    terms = [{"parameters": -0.34, "coefficient": 450.0}, {"tokens": -0.37, "coefficient": 2000.0},
             {"coefficient": 0.01} | seen]  # fmt: skip
    return {"E": 1.7, "terms": terms}


def _serving(r: random.Random, sequence: int) -> Tables:
    found: Tables = {
        "batch_size": r.choice([1, 4, 16, 64]),
        "accelerators": r.choice([1, 1, 2, 8]),
        "weight_bytes": r.choice([2, 1, 0.5]),
        "kv_bytes": r.choice([2, 1]),
    }
    if r.random() < 0.8:
        found["context_length"] = r.choice([1024, sequence, 32768, 131072])
    if r.random() < 0.15:
        found["tensor_parallel"] = found["accelerators"]
    if r.random() < 0.2:
        found["kv_policy"] = "full"
    if r.random() < 0.2:
        found["state_bytes"] = r.choice([2, 4])
    own = random.Random(repr(found))  # a stream of its own: other draws stay what they were
    return found | _shared(own, found["accelerators"], found.get("tensor_parallel", 1))


def _shared(r: random.Random, accelerators: int, t: int) -> Tables:
    """Groups of accelerators, padded latents and speculation, each in some problems."""
    found: Tables = {}
    groups = r.choice([n for n in (1, 2, 4, 8) if accelerators % (n * t) == 0])
    if r.random() < 0.5:
        found["attention_data_parallel"] = groups
        found["expert_parallel"] = r.choice([e for e in (1, 2, 4, 8) if groups * t % e == 0])
    if r.random() < 0.25:
        found["latent_multiple"] = r.choice([128, 100])
    if r.random() < 0.25:
        found["speculation"] = r.choice(SPECULATIONS)
    if r.random() < 0.25:
        found["prefix_reuse"] = r.choice([0.5, 0.999, 1e-9])
    return found


def _some(r: random.Random, values: list[Any], most: int = 3) -> Any:
    """A menu of these, or one of them."""
    found = sorted(r.sample(values, r.randint(1, min(most, len(values)))))
    return found[0] if len(found) == 1 and r.random() < 0.7 else found


def _space(r: random.Random, kind: str, *, free: bool) -> Tables:
    low = r.randint(2, 40)
    base = 256 * r.randint(2, 16)
    space: Tables = {
        "layers": r.choice([{"min": low, "max": low + r.randint(0, 12)},
                            {"min": low, "max": low + 24, "step": r.choice([3, 5, 8])},
                            sorted(r.sample(range(2, 80), 5))]),
        "d_model": r.choice([{"min": base, "max": base + 768, "step": 256},
                             _some(r, [base, base + 128, base + 256, 2 * base])]),
        "vocab_size": r.choice([32000, 128256, [32000, 50304]]),
        "tied_embeddings": r.choice([True, False, [True, False]]),
    }  # fmt: skip
    heads = r.choice(["head_dim", "head_dim", "heads", "both", "none"])
    if heads in ("head_dim", "both"):
        space["head_dim"] = r.choice([128, [64, 128], [64, 128, 256]])
    if heads in ("heads", "both"):
        space["heads"] = _some(r, [8, 16, 24, 32])
    kv = r.choice(["kv_heads", "kv_heads", "kv_group", "none"])
    if kv != "none":
        space[kv] = _some(r, [1, 2, 4, 8])
    ffn = r.choice(["ratio", "ratio", "d_ff", "none"])
    if ffn == "ratio":
        space["ffn_ratio"] = r.choice([[2.6667, 4.0], 3.5, [2, 2.5, 6]])
        space["ffn_multiple"] = r.choice([64, 256, [64, 256]])
    elif ffn == "d_ff":
        space["d_ff"] = _some(r, [2048, 8192, 11008, 28672])
    if r.random() < 0.4:
        space["aspect_ratio"] = r.choice([{"min": 20, "max": 200}, {"min": 40}, {"max": 128}])
    if kind in BETWEEN and (kind != "latent" or r.random() < 0.5):
        _between(r, space, kind, free)
    if kind == "latent" or (kind == "mixed" and r.random() < 0.6):
        space["attention"] = r.choice(["latent", ["grouped", "latent"]])
        space["latent"] = _latent(r)
    if kind in ("experts", "mixed") or (kind in ("latent", "linear") and r.random() < 0.4):
        space["experts"] = _experts(r, base)
    return space


def _between(r: random.Random, space: Tables, kind: str, free: bool) -> None:
    kinds = _some(r, BETWEEN[kind])
    if kind == "mixed" and "window" in kinds and "gated-deltanet" not in kinds:
        kinds = [*([kinds] if isinstance(kinds, str) else kinds), "gated-deltanet"]
    if kinds != "window" or r.random() < 0.5:
        space["between"] = kinds
    if free:
        least = r.randint(1, 4)
        space["full_layers"] = {"min": least, "max": least + r.randint(1, 5)}
    else:
        space["full_every"] = _some(r, [1, 2, 3, 4, 6, 9, 12], 4)
    if "window" in kinds:
        space["window"] = _some(r, [128, 512, 777, 1024, 4096, 8192])
    if "gated-deltanet" in kinds and r.random() < 0.5:
        space["linear"] = r.choice(
            [{"key_heads": [8, 16]}, {"value_heads": [32, 48], "value_dim": 64}, {"conv": 3}]
        )
    elif "mamba2" in kinds and r.random() < 0.6:
        space["linear"] = r.choice([{"heads": [64, 128], "state": 64}, {"groups": [1, 8]}])


def _latent(r: random.Random) -> Tables:
    found: Tables = {"heads": _some(r, [16, 32, 40, 128])}
    if r.random() < 0.6:
        found["kv_lora_rank"] = _some(r, [128, 256, 512, 1024])
    if r.random() < 0.6:
        found["q_lora_rank"] = _some(r, [0, 768, 1536])
    for name, values in (
        ("rope_dim", [32, 64]),
        ("nope_dim", [64, 128]),
        ("value_dim", [64, 128, 192]),
    ):
        if r.random() < 0.2:
            found[name] = _some(r, values, 2)
    return found


def _experts(r: random.Random, base: int) -> Tables:
    found: Tables = {
        "routed": _some(r, [0, 0, 2, 8, 32, 64, 128, 256, 384], 4),
        "active": _some(r, [1, 2, 4, 6, 8]),
    }
    if r.random() < 0.7:
        found["granularity"] = _some(r, [1, 2, 3, 4, 8, 16, 400], 2)
        if r.random() < 0.4:
            found["ffn_multiple"] = r.choice([1, 128, 256])
    else:
        found["d_ff"] = _some(r, [base // 4, base // 2, 1408, 2048], 2)
    if r.random() < 0.6:
        found["shared"] = _some(r, [0, 1, 2], 2)
    if r.random() < 0.6:
        found["dense_layers"] = _some(r, [0, 1, 3, 7], 3)
    return found


def _menus(space: Tables) -> list[tuple[Tables, str, list[Any]]]:
    """Menus of several values, with the table that each is in."""
    found = []
    for name, value in space.items():
        if name in ("latent", "experts", "linear"):
            found += _menus(value)
        elif name != "aspect_ratio":
            values = menu(value, 128 if name == "d_model" else 1)
            found += [(space, name, values)] if len(values) > 1 else []
    return found


def _shrink(r: random.Random, found: Tables) -> bool:
    """Halve menus until the space is small; whether that leaves designs."""
    while True:
        count = 1
        menus = _menus(found["space"])
        for _, _, values in menus:
            count *= len(values)
        if count <= 20 * MOST:
            number = len(designs(found))
            if number <= MOST:
                return number > 1
        table, name, values = max(menus, key=lambda row: len(row[2]) + r.random())
        kept = sorted(r.sample(values, len(values) // 2), key=values.index)
        table[name] = kept if len(kept) > 1 else kept[0]


def _limited(r: random.Random, found: Tables, oracle: Oracle, *, infeasible: bool) -> Tables:
    """Limits at figures of the designs, and an objective."""
    sense, quantity = r.choice(OBJECTIVES)
    budgets = found["budgets"]
    found["objective"] = {sense: quantity} | found["objective"]
    points, few = oracle.points, sense == "minimize" and quantity in OF_TOKENS
    one = r.choice(points)  # limits at its figures are barely kept
    quantile = r.random() < 0.7
    for name in r.sample(COSTS, r.randint(0, 3)):
        if name != quantity or r.random() < 0.3:
            values = sorted(p.costs[name] for p in points)
            at = values[int(r.betavariate(1.5, 1.5) * (len(values) - 1))]
            at = at if quantile else one.costs[name]
            budgets[name] = {"min": _number(at)} if r.random() < 0.15 else _number(at)
    if quantity != "loss" and (r.random() < 0.6 or few):
        budgets["loss"] = _loss_limit(r, oracle)
    if few and isinstance(found["training"].get("tokens"), float):
        found["training"]["tokens"] = {"max": found["training"]["tokens"]}
    if infeasible:
        _exclude(r, found)
    return found


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _loss_limit(r: random.Random, oracle: Oracle) -> float:
    losses = sorted(p.loss for p in oracle.points)
    return round(losses[int(r.betavariate(1.2, 2) * (len(losses) - 1))] + 1e-4, 4)


def _exclude(r: random.Random, found: Tables) -> None:
    """Leave no feasible design: what the best of those left has is just too much or too little."""
    points = Oracle(found).points
    if not points:
        return
    if r.random() < 0.4:
        least = min(p.loss for p in points)
        found["budgets"]["loss"] = round(least - 1e-4, 4)
        return
    name = r.choice(COSTS[:7])
    least_used = min(p.costs[name] for p in points)
    found["budgets"][name] = {"max": int(least_used) - 1}
