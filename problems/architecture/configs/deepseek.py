"""Readers of DeepSeek-V2 and V3: latent attention, first layers dense, shared experts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import LatentAttention
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts


def _deepseek(f: Fields, defaults: Mapping[str, Any]) -> Architecture:
    d = f.count("hidden_size", defaults["hidden_size"])
    depth = f.layers("num_hidden_layers", defaults["num_hidden_layers"])
    heads = f.count("num_attention_heads", defaults["num_attention_heads"])
    f.ignore(["num_key_value_heads", "head_dim"])  # unused with latent attention
    attention = LatentAttention(
        heads,
        f.count("kv_lora_rank", 512),
        f.count("qk_rope_head_dim", 64),
        f.count("qk_nope_head_dim", 128),
        f.count("v_head_dim", 128),
        f.maybe("q_lora_rank", 1536),
        f.flag("attention_bias", False),
    )
    bias = f.flag("mlp_bias", False) if defaults["mlp_bias"] else False
    dense = DenseFeedForward(f.count("intermediate_size", defaults["intermediate_size"]), bias=bias)
    width = f.count("moe_intermediate_size", defaults["moe_intermediate_size"])
    shared = f.count("n_shared_experts", defaults["n_shared_experts"], least=0)
    experts = f.count("n_routed_experts", defaults["n_routed_experts"])
    moe = MixtureOfExperts(
        width,
        experts,
        f.routed("n_routed_experts", experts, defaults["num_experts_per_tok"]),
        shared_d_ff=width * shared,
        shared_bias=bias,
    )
    first = f.count("first_k_dense_replace", defaults["first_k_dense_replace"], least=0)
    if f.take("moe_layer_freq", 1) != 1:
        raise ConfigError("moe_layer_freq other than 1: transformers has no such layout")
    stack = [Layer(attention, dense if i < first else moe) for i in range(depth)]
    vocabulary = f.count("vocab_size", defaults["vocab_size"])
    trunk = Trunk(d, vocabulary, f.flag("tie_word_embeddings", False))
    return Architecture.of_layers(trunk, stack)


def deepseek_v2(f: Fields) -> Architecture:
    """``model_type = "deepseek_v2"``."""
    # The library has no default for the number of experts per token.
    return _deepseek(
        f,
        {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
         "intermediate_size": 11008, "moe_intermediate_size": 1407, "n_shared_experts": 2,
         "n_routed_experts": 64, "num_experts_per_tok": None, "first_k_dense_replace": 0,
         "vocab_size": 102400, "mlp_bias": True},
    )  # fmt: skip


def deepseek_v3(f: Fields) -> Architecture:
    """``model_type = "deepseek_v3"``."""
    return _deepseek(
        f,
        {"hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
         "intermediate_size": 18432, "moe_intermediate_size": 2048, "n_shared_experts": 1,
         "n_routed_experts": 256, "num_experts_per_tok": 8, "first_k_dense_replace": 3,
         "vocab_size": 129280, "mlp_bias": False},
    )  # fmt: skip
