"""Read ``params.json``, the configuration that Meta and Mistral publish beside their weights.

Widths of the feed-forward as in Meta's ``llama/model.py``, class FeedForward: 2/3 of 4 x dim, times
``ffn_dim_multiplier``, rounded up to a multiple of ``multiple_of``. Mistral writes ``hidden_dim``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.errors import short

_NAMES = {"dim": "hidden_size", "n_layers": "num_hidden_layers", "n_heads": "num_attention_heads",
          "n_kv_heads": "num_key_value_heads", "head_dim": "head_dim", "vocab_size": "vocab_size",
          "hidden_dim": "intermediate_size"}  # fmt: skip
_EXPERTS = {"num_experts": "num_local_experts", "num_experts_per_tok": "num_experts_per_tok"}
_IDLE = frozenset({"norm_eps", "rope_theta", "use_scaled_rope", "max_seq_len", "max_batch_size",
                   "model_type", "rope_scaling_factor", "max_position_embeddings", "yarn", "causal",
                   "use_biases", "multiple_of", "ffn_dim_multiplier", "tied_embeddings", "moe",
                   "sliding_window"})  # fmt: skip
"""Fields that are read below, or change no size."""
_LLAMA_2_VOCABULARY = 32000  # its params.json says -1: as its tokenizer has it


def is_native(content: Mapping[str, Any]) -> bool:
    """Whether a JSON object is such a file."""
    return "model_type" not in content and {"dim", "n_layers", "n_heads"} <= content.keys()


def native_config(content: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the Hugging Face configuration of the same model.

    Raises
    ------
    SourceError
        If a field may change the size and is not known.
    """
    unknown = [key for key in content if key not in _NAMES and key not in _IDLE]
    if unknown:
        raise SourceError(
            f"{unknown[0]} = {short(content[unknown[0]])} is not a field of params.json that "
            "modelsizer knows; give the model's config.json"
        )
    config: dict[str, Any] = {_NAMES[k]: v for k, v in content.items() if k in _NAMES}
    experts = content.get("moe")
    if experts is not None and not isinstance(experts, Mapping):
        raise SourceError(f"moe must be an object with num_experts, got {short(experts)}")
    config["model_type"] = "mixtral" if experts else "mistral"
    config["sliding_window"] = content.get("sliding_window")
    if experts:
        config |= {_EXPERTS[key]: value for key, value in experts.items() if key in _EXPERTS}
    if "hidden_dim" not in content:
        config["model_type"] = "llama"
        del config["sliding_window"]
        config["intermediate_size"] = _llama_width(content)
    if config.get("vocab_size") == -1:
        config["vocab_size"] = _LLAMA_2_VOCABULARY
    config.setdefault("num_key_value_heads", config["num_attention_heads"])
    config["tie_word_embeddings"] = content.get("tied_embeddings", _tied(content))
    return config


def _llama_width(content: Mapping[str, Any]) -> int:
    """Width of Meta's feed-forward."""
    dim, multiple = content["dim"], content.get("multiple_of", 256)
    factor = content.get("ffn_dim_multiplier") or 1
    for key, value in (("dim", dim), ("multiple_of", multiple), ("ffn_dim_multiplier", factor)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**31:
            raise SourceError(f"{key} must be a positive number, got {short(value)}")
    width = int(factor * int(2 * (4 * dim) / 3))
    return int(multiple * -(-width // multiple))


def _tied(content: Mapping[str, Any]) -> bool:
    """Whether the head is tied, which the file does not say: so are Llama 3.2 1B and 3B alone."""
    return content.get("vocab_size") == 128256 and content["dim"] in (2048, 3072)
