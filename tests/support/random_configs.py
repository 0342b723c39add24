"""Random small configurations of every model type that is read, the same for a seed."""

from __future__ import annotations

import random
from typing import Any

TYPES = (
    "bloom", "cohere", "deepseek_v2", "deepseek_v3", "falcon", "gemma", "gemma2", "gemma3_text",
    "glm4", "gpt2", "gpt_neox", "gpt_oss", "granite", "llama", "mistral", "mixtral", "olmo2", "opt",
    "phi", "phi3", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "smollm3", "stablelm", "starcoder2",
)  # fmt: skip
_BIASES = {
    "attention_bias": "llama qwen3 qwen3_moe gemma gemma2 gemma3_text olmo2 cohere granite glm4 "
    "gpt_oss smollm3 gpt_neox deepseek_v2 deepseek_v3",
    "mlp_bias": "llama granite smollm3 deepseek_v2",
    "use_bias": "starcoder2",
    "enable_bias": "opt",
    "bias": "falcon",
    "use_qkv_bias": "stablelm",
    "qk_layernorm": "stablelm phi",
    "use_parallel_residual": "stablelm",
    "use_qk_norm": "cohere",
    "qkv_bias": "qwen2_moe",
    "new_decoder_architecture": "falcon",
    "multi_query": "falcon",
    "parallel_attn": "falcon",
    "do_layer_norm_before": "opt",
    "layer_norm_elementwise_affine": "opt",
}
_NO_HEAD_DIM = {"gpt2", "bloom", "opt", "falcon", "gpt_neox", "stablelm", "deepseek_v2",
                "deepseek_v3"}  # fmt: skip


def random_config(seed: int) -> dict[str, Any]:
    """One configuration; its type goes round with the seed."""
    r = random.Random(seed)
    kind = TYPES[seed % len(TYPES)]
    heads, dim, depth = r.choice([4, 8, 16]), r.choice([16, 32, 64]), r.randint(1, 5)
    c: dict[str, Any] = {"model_type": kind}

    def maybe(key: str, value: Any, chance: float = 0.8) -> None:
        if r.random() < chance:
            c[key] = value

    if kind == "gpt2":
        c |= {"n_embd": heads * dim, "n_head": heads, "n_layer": depth}
        maybe("n_inner", r.choice([None, 300]))
        maybe("n_positions", r.choice([64, 512]))
    elif kind == "bloom":
        c |= {"hidden_size": heads * dim, "n_head": heads, "n_layer": depth}
    else:
        c |= {"hidden_size": heads * dim, "num_attention_heads": heads, "num_hidden_layers": depth}
        if kind == "opt":
            maybe("ffn_dim", r.choice([300, 512]))
            c["word_embed_proj_dim"] = r.choice([heads * dim, 96])
        elif kind == "falcon":
            maybe("ffn_hidden_size", r.choice([300, 512]))
            maybe("num_kv_heads", r.choice([1, 2, 4]))
        else:
            maybe("intermediate_size", r.choice([300, 512]))
    if kind not in _NO_HEAD_DIM:
        c["num_key_value_heads"] = r.choice([1, 2, 4])
        maybe("head_dim", r.choice([16, 48, 80]), 0.5)
    elif kind == "stablelm":
        c["num_key_value_heads"] = r.choice([1, 2, 4])
    c |= {"vocab_size": r.randint(200, 9000), "pad_token_id": 0}
    maybe("tie_word_embeddings", r.choice([True, False]), 0.5)
    for key, kinds in _BIASES.items():
        if kind in kinds.split():
            maybe(key, r.choice([True, False]))
    if kind.startswith("deepseek"):
        c |= {"n_routed_experts": 8, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1}
        maybe("q_lora_rank", r.choice([None, 32]))
        maybe("kv_lora_rank", r.choice([16, 64]))
        maybe("v_head_dim", r.choice([16, 24]))
        maybe("first_k_dense_replace", r.choice([0, 1, 2]))
        maybe("moe_intermediate_size", r.choice([64, 100]))
    if kind in ("mixtral", "gpt_oss"):
        c |= {"num_local_experts": r.choice([4, 8]), "num_experts_per_tok": 2}
    if kind in ("qwen2_moe", "qwen3_moe"):
        c |= {"num_experts": r.choice([4, 16]), "num_experts_per_tok": 2}
        maybe("decoder_sparse_step", r.choice([1, 2]))
        maybe("mlp_only_layers", r.choice([[], [0]]), 0.4)
    return c
