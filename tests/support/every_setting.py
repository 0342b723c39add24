"""Random small problems over every budget, setting, objective and law, the same for a seed.

Limits are put where they matter: at or near the figures of one design (feasible, some limits
binding), exactly at them (barely feasible, with ties), or at those of two designs and just below the least
that any design left uses (mostly infeasible).
"""

from __future__ import annotations

import random
from typing import Any

from modelsizer import Problem, ProblemError
from tests.support.drawn_limits import (
    BOTH_ENDS,
    MOST_ONLY,
    computed,
    exclude,
    limited,
)
from tests.support.oracle.data import catalogue
from tests.support.oracle.laws import CATALOGUE, FORMS
from tests.support.oracle.search import Oracle
from tests.support.oracle.space import BLOCKS, all_designs
from tests.support.shared import ROOT
from tests.support.spelled import spelled

MOST = 2000  # designs under a layout
MAXIMISED = tuple(name for name in BOTH_ENDS if name not in ("loss", "training_flops"))
_SOUGHT = (
    *(("minimize", name) for name in (*BOTH_ENDS, *MOST_ONLY)),
    *(("maximize", name) for name in MAXIMISED),
    *[("minimize", "loss")] * 9,
)
OBJECTIVES = (*_SOUGHT, ("maximize", "concurrency"))
FILES = tuple(f"file:{ROOT / 'docs' / name}.toml" for name in ("own-law", "mylaw"))
_PUBLISHED = (name for name, row in catalogue(CATALOGUE).items() if row["form"] in FORMS)
LAWS = (*_PUBLISHED, "power", "terms", *FILES)
READINGS = ("middle", "none", "low", "high", "middle")
MODES = ("near", "near", "near", "at", "between")
_WINDOWS = ({"full_every": [1, 3], "window": 512}, {"full_every": 4, "window": [512, 2000]},
            {"full_layers": {"min": 2, "max": 4}, "window": 512})  # fmt: skip


def problem(seed: int) -> Problem:
    """The problem of a seed."""
    r = random.Random(f"every setting {seed}")
    while True:
        tables = _tables(r, seed)
        designs = list(all_designs(tables))
        if not 2 <= len(designs) <= MOST:
            continue
        oracle = Oracle(tables)
        if not 2 <= len(oracle.options) <= MOST or oracle.quantity not in computed(
            oracle.options[0]
        ):
            continue
        mode = MODES[seed % len(MODES)]
        if "concurrency" in oracle.options[0].costs and seed % 10 == 6:
            tables["objective"] = {k: v for k, v in tables["objective"].items()
                                   if k not in ("minimize", "maximize")}  # fmt: skip
            tables["objective"]["maximize"] = "concurrency"
            oracle = Oracle(tables)
        asked = limited(r, tables, oracle, mode)
        if mode == "between":
            exclude(r, asked, oracle)
        try:
            return Problem.from_tables(spelled(asked))
        except ProblemError:
            continue


def _menu(r: random.Random, values: list[Any], most: int = 3) -> Any:
    found = r.sample(values, r.randint(1, min(most, len(values))))
    return found[0] if len(found) == 1 and r.random() < 0.7 else found


