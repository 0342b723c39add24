"""The widest space of a model's own kinds of layer, for comparing it with the best design."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import BY_NAME
from modelsizer.problems.architecture.mixers import NoAttention
from modelsizer.problems.architecture.structures import structure_of
from modelsizer.problems.tables.space import DEFAULT_EXPERT_MULTIPLE

_LAYERS = {"min": 2, "max": 256}
_D_MODEL = {"min": 256, "max": 32768, "step": 128}
_MULTIPLE = 128  # of the feed-forward's width
_HEAD_DIM = 128  # where the model has none: the commonest
_KV_HEADS = (1, 2, 4, 8, 16, 32)
_RATIOS = (2.6667, 3.0, 3.5, 4.0)
_PERIODS = (1, 2, 4, 6)
_WINDOWS = (512, 1024, 4096)
_ROUTED, _ACTIVE, _SHARED, _DENSE = (0, 8, 32, 64, 128, 256), (1, 2, 4, 8), (0, 1), (0, 1, 3)
_GRANULARITIES = (1, 2, 4, 8, 16)
_LATENT_HEADS, _KV_RANKS, _QUERY_RANKS = (16, 32, 64, 128), (256, 512), (0, 1536)
"""What published models choose; the model's own values are added."""


def space_of(architecture: Architecture) -> dict[str, Any]:
    """Menus of ``[space]`` around a model: its kinds of layer, and dense and full ones beside them.

    Parameters
    ----------
    architecture : Architecture
        With a `block_of`.

    Returns
    -------
    dict
        Without vocabulary and block, which are the model's own.
    """
    own = {choice: BY_NAME[choice].of(architecture) for choice in BY_NAME}
    structure = structure_of(architecture)
    found: dict[str, Any] = {
        "layers": dict(_LAYERS),
        "d_model": dict(_D_MODEL),
        "head_dim": int(own["head_dim"] or _HEAD_DIM),  # no law sees it, so the model's own is kept
        "kv_heads": _with(_KV_HEADS, own["kv_heads"]),
        "ffn_ratio": list(_RATIOS),
        "ffn_multiple": 128,
    }
    if structure.attention == "latent":
        found["attention"] = ["grouped", "latent"]
        found["latent"] = {
            "heads": _with(_LATENT_HEADS, own["heads"]),
            "kv_lora_rank": _with(_KV_RANKS, own["kv_lora_rank"]),
            "q_lora_rank": _with(_QUERY_RANKS, own["q_lora_rank"]),
            **{name: int(own[name]) for name in ("rope_dim", "nope_dim", "value_dim")},
        }
    if structure.between:
        mixers = sum(
            group.count
            for group in architecture.groups
            if not isinstance(group.layer.attention, NoAttention)
        )
        period = max(1, round(mixers / max(1, int(own["full_layers"]))))
        found["full_every"] = _with(_PERIODS, period)
        found["between"] = structure.between
        if structure.between == "window":
            found["window"] = _with(_WINDOWS, own["window"])
        else:
            found["linear"] = {
                name.removeprefix("linear_"): int(value)
                for name, value in own.items()
                if name.startswith("linear_") and value
            }
    if structure.experts:
        finest = 2 * int(architecture.trunk.d_model) / int(own["expert_d_ff"])
        found["experts"] = {
            "routed": _with(_ROUTED, own["routed_experts"]),
            "active": _with(_ACTIVE, own["active_experts"]),
            "granularity": sorted({*map(float, _GRANULARITIES), finest}),
            "ffn_multiple": math.gcd(DEFAULT_EXPERT_MULTIPLE, int(own["expert_d_ff"])),
            "shared": _with(_SHARED, own["shared_experts"]),
            "dense_layers": _with(_DENSE, own["dense_layers"]),
        }
    return found


def _with(menu: Iterable[int], own: Any) -> list[int]:
    """A menu and the model's own value, if it has one."""
    return sorted({*menu, *([int(own)] if own else [])})


def _widths(own: int) -> object:
    """The range of d_model, with the model's own width."""
    low, high, step = _D_MODEL["min"], _D_MODEL["max"], _D_MODEL["step"]
    steps = range(low, high + 1, step)
    return dict(_D_MODEL) if own in steps else sorted({*steps, own})
