"""What is drawn for fields whose names do not tell it: rows of data for each type.

``field`` lists values ("leave out" for none), ``field[]`` values of a list's entries, one a layer; "=keep" names fields that are always written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KNOWN_LAYER_TYPES: Mapping[str, Sequence[str]] = {
    "layer_types": ("full_attention", "sliding_attention"),
    "mlp_layer_types": ("dense", "sparse"),
}

LIBRARY_NAMES: Mapping[str, str] = {"kimi_k2": "deepseek_v3"}
"""Types that published files name and the library does not: the library's name."""

HINTS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    # With 0 and biases the library makes an MLP of no width that has a bias all the same.
    "deepseek_v2": {"n_shared_experts": (1, 2)},
    "helium": {  # the output projection is as wide as the stream, whatever the heads
        "hidden_size": (64,), "num_attention_heads": (4,), "head_dim": (16,),
        "=keep": ("hidden_size", "num_attention_heads", "head_dim"),
    },
    "lfm2": {"layer_types[]": ("full_attention", "conv")},
    "lfm2_moe": {"layer_types[]": ("full_attention", "conv"), "num_dense_layers": (0, 1, 2)},
    "jamba": {
        "attn_layer_period": (2, 3), "attn_layer_offset": (0, 1), "expert_layer_period": (1, 2),
        "expert_layer_offset": (0, 1), "mamba_expand": (1, 2), "mamba_dt_rank": (4, 8, "auto"),
    },
    "gemma3n_text": {
        "num_kv_shared_layers": (0, 1, 2), "laurel_rank": (8, 16), "altup_num_inputs": (2, 4),
        "hidden_size_per_layer_input": (16, 32), "vocab_size_per_layer_input": (200,),
    },
    "dbrx": {"tie_word_embeddings": ("leave out",)},
}  # fmt: skip
