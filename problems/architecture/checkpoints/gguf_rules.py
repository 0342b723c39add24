"""What some architectures of GGUF files need besides the rows of gguf.toml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.gguf_model import Model


def _latent(model: Model) -> dict[str, Any]:
    """Multi-head latent attention: files before 2025 have its widths under other keys."""
    rope = model.count("rope.dimension_count")
    whole = model.get("attention.key_length_mla") or model.count("attention.key_length")
    heads = model.count("attention.head_count")
    return {
        "q_lora_rank": model.get("attention.q_lora_rank"),
        "kv_lora_rank": model.count("attention.kv_lora_rank"),
        "qk_rope_head_dim": rope,
        "qk_nope_head_dim": whole - rope,
        "v_head_dim": model.get("attention.value_length_mla")
        or model.get("attention.value_length")
        or whole - rope,
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


def _ratio(model: Model, key: str, parts: int) -> int:
    """A value divided into equal parts."""
    whole = model.count(key)
    if parts < 1 or whole % parts:
        raise SourceError(f"{model.architecture}.{key} = {whole} is no multiple of {parts}")
    return whole // parts


RULES: dict[str, Callable[[Model], dict[str, Any]]] = {
    "falcon": _falcon,
    "latent": _latent,
    "linear_heads": _linear_heads,
    "mamba": _mamba,
    "mamba2": _mamba2,
    "mamba_heads": _mamba_heads,
}
"""By the word in a row; each gives fields of the configuration over those of the row."""
