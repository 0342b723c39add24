"""Random small problems, the same for a seed everywhere."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

from modelsizer import Problem, ProblemError

LAWS = ("kaplan-2020", "hoffmann-2022", "hoffmann-2022-rounded", "besiroglu-2024")
OBJECTIVES = (
    ("minimize", "loss"),
    ("minimize", "loss"),
    ("minimize", "loss"),
    ("minimize", "training_flops"),
    ("minimize", "tokens"),
    ("minimize", "parameters"),
    ("minimize", "non_embedding_parameters"),
    ("minimize", "serving_memory"),
    ("minimize", "kv_cache"),
    ("minimize", "kv_bytes_per_token"),
    ("minimize", "inference_flops_per_token"),
    ("maximize", "tokens"),
    ("maximize", "parameters"),
)
_TYPICAL_LOSS = {"kaplan-2020": (1.7, 2.6), "hoffmann-2022": (1.95, 2.6),
                 "hoffmann-2022-rounded": (1.95, 2.6), "besiroglu-2024": (1.97, 2.5)}  # fmt: skip


def random_tables(seed: int) -> dict[str, Any]:
    """A problem as the tables of its file."""
    r = random.Random(seed)
    law = r.choice([*LAWS, "own"])
    sense, quantity = OBJECTIVES[seed % len(OBJECTIVES)]
    low_layers = r.randint(2, 30)
    low_d = 128 * r.randint(2, 20)
    space: dict[str, Any] = {
        "layers": r.choice(
            [
                {"min": low_layers, "max": low_layers + r.randint(0, 70)},
                {"min": low_layers, "max": low_layers + 60, "step": r.choice([2, 3, 4])},
                sorted(r.sample(range(2, 100), r.randint(1, 9))),
                low_layers,
            ]
        ),
        "d_model": {"min": low_d, "max": low_d + 128 * r.randint(0, 40),
                    "step": r.choice([128, 128, 256, 512])},
        "vocab_size": r.choice([32000, 50304, [32000, 128256]]),
        "tied_embeddings": r.choice([True, False, [True, False]]),
        "block": r.choice(["llama", "llama", "gpt2", ["llama", "gpt2"], "qwen3", "gemma2"]),
    }  # fmt: skip
    heads = r.choice(["head_dim", "head_dim", "heads", "both", "none"])
    if heads in ("head_dim", "both"):
        space["head_dim"] = r.choice([[64], [128], [64, 128], 64])
    if heads in ("heads", "both"):
        space["heads"] = r.choice([[8, 16], [4, 8, 12, 16, 32], 16])
    kv = r.choice(["kv_heads", "kv_group", "none"])
    if kv != "none":
        space[kv] = r.choice([[1, 2, 4, 8], [1], [2, 4], 1])
    ffn = r.choice(["ratio", "d_ff", "none"])
    if ffn == "ratio":
        space["ffn_ratio"] = r.choice([[2.6667, 4.0], [3.5], [2.0, 2.5, 4.0], 4])
        space["ffn_multiple"] = r.choice([64, 128, 256, [64, 256]])
    elif ffn == "d_ff":
        space["d_ff"] = r.choice([[4096, 8192], 11008, {"min": 2048, "max": 8192, "step": 2048}])
    if r.random() < 0.5:
        space["aspect_ratio"] = r.choice(
            [{"min": 20, "max": 200}, {"min": 40}, {"max": 128}, [32, 64, 128]]
        )
    training: dict[str, Any] = {
        "sequence_length": r.choice([1024, 2048, 4096]),
        "flops": r.choice(["exact", "exact", "causal", "6ND"]),
    }
    compute = 10 ** r.uniform(19.5, 24.5)
    budgets: dict[str, Any] = {"training_flops": compute}
    tokens = r.choice(["free", "free", "max", "fixed", "range"])
    typical = (compute / 120) ** 0.5 * 20
    if tokens == "max":
        training["tokens"] = {"max": typical * 10 ** r.uniform(-1, 1)}
    elif tokens == "fixed":
        training["tokens"] = typical * 10 ** r.uniform(-1, 0.5)
    elif tokens == "range":
        budgets["tokens"] = {"min": typical * 0.2, "max": typical * 5}
    if tokens in ("max", "fixed") and r.random() < 0.4:
        del budgets["training_flops"]
    elif r.random() < 0.1:
        budgets["training_flops"] = {"min": compute / 3, "max": compute}
    n = (compute / 120) ** 0.5
    for name, scale in (
        ("parameters", n * 2),
        ("non_embedding_parameters", n * 2),
        ("serving_memory", n * 4),
        ("kv_cache", 2e9),
        ("kv_bytes_per_token", 1e5),
        ("inference_flops_per_token", n * 4),
    ):
        chance = r.random()
        if chance < 0.2:
            budgets[name] = round(scale * 10 ** r.uniform(-0.7, 0.7))
        elif chance < 0.25:
            budgets[name] = {"min": round(scale * 10 ** r.uniform(-1.5, -0.5))}
    asks = quantity in ("training_flops", "tokens") and sense == "minimize"
    if asks or (quantity not in ("loss",) and r.random() < 0.6):
        low, high = _TYPICAL_LOSS.get(law, (2.0, 2.6))
        budgets["loss"] = round(r.uniform(low, high), 4)
    elif r.random() < 0.05:
        budgets["loss"] = {"min": 2.2, "max": 2.6}
    found = {
        "name": f"random {seed}",
        "space": space,
        "training": training,
        "serving": {
            "accelerators": r.choice([1, 2, 8]),
            "batch_size": r.choice([1, 4, 16]),
            "context_length": r.choice([2048, 8192]),
            "weight_bytes": r.choice([2, 1, 0.5]),
            "kv_bytes": r.choice([2, 1]),
        },
        "budgets": budgets,
        "objective": {
            sense: quantity,
            "law": law,
            "shape": r.choice(["gemstones-2025", "gemstones-2025", "none"]),
        },
    }
    if r.random() < 0.15:
        found["serving"]["tensor_parallel"] = found["serving"]["accelerators"]
    if law == "own":
        found["laws"] = {
            "own": {"E": 1.5, "A": 300.0, "alpha": 0.31, "B": 900.0, "beta": 0.33,
                    "outer": r.choice([1.0, 0.9]), "parameters": "non_embedding"}
        }  # fmt: skip
    return found


STRIDE = 1000 * len(OBJECTIVES)  # the next problem of a seed asks for the same


def valid_problem(seed: int, make: Callable[[int], dict[str, Any]] = random_tables) -> Problem:
    """The first of the problems seed, seed + STRIDE, ... whose tables make a problem."""
    for number in itertools.count(seed, STRIDE):
        try:
            return Problem.from_tables(make(number))
        except ProblemError:  # in many a random space nothing divides
            continue
    raise AssertionError


def small(seed: int) -> Problem:
    """A random problem of few designs, so that plain loops are quick."""
    tables = random_tables(seed)
    r = random.Random(seed)
    space = tables["space"]
    if isinstance(space["d_model"], dict):
        low = space["d_model"]["min"]
        space["d_model"] = sorted(low + 128 * n for n in r.sample(range(20), 4))
    if isinstance(space["layers"], dict):
        low = space["layers"]["min"]
        space["layers"] = {"min": low, "max": low + r.randint(1, 7)}
    space.pop("aspect_ratio", None)
    tables["serving"].pop("tensor_parallel", None)  # few widths would divide
    if isinstance(tables["budgets"].get("loss"), dict):
        del tables["budgets"]["loss"]
    return Problem.from_tables(tables)


def layout_tables(seed: int) -> dict[str, Any]:
    """A random problem with a cluster: menus of layouts, training memory, time and latency."""
    r = random.Random(seed)
    found = random_tables(seed)
    found["space"]["layers"] = {"min": 4, "max": 48, "step": r.choice([1, 2, 3])}
    found["training"] |= {
        "accelerator": "H100-SXM",
        "accelerators": r.choice([64, 100, 512]),
        "tensor_parallel": r.choice([[1, 2], [1, 2, 4], 2]),
        "pipeline_parallel": r.choice([[1, 2, 4], [1, 3], 2]),
        "zero_stage": r.choice([0, 1, 2, 3]),
        "recompute": r.choice(["none", "selective", "full"]),
        "flash_attention": r.random() < 0.7,
    }
    if r.random() < 0.5:
        found["training"]["data_parallel"] = [4, 8, 16]
    found["training"].pop("tokens", None)
    found["serving"] = {"accelerator": "H100-SXM", "batch_size": 8, "context_length": 2048}
    found["budgets"] = {
        "training_flops": 10 ** r.uniform(20, 23),
        "training_time": f"{r.uniform(0.5, 40):.3f} days",
        "training_memory": f"{r.uniform(4, 60):.2f} GB",
        "decode_latency": f"{r.uniform(3, 20):.2f} ms",
    }
    found["objective"] = {"minimize": "loss"}
    return found
