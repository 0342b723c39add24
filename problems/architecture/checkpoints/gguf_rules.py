"""What some architectures of GGUF files need besides the rows of gguf.toml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.gguf_model import Model

_EACH_LAYER = "per_layer_token_embd.weight"


def _latent(model: Model) -> dict[str, Any]:
    """Multi-head latent attention: files before 2025 have its widths under other keys."""
    rope = model.count("rope.dimension_count")
    whole = model.get("attention.key_length_mla") or model.count("attention.key_length")
    heads = model.count("attention.head_count")
    output = model.tensor("attn_output.weight")
    return {
        "q_lora_rank": model.get("attention.q_lora_rank"),
        "kv_lora_rank": model.count("attention.kv_lora_rank"),
        "qk_rope_head_dim": rope,
        "qk_nope_head_dim": whole - rope,
        "v_head_dim": output.shape[0] // heads if output and heads else whole - rope,
        "num_key_value_heads": heads,
        "head_dim": None,
    }


def _falcon(model: Model) -> dict[str, Any]:
    """Falcon 7B shares one key; 40B, 180B and 11B have groups, and two or one normalisations."""
    groups = model.get("attention.head_count_kv") or 1
    normalisations = 2 if model.tensor("attn_norm_2.weight") else 1
    return {
        "multi_query": groups == 1,
        "new_decoder_architecture": groups != 1,
        "num_ln_in_parallel_attn": normalisations,
    }


def _mamba(model: Model) -> dict[str, Any]:
    """Mamba-1 (arXiv 2312.00752), whose inner width is a multiple of its width."""
    return {"expand": _ratio(model, "ssm.inner_size", model.count("embedding_length"))}


def _mamba2(model: Model) -> dict[str, Any]:
    """Mamba-2 (arXiv 2405.21060)."""
    heads = model.count("ssm.time_step_rank")
    return _mamba(model) | {"head_dim": _ratio(model, "ssm.inner_size", heads)}


def _mamba_heads(model: Model) -> dict[str, Any]:
    """Mamba-2 among other layers."""
    heads = model.count("ssm.time_step_rank")
    return {"mamba_head_dim": _ratio(model, "ssm.inner_size", heads)}


def _linear_heads(model: Model) -> dict[str, Any]:
    """Gated delta networks (arXiv 2412.06464)."""
    heads = model.count("ssm.time_step_rank")
    return {"linear_value_head_dim": _ratio(model, "ssm.inner_size", heads)}


def _gemma3n(model: Model) -> dict[str, Any]:
    """Gemma 3n: low-rank branches and embeddings of each layer, of which the file pads the rows."""
    branch, embedding = model.tensor("laurel_l.weight"), model.others.get(_EACH_LAYER)
    if branch is None or embedding is None:
        raise SourceError(f"has no tensors laurel_l.weight and {_EACH_LAYER}")
    return {
        "laurel_rank": branch.shape[1],
        "vocab_size_per_layer_input": embedding.shape[1],
        "intermediate_size": model.get("feed_forward_length"),
    }


def _hybrid(model: Model) -> dict[str, Any]:
    """Mamba-2 beside or among attention, as Granite 4 and Falcon-H1 write it."""
    heads = model.count("ssm.time_step_rank")
    inner = model.count("ssm.inner_size")
    return {
        "mamba_d_head": _ratio(model, "ssm.inner_size", heads),
        "mamba_expand": inner // model.count("embedding_length"),
    }


def _jamba(model: Model) -> dict[str, Any]:
    """Jamba (arXiv 2403.19887): every so many layers attention, and every so many experts."""
    attention = [n for n, block in sorted(model.blocks.items()) if "attn_q.weight" in block]
    experts = [n for n, block in sorted(model.blocks.items()) if "ffn_gate_inp.weight" in block]
    return {
        **_period("attn_layer", attention, model.layers),
        **_period("expert_layer", experts, model.layers),
        "mamba_expand": _ratio(model, "ssm.inner_size", model.count("embedding_length")),
    }


def _period(name: str, layers: list[int], depth: int) -> dict[str, int]:
    """Period and offset of the layers of a kind; a period beyond the depth if there is none."""
    first = layers[0] if layers else depth
    period = layers[1] - first if len(layers) > 1 else depth + 1
    if layers and layers != list(range(first, depth, period)):
        raise SourceError(f"has layers of one kind, {layers}, that follow no period")
    return {f"{name}_period": period, f"{name}_offset": first}


def _listed_experts(model: Model) -> dict[str, Any]:
    """Llama 4: its configuration lists the layers with experts."""
    experts = [n for n, block in sorted(model.blocks.items()) if "ffn_gate_inp.weight" in block]
    return {"moe_layers": experts}


def _two_head_counts(model: Model) -> dict[str, Any]:
    """MiMo-V2-Flash: keys of windowed layers are twice as many."""
    counts = model.get("attention.head_count_kv")
    return {"num_key_value_heads": min(counts) if isinstance(counts, list) else counts}


def _unwindowed(_model: Model) -> dict[str, Any]:
    """A model without windows, of a type that has one by default."""
    return {"sliding_window": None}


def _ratio(model: Model, key: str, parts: int) -> int:
    """A value divided into equal parts."""
    whole = model.count(key)
    if parts < 1 or whole % parts:
        raise SourceError(f"{model.architecture}.{key} = {whole} is no multiple of {parts}")
    return whole // parts


RULES: dict[str, Callable[[Model], dict[str, Any]]] = {
    "falcon": _falcon,
    "gemma3n": _gemma3n,
    "hybrid": _hybrid,
    "jamba": _jamba,
    "latent": _latent,
    "linear_heads": _linear_heads,
    "listed_experts": _listed_experts,
    "mamba": _mamba,
    "mamba2": _mamba2,
    "mamba_heads": _mamba_heads,
    "two_head_counts": _two_head_counts,
    "unwindowed": _unwindowed,
}
"""By the word in a row; each gives fields of the configuration over those of the row."""
