"""Random settings of serving and training for describe, the same for a seed."""

from __future__ import annotations

import random
from typing import Any

MODELS = ("llama-3-8b", "qwen2.5-7b", "gemma-3-1b", "gemma-2-9b", "gpt-oss-20b", "qwen3-30b-a3b",
          "deepseek-v3", "deepseek-v3.2", "gpt2", "nemotron-h-8b", "mamba-130m",
          "qwen3-next-80b-a3b")  # fmt: skip
"""Dense ones, with windows, with sinks and windows and experts, with latent attention, with selected
tokens, with learned positions, with states beside a cache, with states alone, both with experts."""

_VALUES: dict[str, tuple[Any, ...]] = {
    "serving.batch_size": (1, 3, 32, 512),
    "serving.context_length": (1, 777, 8192, 131072),
    "serving.weight_bits": (4, 8, 16),
    "serving.weight_bits.experts": (4, 4.25),
    "serving.weight_bytes": (0.5, 1, 2, 4),
    "serving.embedding_bits": (8,),
    "serving.kv_bits": (4, 8),
    "serving.kv_bytes": (1, 2),
    "serving.kv_policy": ("full", "windowed"),
    "serving.accelerators": (1, 2, 8),
    "serving.accelerator": ("H100-SXM", "H200-SXM", "A100-80GB-SXM"),
    "serving.memory_utilization": (0.5, 0.95),
    "serving.prompts": (1, 4),
    "serving.prompt_length": (128, 4096),
    "serving.compute": ("fp8",),
    "serving.latency": ("low", "high"),
    "training.accelerators": (1, 8),
    "training.accelerator": ("H100-SXM",),
    "training.sequence_length": (512, 4096, 16384),
    "training.microbatch_size": (1, 2),
    "training.zero_stage": (0, 2),
    "training.recompute": ("full", "selective"),
    "training.flops": ("causal", "6ND"),
    "training.tokens": ("15T", 1e10),
    "training.price_per_hour": (2.5,),
    "training.mfu": (0.4,),
    "lifetime.inference_tokens": (1e12,),
    "budgets.serving_memory": ("80 GB",),
    "objective.law": ("hoffmann-2022",),
}
_APART = (
    ("serving.weight_bits", "serving.weight_bytes", "serving.weight_bits.experts"),
    ("serving.kv_bits", "serving.kv_bytes"),
)
_NEEDS = {"serving.embedding_bits": "serving.weight_bits"}
OPTIONS = {
    "serving.batch_size": "--batch",
    "serving.context_length": "--sequence",
    "serving.weight_bytes": "--weight-bytes",
    "serving.kv_bytes": "--kv-bytes",
}
"""Options of describe that are short for a setting."""


def random_settings(r: random.Random) -> dict[str, Any]:
    """Up to eight settings that may stand together."""
    found: dict[str, Any] = {}
    for key in r.sample(list(_VALUES), r.randint(0, 8)):
        rivals = next((group for group in _APART if key in group), ())
        if found.keys() & set(rivals) or _NEEDS.get(key, key) not in {*found, key}:
            continue
        found[key] = r.choice(_VALUES[key])
    if "serving.embedding_bits" in found and "serving.weight_bits" not in found:
        found.pop("serving.embedding_bits")
    return found


def as_set(settings: dict[str, Any]) -> list[str]:
    """The settings as `--set`."""
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def as_options(r: random.Random, settings: dict[str, Any]) -> list[str]:
    """The settings, some of those that have an option of their own by it."""
    found: list[str] = []
    for key, value in settings.items():
        short = key in OPTIONS and r.random() < 0.8
        found += [OPTIONS[key], str(value)] if short else ["--set", f"{key}={value}"]
    return found