def _tables(r: random.Random, seed: int) -> dict[str, Any]:
    sense, quantity = _SOUGHT[(seed * 7) % len(_SOUGHT)]
    law = r.choice([*LAWS, "besiroglu-2024", "besiroglu-2024", "terms", "muennighoff-2023"])
    found = {
        "space": _space(r, _WINDOWS[seed // 8 % len(_WINDOWS)] if seed % 8 == 5 else {}),
        "training": _training(r),
        "serving": _serving(r),
        "lifetime": _lifetime(r),
        "prices": {},
        "budgets": {},
        "objective": {
            sense: quantity,
            "law": law,
            "ablations": READINGS[seed // 5 % len(READINGS)],
        },
    }
    _price(found)
    if law == "terms":
        found["laws"] = {"terms": _terms(r)}
    elif law == "power":
        found["laws"] = {"power": {
            "E": r.choice([1.5, 0, 2]), "A": 300.0, "alpha": 0.31, "B": 900.0, "beta": 0.33,
            **r.choice([{}, {"outer": 0.9}, {"outer": 1.3}]),
            "parameters": r.choice(["total", "non_embedding", "active"]),
        }}  # fmt: skip
    shaped = law in ("gemstones-2025", "bian-2025", "terms")
    shape = r.choice([None, None, "none"] if shaped else [None, "gemstones-2025", "none"])
    if shape is not None:
        found["objective"]["shape"] = shape
    return found


def _price(tables: dict[str, Any]) -> None:
    """Give prices of accelerators to two thirds of problems, to most of them of all."""
    own = random.Random(repr(tables))
    devices = [tables[name].get("accelerator", "custom accelerator") for name in
               ("training", "serving")]  # fmt: skip
    names = [name for name in devices if name != "custom accelerator" or _has_own(tables)]
    if own.random() < 0.65:
        tables["prices"] = {n: own.choice([2.5, 0.37, 11]) for n in names if own.random() < 0.9}
    if not tables["prices"]:
        del tables["prices"]


def _has_own(tables: dict[str, Any]) -> bool:
    return any("custom_accelerator" in tables[name] for name in ("training", "serving"))


def _terms(r: random.Random) -> dict[str, Any]:
    own = [
        {"name": "A", "coefficient": 482.01, "parameters": -0.3478},
        {"name": "B", "coefficient": 2085.43, "tokens": -0.3658},
    ]
    own += r.sample([
        {"name": "C", "coefficient": 20.0, "tokens": -0.2, "parameters": -0.05},
        {"name": "wide", "coefficient": 0.005, "ffn_ratio": 1.0},
        {"name": "narrow", "coefficient": 0.045, "ffn_ratio": -1.0},
        {"name": "shared", "coefficient": 0.02, "kv_heads": -0.5},
        {"name": "group", "coefficient": 0.004, "kv_group": 0.7},
        {"name": "head", "coefficient": 0.5, "head_dim": -0.6, "heads": -0.1},
        {"name": "aspect", "coefficient": 1e-4, "aspect_ratio": 1.0},
        {"name": "deep", "coefficient": 0.3, "layers": -0.5},
        {"name": "hidden", "coefficient": -0.002, "d_ff": 0.3, "d_model": -0.2},
        {"name": "words", "coefficient": -0.01, "vocab_size": 0.1},
    ], r.randint(1, 4))  # fmt: skip
    return {"E": 1.7772, "terms": own, "parameters": r.choice(["total", "non_embedding"])}


def _space(r: random.Random, windows: dict[str, Any]) -> dict[str, Any]:
    low = r.randint(2, 40)
    width = 128 * r.randint(3, 24)
    space: dict[str, Any] = {
        "layers": r.choice([
            {"min": low, "max": low + r.randint(1, 6)},
            {"min": 4 * low, "max": 4 * low + 24, "step": r.choice([4, 8])},
            sorted(r.sample(range(2, 100), r.randint(2, 5))),
            4 * low,
        ]),
        "d_model": r.choice([
            {"min": width, "max": width + 128 * r.randint(1, 3)},
            {"min": width, "max": width + 1024, "step": 512},
            [256 * n for n in r.sample(range(2, 24), r.randint(1, 3))],
            256 * r.randint(2, 24),
        ]),
        "vocab_size": r.choice([32000, 50304, [32000, 128256]]),
    }  # fmt: skip
    blocks = tuple(BLOCKS)
    space["block"] = r.choice([r.choice(blocks), r.choice(blocks), r.sample(blocks, 2)])
    space |= windows
    if r.random() < 0.6:
        space["tied_embeddings"] = r.choice([True, False, [True, False]])
    heads = r.choice(["head_dim", "heads", "both", "none"])
    if heads in ("head_dim", "both"):
        space["head_dim"] = r.choice([[64, 128], [64, 128], 64, 128, [32, 64, 96], 256])
    if heads in ("heads", "both"):
        menus = [[8, 16], [4, 8, 16], [4, 8, 12, 16], 16, {"min": 8, "max": 24, "step": 8}]
        space["heads"] = r.choice(menus)
    kv = r.choice(["kv_heads", "kv_group", "none"])
    if kv != "none":
        space[kv] = r.choice([[1, 2, 4, 8], [1], [2, 4], 1, {"min": 1, "max": 4}])
    ffn = r.choice(["ratio", "ratio", "d_ff", "none"])
    if ffn == "ratio":
        space["ffn_ratio"] = r.choice(
            [[2.6667, 4.0], [3.5], 4, {"min": 2, "max": 4, "step": 0.5}, [2.05, 8]]
        )
        if r.random() < 0.7:
            space["ffn_multiple"] = r.choice([64, 128, 256, [64, 256]])
    elif ffn == "d_ff":
        space["d_ff"] = r.choice([[4096, 8192], 11008, {"min": 2048, "max": 8192, "step": 2048}])
    if r.random() < 0.35:
        space["aspect_ratio"] = r.choice(
            [{"min": 20, "max": 200}, {"min": 40}, {"max": 128}, {"max": 75.5}, [32, 64, 128], 64]
        )
    return space


def _some(r: random.Random, chance: float, settings: dict[str, list[Any]]) -> dict[str, Any]:
    """Some of the settings, each with one of its values."""
    return {key: r.choice(values) for key, values in settings.items() if r.random() < chance}


CUSTOM = {"memory": "96 GB", "bandwidth": 2.5e12, "bf16_flops": 4e14, "fp8_flops": 9e14,
          "link": 2e11, "watts": 612.5}  # fmt: skip


def _machine(r: random.Random) -> dict[str, Any]:
    known = ["H100-SXM", "H100-SXM", "H200-SXM", "L40S", "RTX-4090"]
    if r.random() < 0.8:
        return {"accelerator": r.choice(known)}
    memory = {"memory_type": r.choice(["GDDR", "LPDDR"])} if r.random() < 0.5 else {}
    return {"custom_accelerator": {**CUSTOM, **memory}}


def _training(r: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {
        "sequence_length": r.choice([1024, 2048, 4096, 8192]),
        "flops": r.choice(["exact", "exact", "causal", "6ND"]),
        "recompute": r.choice(["none", "selective", "half", "full"]),
    }
    if r.random() < 0.25:
        return found  # on one accelerator, which is not named
    found |= _machine(r)
    found |= _some(r, 0.8, {"accelerators": [1, 8, 12, 64, 1024], "price_per_hour": [2.5, 0.99]})
    if r.random() < 0.75:
        menus = {"data_parallel": [1, 2, 4, 8], "tensor_parallel": [1, 2, 4, 8],
                 "pipeline_parallel": [1, 2, 3, 4]}  # fmt: skip
        found |= {key: _menu(r, values) for key, values in menus.items() if r.random() < 0.7}
    found |= _some(r, 0.4, {
        "microbatch_size": [1, 2, 4], "zero_stage": [0, 1, 2, 3], "interleave": [1, 2],
        "weight_bytes": [2, 4, 1.5], "gradient_bytes": [2, 4], "optimizer_bytes": [12, 8, 6.5],
        "activation_bytes": [2, 1, 4], "logit_bytes": [0, 4, 12],
        "flash_attention": [True, False], "sequence_parallel": [True, False],
        "dropout": [True, False], "fused_kernels": [True, False],
        "precision": ["bf16", "fp8"], "mfu": [0.35, 0.5], "watts": [650, 1200], "pue": [1.1, 1.35],
    })  # fmt: skip
    # Drawn apart, so that the problems of the seeds stay as they were.
    apart, own = random.Random(repr(found)), random.Random(repr(found))
    found |= _some(apart, 0.4, {"framework": ["megatron", "torchtitan", "llm-foundry"]})
    return found | _some(own, 0.3, {"memory_reserve": [0, 3e9, 40e9]})


def _serving(r: random.Random) -> dict[str, Any]:
    found = _one_number(r)
    own = random.Random(repr(found))  # a stream of its own: other draws stay what they were
    if own.random() < 0.2 and not {"embedding_bits", "weight_block"} & set(found):
        key, values = own.choice([("weight_bytes", [2, 1, 0.5]), ("weight_bits", [16, 8, 4.25])])
        parts = ["attention", "ffn", "experts", "embedding", "head", "other"]
        table = {part: own.choice(values) for part in parts if own.random() < 0.5}
        if table:
            found = {k: v for k, v in found.items() if k not in ("weight_bytes", "weight_bits")}
            found[key] = table
    found |= _some(own, 0.2, {
        "state_bytes": [1, 4],  # of states, which no design has
        "output_length": [1, 300],
    })  # fmt: skip
    users = random.Random(repr(found))
    return found | _some(users, 0.35, {
        "prefix_reuse": [0.5, 0.37, 0.999], "interference": [0.1, 0.55],
    })  # fmt: skip


def _one_number(r: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {} if r.random() < 0.2 else _machine(r)
    ways = r.choice([1, 1, 2, 4])
    if ways > 1:
        found["tensor_parallel"] = ways
        found |= {} if r.random() < 0.5 else {"accelerators": ways * r.choice([1, 2])}
    elif r.random() < 0.3:
        found["accelerators"] = r.choice([1, 2, 8])
    found |= _some(r, 0.6, {
        "batch_size": [1, 4, 16, 256], "context_length": [700, 2048, 8192, 131072],
        "prompt_length": [128, 2048], "prompts": [1, 3], "kv_policy": ["windowed", "full"],
        "latency": ["low", "expected", "high"], "compute": ["bf16", "fp8"],
    })  # fmt: skip
    found |= _some(r, 0.2, {
        "engine": ["llama.cpp", "none", "tensorrt-llm", "vllm"], "memory_efficiency": [0.6, 1], "prefill_efficiency": [0.4],
        "overhead": [0, 3e-5], "scale_bytes": [1, 2, 4], "memory_utilization": [0.8],
        "memory_reserve": [0, 1e9],
    })  # fmt: skip
    if r.random() < 0.5:
        found |= _some(r, 0.7, {"weight_bytes": [2, 1, 0.5, 0.75, 4], "kv_bytes": [2, 1, 0.5]})
        return found
    for value in ("weight", "kv"):
        if r.random() < 0.8:
            found[f"{value}_bits"] = r.choice([16, 8, 4])
            if r.random() < 0.5:
                found[f"{value}_block"] = r.choice([32, 64, 100])
    if "weight_bits" in found and r.random() < 0.5:
        found["embedding_bits"] = r.choice([16, 8, 4])
    return found


def _lifetime(r: random.Random) -> dict[str, Any]:
    if r.random() < 0.2:
        return {}
    found: dict[str, Any] = {"inference_tokens": r.choice([1e10, 3e11, 1e12, 2e13])}
    if r.random() < 0.8:
        found["prefill_share"] = r.choice([0, 0.8, 0.75, 1])
    found |= _some(r, 0.4, {"prefill_mfu": [0.4], "decode_mfu": [0.05, 0.01],
                            "price_per_hour": [1.2, 3]})  # fmt: skip
    own = random.Random(repr(found))  # a stream of its own: other draws stay what they were
    if not {"prefill_mfu", "decode_mfu"} & set(found):
        found |= _some(own, 0.7, {"throughput": ["step", "step", "mfu"]})
    return found
