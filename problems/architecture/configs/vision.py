"""Parameters of the vision part of models with a text model beside it, and of what connects them.

One function for each class of transformers 5.24 that holds both; each returns all parameters
outside the text model. Sizes that a configuration leaves out are those of the class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.configs.fields import ConfigError, Fields


def _sizes(config: Mapping[str, Any], **defaults: Any) -> Fields:
    return Fields(config, {}, defaults)


def _square(f: Fields, name: str) -> tuple[int, int]:
    """A size of an image or patch: one number, or two."""
    value = f.take(name)
    if isinstance(value, list) and len(value) == 2:
        return int(value[0]), int(value[1])
    side = f.count(name)
    return side, side


def _patches(f: Fields) -> int:
    (height, width), (h, w) = _square(f, "image_size"), _square(f, "patch_size")
    return (height // h) * (width // w)


def _pixels(f: Fields, channels: str = "num_channels") -> int:
    """Values of one patch."""
    h, w = _square(f, "patch_size")
    return h * w * f.count(channels)


def _linear(inputs: int, outputs: int, *, bias: bool = True) -> int:
    return inputs * outputs + (outputs if bias else 0)


def _layer(d: int, ffn: int, *, bias: bool = True, gated: bool = False, norms: int = 4) -> int:
    """An encoder layer: four projections of the width, two or three of the feed-forward, norms x d.

    With `bias`, every projection has one; `norms` counts scales and biases of two normalisations.
    """
    attention = 4 * _linear(d, d, bias=bias)
    inner = (2 if gated else 1) * _linear(d, ffn, bias=bias) + _linear(ffn, d, bias=bias)
    return attention + inner + norms * d


def _siglip_sizes(config: Mapping[str, Any]) -> Fields:
    return _sizes(
        config, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_channels=3,
        image_size=224, patch_size=16, vision_use_head=True,
    )  # fmt: skip


def _siglip(f: Fields) -> int:
    """SigLIP's encoder (arXiv 2303.15343), with its attention pooling unless switched off."""
    d, ffn = f.count("hidden_size"), f.count("intermediate_size")
    total = _linear(_pixels(f), d) + _patches(f) * d + 2 * d
    total += f.layers("num_hidden_layers") * _layer(d, ffn)
    if f.flag("vision_use_head"):
        # A probe, one attention, one norm and one feed-forward.
        total += d + 4 * _linear(d, d) + 2 * d + _linear(d, ffn) + _linear(ffn, d)
    return total


def _gemma3(vision: Mapping[str, Any], _: Fields, text: int) -> int:
    f = _siglip_sizes(vision)
    d = f.count("hidden_size")
    return _siglip(f) + d * text + d


def _paligemma(vision: Mapping[str, Any], _: Fields, text: int) -> int:
    usual = {"hidden_size": 1152, "intermediate_size": 4096, "num_hidden_layers": 27,
             "patch_size": 14, "vision_use_head": False}  # fmt: skip
    f = _siglip_sizes(vision or usual)
    return _siglip(f) + _linear(f.count("hidden_size"), text)


def _idefics3(vision: Mapping[str, Any], whole: Fields, text: int) -> int:
    f = _siglip_sizes(
        {"hidden_size": 1152, "patch_size": 32} | dict(vision) | {"vision_use_head": False}
    )
    return _siglip(f) + f.count("hidden_size") * whole.count("scale_factor", 2) ** 2 * text


def _mistral3(vision: Mapping[str, Any], whole: Fields, text: int) -> int:
    f = _sizes(vision, hidden_size=1024, intermediate_size=4096, num_hidden_layers=24,
               num_channels=3, image_size=1540, patch_size=14)  # fmt: skip
    d = f.count("hidden_size")
    layer = _layer(d, f.count("intermediate_size"), bias=False, gated=True, norms=2)
    tower = _pixels(f) * d + d + f.layers("num_hidden_layers") * layer
    bias = whole.flag("multimodal_projector_bias", False)
    merged = d * whole.count("spatial_merge_size", 2) ** 2
    last = _linear(d, text, bias=bias) + _linear(text, text, bias=bias)
    return tower + d + merged * d + last


