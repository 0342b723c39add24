"""Small random problems of stacks of several kinds, with machines to train on and to serve from."""

from __future__ import annotations

import random
from typing import Any

from modelsizer import Problem, ProblemError
from tests.support.layers_oracle import drawing
from tests.support.oracle.training import Layout

NAMES = ("parameters", "active_parameters", "kv_cache", "serving_memory", "training_memory",
         "decode_latency", "prefill_latency")  # fmt: skip
QUICK = (1, 4, 8, 9, 28, 39, 45, 46, 53, 57)
"""Seeds that are compared with the oracle at each run of the tests; the others at length."""


def settings(r: random.Random) -> tuple[dict[str, Any], dict[str, Any], Layout]:
    """Tables of training and serving, and the one layout that they leave."""
    layout = Layout(r.choice([1, 4]), r.choice([1, 1, 2, 4]), r.choice([1, 1, 2]))
    training = {
        "tokens": 1e12,
        "sequence_length": r.choice([1024, 4096]),
        "accelerators": layout.working,
        "tensor_parallel": layout.t,
        "pipeline_parallel": layout.p,
        "microbatch_size": r.choice([1, 3]),
        "zero_stage": r.randrange(4),
        "recompute": r.choice(["none", "selective", "half", "full", "full"]),
        "dropout": r.random() < 0.4,
        "flash_attention": r.random() < 0.6,
        "fused_kernels": r.random() < 0.6,
        "sequence_parallel": r.random() < 0.5,
    }
    serving = {
        "accelerator": "H100-SXM",
        "tensor_parallel": r.choice([1, 2, 8]),
        "batch_size": r.choice([1, 2, 16, 200]),
        "context_length": r.choice([300, 4096, 131_072]),
        "prompt_length": r.choice([1, 1000]),
        "prompts": r.choice([1, 4]),
        "kv_policy": r.choice(["windowed", "full"]),
    }
    serving |= r.choice([{"weight_bytes": 1}, {"weight_bits": 4, "kv_bits": 8},
                         {"weight_bits": {"experts": 4.25, "attention": 8, "other": 16}},
                         {"kv_bytes": 1, "state_bytes": 4}])  # fmt: skip
    _sharded(random.Random(repr((training, serving))), training, serving, layout)
    return training, serving, layout


def _sharded(
    r: random.Random, training: dict[str, Any], serving: dict[str, Any], layout: Layout
) -> None:
    """Settings of experts, groups and speculation, in most problems and in a stream of their own."""
    if r.random() < 0.5:
        slices = r.choice([None, 1, layout.t])
        ways = [e for e in (2, 4, 8) if (layout.d * layout.t) % (e * (slices or layout.t)) == 0]
        training["expert_parallel"] = r.choice([1, *ways])
        if slices is not None:
            training["expert_tensor_parallel"] = slices
        if r.random() < 0.6:
            training["expert_imbalance"] = r.choice([1.25, 2])
    t = serving["tensor_parallel"]
    if r.random() < 0.6:
        groups = r.choice([None, 1, 2, 3])
        every = [e for e in (1, 2, 4, 8) if (t * (groups or 1)) % e == 0 or (not groups and e > t)]
        serving["expert_parallel"] = r.choice(every)
        if groups is not None:
            serving["attention_data_parallel"] = groups
        if r.random() < 0.5:
            serving["expert_imbalance"] = r.choice([1.25, 3])
        if r.random() < 0.5:
            serving["expert_link"] = 5e10
    if r.random() < 0.3:
        serving["latent_multiple"] = r.choice([128, 100])
    if r.random() < 0.5:
        serving["speculation"] = r.choice(drawing.SPECULATIONS)
    if r.random() < 0.3:
        serving["prefix_reuse"] = r.choice([0.5, 0.999])
    if r.random() < 0.3:
        serving["compute"] = "fp8"
    if isinstance(serving.get("weight_bits"), dict) and r.random() < 0.5:
        serving["weight_bits"] = {"experts": 16, "attention": 4.25, "ffn": 4.25}


def problem_of(seed: int) -> tuple[dict[str, Any], Problem, Layout] | None:
    """A problem of a seed, and its layout; None if no layout splits a design."""
    r = random.Random(f"quantities {seed}")
    found = drawing.unlimited(r, seed)
    found["training"], found["serving"], layout = settings(r)
    found["objective"], found["budgets"] = {"minimize": "training_memory"}, {}
    found.pop("laws", None)
    if not drawing._shrink(r, found):
        return None
    try:
        return found, Problem.from_tables(found), layout
    except ProblemError:
        return None
