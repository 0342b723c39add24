"""How the mixtures of the types choose experts, for files that must say it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Router:
    """How a mixture chooses and weighs the experts of a token.

    Parameters
    ----------
    score : {"softmax", "sigmoid"}
        Of the logits; with a sigmoid, a bias for balance is added for the choice alone.
    normed : bool
        Whether the weights of the chosen experts add up to one (before `scale`).
    scale : float
        Factor of the routed experts' result.
    groups, top_groups : int
        Groups of experts, and of those the number that a token may choose from.
    """

    score: Literal["softmax", "sigmoid"] = "softmax"
    normed: bool = True
    scale: float = 1.0
    groups: int = 1
    top_groups: int = 1


_V3 = Router("sigmoid", True, 2.5, 8, 4)
_DEFAULTS = MappingProxyType(
    {
        "qwen2_moe": Router(normed=False),
        "qwen3_moe": Router(normed=False),
        "deepseek_v2": Router(normed=False),
        "deepseek_v3": _V3,
        "kimi_k2": _V3,
        "glm4_moe": Router("sigmoid"),
        "solar_open": Router("sigmoid"),
        "glm4_moe_lite": Router("sigmoid", scale=1.8),
        "dots1": Router("sigmoid", normed=False),
        "deepseek_v32": _V3,
        "glm_moe_dsa": Router("sigmoid", scale=2.5),
        "nemotron_h": Router("sigmoid"),
        "qwen3_next": Router(),
    }
)
"""Routers of the types with the defaults of transformers 5.24; `Router` for all others."""

_LIMITED = "group_limited_greedy"


def router(family: str, config: Mapping[str, Any]) -> Router:
    """The router of a configuration: its fields, or the defaults of its type."""
    usual = _DEFAULTS.get(family, Router())
    sigmoid = usual.score == "sigmoid"
    # DeepSeek-V2 of the library has the field and does not read it.
    normed = config.get("norm_topk_prob") if family in set(_DEFAULTS) - {"deepseek_v2"} else None
    scaled = sigmoid or family == "deepseek_v2"
    grouped = sigmoid or (scaled and config.get("topk_method") == _LIMITED)
    scale = config.get("routed_scaling_factor") if scaled else None
    groups = config.get("n_group") if grouped else None
    chosen = config.get("topk_group") if grouped else None
    return Router(
        usual.score,
        usual.normed if normed is None else bool(normed),
        usual.scale if scale is None else float(scale),
        usual.groups if groups is None else int(groups),
        usual.top_groups if chosen is None else int(chosen),
    )


def plain_router(family: str) -> dict[str, Any]:
    """Fields of a router without groups, whose weights add up to one, where defaults differ."""
    usual = _DEFAULTS.get(family, Router())
    found: dict[str, Any] = {} if usual.normed else {"norm_topk_prob": True}
    return found if usual.groups == 1 else found | {"n_group": 1, "topk_group": 1}
