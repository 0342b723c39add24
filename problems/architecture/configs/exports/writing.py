"""Write an architecture as the fields of a type of ``types.toml``: its reader, backwards.

What a type cannot say is left out, so the fields must be read again and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.configs.layouts import DENSE, FULL, SPARSE
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.architecture.configs.states import STATE_MIXERS
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    MixtureOfExperts,
    NoFeedForward,
)
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import Mixer, NoAttention
from modelsizer.problems.architecture.state_space import Mamba2

SEPARATE = "blocks"
"""Rule of types whose layers are a mixer or a feed-forward alone."""

_PLAIN_LAYOUTS = ("full", "upper", "lower_alternating")
"""Rules by which all layers are full unless another field asks for windows."""

Fields = dict[str, Any]


def fields_of(t: ModelType, trunk: Trunk, stack: Sequence[Layer]) -> Fields:
    """Fields of a type that say an architecture, as far as the type can.

    Parameters
    ----------
    t : ModelType
        Of the general reader, or gpt2.
    trunk : Trunk
    stack : sequence of Layer
        Layers in their order; where the rule of the type is `SEPARATE`, each a mixer or a
        feed-forward alone (`separate`).
    """
    if t.reader == "gpt2":
        return _gpt2(trunk, stack)
    parts: dict[type, Any] = {
        type(part): part for layer in stack for part in (layer.attention, layer.ffn)
    }
    found: Fields = {"hidden_size": trunk.d_model}
    if (dense := parts.get(DenseFeedForward)) is not None:
        found[t.dense_width] = dense.d_ff
        found |= _trait(t, t.ffn_bias, dense.bias)
    found[t.depth] = len(stack)
    for kind, write in _MIXERS.items():
        if kind in parts:
            found |= write(t, parts[kind])
    if (mamba := parts.get(Mamba2)) is not None and "expand" in t.linear:
        found[t.linear["expand"]] = mamba.mamba_heads * mamba.mamba_head_dim // trunk.d_model
    if (experts := parts.get(MixtureOfExperts)) is not None:
        found |= _experts(t, experts)
    found |= _layout(t, stack) | _feed_forwards(t, stack)
    return found | {
        "vocab_size": trunk.vocab_size,
        "tie_word_embeddings": bool(trunk.tied_embeddings),
    }


def _gpt2(trunk: Trunk, stack: Sequence[Layer]) -> Fields:
    attention = stack[0].attention
    return {
        "n_embd": trunk.d_model,
        "n_inner": stack[0].ffn.d_ff,
        "n_layer": len(stack),
        "n_head": attention.heads if isinstance(attention, FullAttention) else 1,
        "n_positions": trunk.positions,
        "vocab_size": trunk.vocab_size,
        "tie_word_embeddings": bool(trunk.tied_embeddings),
    }


def separate(stack: Sequence[Layer]) -> list[Layer]:
    """The layers, each with one normalisation a part divided into a mixer and a feed-forward."""
    found = []
    for layer in stack:
        if layer.norms == layer.inputs == 2:
            found += [
                Layer(layer.attention, NoFeedForward(), 1),
                Layer(NoAttention(), layer.ffn, 1),
            ]
        else:
            found.append(layer)
    return found


def _trait(t: ModelType, trait: Any, value: Any) -> Fields:
    """The field that gives a trait another value than its default."""
    if isinstance(trait, str) and value != t.defaults.get(trait, False):
        return {trait: value}
    if isinstance(trait, Mapping) and value in (trait["then"], trait["else"]):
        asked = value == trait["then"]
        return {trait["when"]: asked} if asked != t.defaults.get(trait["when"], False) else {}
    return {}


def _grouped(t: ModelType, a: FullAttention) -> Fields:
    found = {"num_attention_heads": a.heads}
    if t.heads == "grouped":
        found["num_key_value_heads"] = a.kv_heads
        found |= {} if t.head_dim == "quotient" else {"head_dim": a.head_dim}
    found |= _trait(t, t.qkv_bias, a.qkv_bias) | _trait(t, t.output_bias, a.output_bias)
    return found | _trait(t, None if isinstance(t.qk_norm, str) else t.qk_norm, a.qk_norm)


def _latent(t: ModelType, a: LatentAttention) -> Fields:
    return {
        "num_attention_heads": a.heads,
        "num_key_value_heads": a.heads,  # the library repeats keys up to the heads
        "q_lora_rank": a.q_lora_rank,
        "kv_lora_rank": a.kv_lora_rank,
        "qk_rope_head_dim": a.rope_dim,
        "qk_nope_head_dim": a.nope_dim,
        "v_head_dim": a.value_dim,
        **_trait(t, t.qkv_bias, a.bias),
    }


def _delta(t: ModelType, a: GatedDeltaNet) -> Fields:
    names = {name: t.linear[name] for name in _DELTA if name in t.linear}
    return {field: getattr(a, name) for name, field in names.items()}


_DELTA = ("key_heads", "value_heads", "key_dim", "value_dim", "conv")


def _mamba2(t: ModelType, a: Mamba2) -> Fields:
    values = {
        "heads": a.mamba_heads,
        "head_dim": a.mamba_head_dim,
        "state": a.state,
        "groups": a.groups,
        "conv": a.conv,
    }
    return {t.linear[name]: value for name, value in values.items() if name in t.linear}


_MIXERS: Mapping[type, Callable[[ModelType, Any], Fields]] = MappingProxyType(
    {FullAttention: _grouped, LatentAttention: _latent, GatedDeltaNet: _delta, Mamba2: _mamba2}
)


def _experts(t: ModelType, moe: MixtureOfExperts) -> Fields:
    names = t.experts
    if not names:
        return {}
    found = {
        names["total"]: moe.experts,
        names["active"]: moe.active,
        names["width"]: moe.d_ff,
    }
    if "shared_width" in names:
        found[names["shared_width"]] = moe.shared_d_ff
    elif names.get("shared") and moe.shared_d_ff % moe.d_ff == 0:
        found[names["shared"]] = moe.shared_d_ff // moe.d_ff
    return found


def states(t: ModelType) -> set[str]:
    """Builders of the type's mixers that hold a state."""
    return set(t.mixers.values()) & set(STATE_MIXERS) - {"none"}