def _llava(vision: Mapping[str, Any], whole: Fields, text: int) -> int:
    f = _sizes(vision, hidden_size=1024, intermediate_size=4096, num_hidden_layers=24,
               num_channels=3, image_size=336, patch_size=14)  # fmt: skip
    d = f.count("hidden_size")
    tower = d + _pixels(f) * d + (_patches(f) + 1) * d + 4 * d
    tower += f.layers("num_hidden_layers") * _layer(d, f.count("intermediate_size"))
    bias = whole.flag("multimodal_projector_bias", True)
    return tower + _linear(d, text, bias=bias) + _linear(text, text, bias=bias)


def _llama4(vision: Mapping[str, Any], _: Fields, text: int) -> int:
    f = _sizes(vision, hidden_size=768, intermediate_size=5632, num_hidden_layers=34,
               num_channels=3, image_size=448, patch_size=14, vision_output_dim=7680,
               projector_input_dim=4096, projector_output_dim=4096)  # fmt: skip
    d, ffn = f.count("hidden_size"), f.count("intermediate_size")
    tower = d + (_patches(f) + 1) * d + _pixels(f) * d + 4 * d
    tower += f.layers("num_hidden_layers") * _layer(d, ffn)
    between = f.count("projector_input_dim")
    tower += ffn * between + between * f.count("projector_output_dim")
    return tower + f.count("vision_output_dim") * text


def _qwen_patches(f: Fields, d: int, *, bias: bool) -> int:
    return _linear(_pixels(f, "in_channels") * f.count("temporal_patch_size"), d, bias=bias)


def _qwen2_vl(vision: Mapping[str, Any], _: Fields, __: int) -> int:
    f = _sizes(vision, depth=32, embed_dim=1280, hidden_size=3584, mlp_ratio=4, in_channels=3,
               patch_size=14, spatial_merge_size=2, temporal_patch_size=2)  # fmt: skip
    d, merged = f.count("embed_dim"), f.count("embed_dim") * f.count("spatial_merge_size") ** 2
    tower = _qwen_patches(f, d, bias=False)
    tower += f.layers("depth") * _layer(d, f.count("mlp_ratio") * d)
    return tower + 2 * d + _linear(merged, merged) + _linear(merged, f.count("hidden_size"))


def _qwen2_5_vl(vision: Mapping[str, Any], _: Fields, __: int) -> int:
    f = _sizes(vision, depth=32, hidden_size=3584, intermediate_size=3420, in_channels=3,
               patch_size=14, spatial_merge_size=2, temporal_patch_size=2,
               out_hidden_size=3584)  # fmt: skip
    d, merged = f.count("hidden_size"), f.count("hidden_size") * f.count("spatial_merge_size") ** 2
    tower = _qwen_patches(f, d, bias=False)
    tower += f.layers("depth") * _layer(d, f.count("intermediate_size"), gated=True, norms=2)
    return tower + d + _linear(merged, merged) + _linear(merged, f.count("out_hidden_size"))


def _qwen3_vl(vision: Mapping[str, Any], whole: Fields, _: int) -> int:
    """As Qwen3-VL, and as Qwen3.5, which has no further mergers."""
    f = _sizes(vision, depth=27, hidden_size=1152, intermediate_size=4304, in_channels=3,
               patch_size=16, spatial_merge_size=2, temporal_patch_size=2, out_hidden_size=3584,
               num_position_embeddings=2304)  # fmt: skip
    d, out = f.count("hidden_size"), f.count("out_hidden_size")
    merged = d * f.count("spatial_merge_size") ** 2
    tower = _qwen_patches(f, d, bias=True) + f.count("num_position_embeddings") * d
    tower += f.layers("depth") * _layer(d, f.count("intermediate_size"))
    merger = _linear(merged, merged) + _linear(merged, out)
    at = f.list_of("deepstack_visual_indexes", int, "layer numbers")
    deep = len([8, 16, 24] if at is None else at)
    if str(whole.take("model_type")).startswith("qwen3_5"):
        deep = 0
    return tower + 2 * d + merger + deep * (2 * merged + merger)


