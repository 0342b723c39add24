"""What is drawn for fields whose names do not tell it: rows of data for each type.

``field`` lists values ("leave out" for none), ``field[]`` values of a list's entries, one a layer; "=keep" names fields that are always written, under their own names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KNOWN_LAYER_TYPES: Mapping[str, Sequence[str]] = {
    "layer_types": ("full_attention", "sliding_attention"),
    "mlp_layer_types": ("dense", "sparse"),
}

LIBRARY_NAMES: Mapping[str, str] = {
    "kimi_k2": "deepseek_v3", "deepseek_ref": "deepseek_v4", "minimax_m3": "minimax_m3_vl_text",
}  # fmt: skip
"""Types that published files name and the library does not: the library's name."""

UNKNOWN_TO_LIBRARY = frozenset({
    "Yi", "baichuan", "bailing_moe", "bailing_moe_v2", "internlm2", "mimo", "minicpm", "minimax_m1", "minimax_text_01",
})  # fmt: skip
"""Types that only the remote code of their models has."""

HINTS: dict[str, Mapping[str, Sequence[Any]]] = {
    # With 0 and biases the library makes an MLP of no width that has a bias all the same.
    "deepseek_v2": {"n_shared_experts": (1, 2)},
    "axk1": {"moe_layer_freq": (1, 2), "first_k_dense_replace": (0, 1, 2)},
    "cohere2_moe": {
        "first_k_dense_replace": (0, 1, 2), "prefix_dense_intermediate_size": (None, 48, 200),
        "prefix_dense_sliding_window_pattern": (1, 2), "layer_norm_eps": (1e-5,),
        "rms_norm_eps": (None, 1e-5),
    },
    "dots1": {
        "n_shared_experts": (1, 2), "n_routed_experts": (4, 8), "num_experts_per_tok": (1, 2),
        "head_dim": (16, 32), "max_window_layers": (0, 2, 62),
        "=keep": ("n_shared_experts", "n_routed_experts", "num_experts_per_tok"),
    },
    "ernie4_5_moe": {
        "moe_layer_interval": (1, 2), "moe_layer_start_index": (0, 1, 2), "head_dim": (16, 32),
        "moe_layer_end_index": (-1, 2, 4), "moe_k": (1, 2), "moe_num_experts": (4, 8),
    },
    "exaone_moe": {"head_dim": (16, 32), "sliding_window_pattern": (2, 3, 4)},
    "glm4_moe": {"head_dim": (16, 32), "use_qk_norm": (True, False)},
    "hunyuan_v1_moe": {
        "head_dim": (16, 32), "moe_topk": (1, 2, [2, 2, 2, 2, 2, 2]), "num_experts": (4, 8),
        "=keep": ("head_dim",),
    },
    # With 0 the library takes intermediate_size.
    "hy_v3": {"num_shared_experts": (1, 2)},
    "llama4_text": {
        "moe_layers": (None, [1], [0, 2]), "interleave_moe_layer_step": (1, 2),
        "no_rope_layer_interval": (2, 3, 4), "intermediate_size_mlp": (80, 200),
        "attention_chunk_size": (4, 8, 8192),
    },
    "phimoe": {"num_experts_per_tok": (2,), "=keep": ("num_experts_per_tok",)},  # always sent to 2
    "gemma4_text": {
        "global_head_dim": (32, 64), "num_global_key_value_heads": (1, 2, None),
        "num_kv_shared_layers": (0, 1, 2), "hidden_size_per_layer_input": (0, 16),
        "vocab_size_per_layer_input": (200,), "num_experts": (4, 8), "top_k_experts": (1, 2),
        "moe_intermediate_size": (48, 80), "enable_moe_block": (True, False),
        "=keep": ("num_experts", "top_k_experts", "moe_intermediate_size"),
    },
    "aria_text": {"moe_num_shared_experts": (1, 2)},
    "gemma4_unified_text": {
        "global_head_dim": (32, 64), "num_global_key_value_heads": (1, 2, None),
        "num_kv_shared_layers": (0, 1, 2),
    },
    "laguna": {"gating": (True, "per-head", "per-element"), "num_attention_heads": (4,),
               "num_attention_heads_per_layer[]": (4, 8), "num_experts": (4, 8),
               "num_key_value_heads": (1, 2, 4), "shared_expert_intermediate_size": (48, 80)},
    "step3p5": {"share_expert_dim": (48, 80), "num_sliding_attention_heads": (4, 8, None),
                "moe_layers_enum": ("0,2", "1"), "layer_types[]": (
                    "full_attention", "sliding_attention"), "mlp_layer_types[]": ("dense", "sparse"),
                "num_attention_heads": (4,), "num_local_experts": ("leave out",)},
    "minicpm3": {"v_head_dim": (None, 16)},
    "helium": {  # the output projection is as wide as the stream, whatever the heads
        "hidden_size": (64,), "num_attention_heads": (4,), "head_dim": (16,),
        "=keep": ("hidden_size", "num_attention_heads", "head_dim"),
    },
    "lfm2": {"layer_types[]": ("full_attention", "conv")},
    "lfm3": {"layer_types[]": ("full_attention", "sliding_attention", "conv")},
    "lfm2_moe": {"layer_types[]": ("full_attention", "conv"), "num_dense_layers": (0, 1, 2)},
    "jamba": {
        "attn_layer_period": (2, 3), "attn_layer_offset": (0, 1), "expert_layer_period": (1, 2),
        "expert_layer_offset": (0, 1), "mamba_expand": (1, 2), "mamba_dt_rank": (4, 8, "auto"),
    },
    "gemma3n_text": {
        "num_kv_shared_layers": (0, 1, 2), "laurel_rank": (8, 16), "altup_num_inputs": (2, 4),
        "hidden_size_per_layer_input": (16, 32), "vocab_size_per_layer_input": (200,),
    },
    "dbrx": {
        "tie_word_embeddings": ("leave out",),
        "attn_config": ({"kv_n_heads": 1, "rope_theta": 1e4}, {"kv_n_heads": 4, "rope_theta": 1e4}),
        "ffn_config": (
            {"ffn_hidden_size": 80, "moe_num_experts": 4, "moe_top_k": 2},
            {"ffn_hidden_size": 96, "moe_num_experts": 8, "moe_top_k": 1, "hidden_size": 6144},
        ),
        "=keep": ("attn_config", "d_model"),
    },
    "deepseek_v4": {
        "compress_rates": ({"compressed_sparse_attention": 4, "heavily_compressed_attention": 8},),
        "hc_mult": (2, 4), "o_groups": (1, 2), "o_lora_rank": (8, 16), "index_topk": (2, 4),
        "index_head_dim": (32, 64), "index_n_heads": (2, 4), "num_key_value_heads": (1,),
        "layer_types[]": ("compressed_sparse_attention", "heavily_compressed_attention",
                          "sliding_attention"),
        "mlp_layer_types": ("leave out",), "partial_rotary_factor": (0.25, 0.5),
        "head_dim": (32, 64),
    },
    "minimax_m3_vl_text": {
        "index_n_heads": (1, 2), "index_head_dim": (16, 32), "index_block_size": (4, 8),
        "index_topk_blocks": (1, 2), "rotary_dim": (8,), "dense_intermediate_size": (80, 200),
        "layer_types[]": ("full_attention", "minimax_m3_sparse"),
        "mlp_layer_types[]": ("dense", "sparse"),
    },
    "deepseek_v32": {"index_topk": (4, 8), "index_head_dim": (32, 64), "index_n_heads": (2, 4),
                     "qk_rope_head_dim": (16,)},
    "glm_moe_dsa": {"index_topk": (4, 8), "index_head_dim": (32, 64), "index_n_heads": (2, 4),
                    "qk_rope_head_dim": (16,), "index_topk_freq": (1, 2, 3),
                    "index_skip_topk_offset": (1, 2), "indexer_types[]": ("full", "shared")},
    "longcat_flash": {
        "qk_head_dim": ("leave out",), "head_dim": ("leave out",), "qk_rope_head_dim": (64,),
        "zero_expert_num": (0, 2, 4), "moe_topk": (1, 2), "n_routed_experts": (4, 8),
                      "router_bias": (True, False)},
    "mimo_v2_flash": {"sliding_window_size": (4, 8), "v_head_dim": (16, 24),
                      "num_key_value_heads": (1, 2)},
    "zamba2": {  # the adapters are as wide as the queries
        "layers_block_type[]": ("linear_attention", "hybrid"), "n_mamba_heads": (2, 4),
        "mamba_ngroups": (1, 2), "mamba_expand": (1, 2), "num_mem_blocks": (1, 2, 3),
        "num_key_value_heads": ("leave out",),
    },
}  # fmt: skip
HINTS |= {ours: HINTS.get(theirs, {}) for ours, theirs in LIBRARY_NAMES.items()}