def builder(mixer: Mixer) -> str:
    """Builder of a mixer in `modelsizer.problems.architecture.configs.decoder`."""
    if isinstance(mixer, FullAttention):
        return "grouped" if mixer.window is None else "windowed"
    return _BUILDERS.get(type(mixer), "")


_BUILDERS: Mapping[type, str] = MappingProxyType(
    {
        LatentAttention: "latent",
        GatedDeltaNet: "gated_deltanet",
        Mamba2: "mamba2",
        NoAttention: "none",
    }
)


def _layout(t: ModelType, stack: Sequence[Layer]) -> Fields:
    """Which layers have which mixer, and the window."""
    windows = [getattr(layer.attention, "window", None) for layer in stack]
    found: Fields = {}
    if t.layers == SEPARATE:
        return {"layers_block_type": [_block_word(layer) for layer in stack]}
    words = {built: word for word, built in t.mixers.items()}
    if t.layer_types and (any(windows) or t.layers not in _PLAIN_LAYOUTS):
        found["layer_types"] = [words.get(builder(x.attention), FULL) for x in stack]
    elif t.layers == "attn_layer_indices":
        full = [i for i, x in enumerate(stack) if builder(x.attention) == "grouped"]
        found["attn_layer_indices"] = full
    if window := next((window for window in windows if window), None):
        found[t.window] = window
        found |= {t.window_flag: True} if t.window_flag else {}
    elif t.layers == "sliding" and t.window in t.defaults and not t.window_flag:
        found[t.window] = None
    return found


def _block_word(layer: Layer) -> str:
    if not isinstance(layer.ffn, NoFeedForward):
        return "moe" if isinstance(layer.ffn, MixtureOfExperts) else "mlp"
    return "linear_attention" if isinstance(layer.attention, Mamba2) else FULL


def _feed_forwards(t: ModelType, stack: Sequence[Layer]) -> Fields:
    """Which layers have experts."""
    routed = [isinstance(layer.ffn, MixtureOfExperts) for layer in stack]
    dense = [i for i, experts in enumerate(routed) if not experts]
    if t.ffn_types:
        return {"mlp_layer_types": [SPARSE if experts else DENSE for experts in routed]}
    if t.ffn_layers == "first_dense":
        return {"first_k_dense_replace": len(dense)}
    if t.ffn_layers == "sparse_step" and dense:
        return {"mlp_only_layers": dense}
    return {}