def _glm4v(vision: Mapping[str, Any], _: Fields, __: int) -> int:
    f = _sizes(vision, depth=24, hidden_size=1536, in_channels=3, image_size=336, patch_size=14,
               spatial_merge_size=2, temporal_patch_size=2, out_hidden_size=4096,
               intermediate_size=13696)  # fmt: skip
    d, out, ffn = f.count("hidden_size"), f.count("out_hidden_size"), f.count("intermediate_size")
    tower = _qwen_patches(f, d, bias=True) + _patches(f) * d + 2 * d
    tower += f.layers("depth") * _layer(d, out, bias=False, gated=True, norms=2)
    merger = out * out + 2 * out + 3 * out * ffn
    return tower + merger + _linear(d * f.count("spatial_merge_size") ** 2, out)


def _kimi_k25(vision: Mapping[str, Any], whole: Fields, text: int) -> int:
    f = _sizes(vision, hidden_size=1152, intermediate_size=4304, num_hidden_layers=27,
               num_channels=3, patch_size=14, pos_emb_height=64, pos_emb_width=64)  # fmt: skip
    d = f.count("hidden_size")
    height, width = f.list_of("merge_kernel_size", int, "whole numbers") or [2, 2]
    tower = _linear(_pixels(f), d) + f.count("pos_emb_height") * f.count("pos_emb_width") * d
    tower += f.layers("num_hidden_layers") * _layer(d, f.count("intermediate_size")) + 2 * d
    merged = d * height * width
    normed = whole.count("projection_hidden_size", 1152)
    return tower + 2 * normed + _linear(merged, merged) + _linear(merged, text)


WHOLES: Mapping[str, Callable[[Mapping[str, Any], Fields, int], int]] = MappingProxyType(
    {
        "gemma3": _gemma3,
        "paligemma": _paligemma,
        "idefics3": _idefics3,
        "smolvlm": _idefics3,
        "mistral3": _mistral3,
        "llava": _llava,
        "llama4": _llama4,
        "qwen2_vl": _qwen2_vl,
        "qwen2_5_vl": _qwen2_5_vl,
        "qwen3_vl": _qwen3_vl,
        "qwen3_vl_moe": _qwen3_vl,
        "qwen3_5": _qwen3_vl,
        "qwen3_5_moe": _qwen3_vl,
        "glm4v": _glm4v,
        "glm4v_moe": _glm4v,
        "kimi_k25": _kimi_k25,
    }
)
"""For each type of whole model: parameters outside its text model, from the configuration of its
vision part, its own fields, and the width of the text model."""

_TOWERS = MappingProxyType(
    {
        "gemma3": "siglip_vision_model", "paligemma": "siglip_vision_model",
        "mistral3": "pixtral", "llava": "clip_vision_model", "llama4": "llama4_vision_model",
    }
)  # fmt: skip
"""Class of the vision part, of types that may have several."""


def vision_parameters(config: Mapping[str, Any], text: int) -> int | None:
    """Parameters outside the text model, or None if its class is not known here.

    Parameters
    ----------
    config : mapping
        Of the whole model.
    text : int
        Width of the text model.
    """
    kind, vision = str(config.get("model_type")), config.get("vision_config") or {}
    count, tower = WHOLES.get(kind), _TOWERS.get(kind)
    another = tower is not None and vision.get("model_type", tower) not in (tower, kind)
    if count is None or another:
        return None
    try:
        return count(vision, Fields(config, {}), text)
    except ConfigError as error:
        raise ConfigError(f"vision_config: {error}") from None
