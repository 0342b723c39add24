"""Random small configurations of any decoder-only type of the library, the same for a seed."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Mapping
from typing import Any

from tests.support.library.counting import library_config, library_model
from tests.support.library.hints import HINTS, KNOWN_LAYER_TYPES, LIBRARY_NAMES
from tests.support.library.running import runs

Choices = tuple[Any, ...]

_RULES: tuple[tuple[str, Choices], ...] = (
    (r"^(hidden_size|n_embd|n_embed|d_model|dim|embed_dim)$", (64, 96, 128)),
    (r"^(num_attention_heads|n_heads?|num_heads|swa_num_attention_heads)$", (4, 8)),
    (r"^(num_key_value_heads|num_kv_heads|kv_n_heads|n_head_kv|swa_num_key_value_heads|"
     r"num_key_value_heads_\w+)$", (1, 2, 4)),
    (r"^(num_hidden_layers|n_layers?|num_layers)$", (1, 2, 3, 4, 5, 6)),
    (r"vocab_size", (200, 512, 1001)),
    (r"lora_rank$|_rank$", (16, 32)),
    (r"head_dim|_dim_head", (16, 32, 48)),
    (r"(intermediate_size|ffn_dim|ffn_hidden|n_inner|d_ff|inner_size|mlp_dim)", (80, 96, 160)),
    (r"^(num_experts_per_tok|num_experts_per_token|top_k|moe_topk|moe_top_k|moe_k|topk|"
     r"num_selected_experts|router_top_k|top_k_experts)$", (1, 2, 3)),
    (r"shared_experts", (0, 1, 2)),
    (r"^(num_experts|num_local_experts|n_routed_experts|moe_num_experts|num_routed_experts|"
     r"n_experts|num_moe_experts)$", (4, 8)),
    (r"^(n_group|topk_group|num_expert_group)$", (1,)),
    (r"first_k_dense|num_dense_layers|dense_layers", (0, 1, 2)),
    (r"sliding_window$|^window_size$|attention_chunk_size|local_attention_window|attention_window_size",
     (4, 8, 16)),
    (r"max_window_layers", (0, 1, 2, 28)),
    (r"(layer|step|interval|period|pattern|freq)(_step|_interval|_period|_freq|_pattern)$|"
     r"^(decoder_sparse_step|full_attention_interval|sliding_window_pattern)$", (1, 2, 3)),
    (r"(conv|kernel)(_kernel|_size|_dim|_kernel_dim|_kernel_size|_L_cache)$|^d_conv$|conv_L_cache",
     (2, 3, 4)),
    (r"state_size|d_state|mamba_d_state", (8, 16)),
    (r"max_position_embeddings|n_positions|max_seq_len|model_max_length|n_ctx|max_sequence_length",
     (64, 128)),
)  # fmt: skip
"""What a field may be by its name; the first that matches."""

_LEFT_ALONE = re.compile(
    r"^(output_|return_|use_cache|is_|chunk_size_feed|cross_attention|add_cross|tie_encoder|"
    r"scale_attn|gradient|use_mrope|id2label|num_labels|transformers_|rope_|initializer|"
    r"router_(aux|jitter|z)|.*_token_id|.*dropout.*|.*_eps|num_mtp|mtp|num_nextn|"
    r"use_bidirectional|pretraining_tp|use_mamba_kernels|rescale|.*softcapping|.*(mask|cap)$)"
)
"""Fields that change no size, and would only make configurations invalid."""


_SMALL = 20_000_000  # parameters of a model that is run


class UndrawableError(RuntimeError):
    """Raised if the library accepts none of the configurations drawn for a type."""


def own_fields(kind: str) -> dict[str, Any]:
    """Fields that a type's configuration has, beside those of every type, with the defaults."""
    import transformers

    cls = transformers.CONFIG_MAPPING[LIBRARY_NAMES.get(kind, kind)]
    common = {f.name for f in dataclasses.fields(transformers.PretrainedConfig)}
    found: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.name not in common or field.name == "tie_word_embeddings":
            found[field.name] = None if field.default is dataclasses.MISSING else field.default
    try:
        made = cls()
    except Exception:
        return found
    for name in found:
        try:
            found[name] = getattr(made, name, found[name])
        except Exception:
            continue
    return found


def size_defaults(kind: str) -> dict[str, Any]:
    """Defaults of a type's fields that may change a size; of lists, their different entries."""
    found = {}
    for name, value in own_fields(kind).items():
        if _LEFT_ALONE.search(name) or isinstance(value, float | str | dict):
            continue
        if isinstance(value, list) and len(value) > 8:
            found[name] = {"entries": len(value), "first": value[:8]}
        else:
            found[name] = value
    return found


def _optional(kind: str, name: str) -> bool:
    """Whether the type's annotation of a field allows null."""
    import transformers

    cls = transformers.CONFIG_MAPPING[LIBRARY_NAMES.get(kind, kind)]
    for field in dataclasses.fields(cls):
        if field.name == name:
            return "None" in str(field.type)
    return False


def _choices(kind: str, name: str, default: Any) -> Choices:
    """What a field may be drawn from; empty to leave it out."""
    hints = HINTS.get(kind, {})
    if name in hints:
        return tuple(hints[name])
    if _LEFT_ALONE.search(name):
        return ()
    if isinstance(default, bool):
        return (True, False)
    if isinstance(default, float | str | dict):
        return ()
    for pattern, choices in _RULES:
        if re.search(pattern, name):
            nulls = (None,) if default is None and _optional(kind, name) else ()
            if re.search(r"group|per_tok|routed|top_?k", name):
                nulls = ()
            if re.search(r"sliding_window$|q_lora_rank|shared_experts", name):
                nulls = (None,) if _optional(kind, name) else ()
            return choices + nulls
    return ()


def _lists(kind: str, config: dict[str, Any], fields: Mapping[str, Any], r: random.Random) -> None:
    """Draw lists with an entry for each layer."""
    hints = HINTS.get(kind, {})
    depth = next(
        (config[n] for n in ("num_hidden_layers", "n_layer", "n_layers") if n in config), None
    )
    if depth is None:
        return
    for name, default in fields.items():
        each = hints.get(f"{name}[]")
        if each is None and name in ("layer_types", "mlp_layer_types"):
            seen = set(default) if isinstance(default, list) else set()
            several = bool(seen) and (name != "layer_types" or "sliding_window" in fields)
            each = sorted(seen | set(KNOWN_LAYER_TYPES[name] if several else ()))
        if each and r.random() < 0.6:
            config[name] = [r.choice(each) for _ in range(depth)]
        elif name in config and each is not None:
            del config[name]


def draw(kind: str, r: random.Random) -> dict[str, Any]:
    """One configuration of a type, which need not be valid."""
    fields = own_fields(kind)
    config: dict[str, Any] = {"model_type": kind}
    for name, default in fields.items():
        choices = _choices(kind, name, default)
        if choices and (not isinstance(choices[0], bool) or r.random() < 0.8):
            config[name] = r.choice(choices)
    for name, choices in HINTS.get(kind, {}).items():
        if (
            name not in fields
            and name[-1] != "]"
            and name != "=keep"
            and (name in HINTS[kind].get("=keep", ()) or r.random() < 0.5)
        ):
            config[name] = r.choice(tuple(choices))
    _lists(kind, config, fields, r)
    if isinstance(fields.get("pad_token_id"), int):
        config["pad_token_id"] = 0  # some are beyond a small vocabulary
    config = {k: v for k, v in config.items() if v != "leave out"}
    heads = next(
        (config[n] for n in ("num_attention_heads", "n_head", "n_heads") if n in config), 0
    )
    for name in ("hidden_size", "n_embd", "d_model"):
        if name in config and heads and config[name] % heads:
            config[name] = heads * 16
    return config


def _renamed(kind: str, config: dict[str, Any], r: random.Random) -> dict[str, Any]:
    """The configuration with some fields under the other names that the library reads them by."""
    import transformers

    others = {
        own: other
        for other, own in transformers.CONFIG_MAPPING[
            LIBRARY_NAMES.get(kind, kind)
        ].attribute_map.items()
    }
    for name in HINTS.get(kind, {}).get("=keep", ()):
        others.pop(name, None)
    return {others[k] if k in others and r.random() < 0.3 else k: v for k, v in config.items()}


def _sensible(config: dict[str, Any]) -> bool:
    """Whether heads and experts can be shared out, which large models are not run to see."""
    built = library_config(config)
    for many, few in (
        ("num_attention_heads", "num_key_value_heads"),
        ("num_experts", "num_experts_per_tok"),
        ("num_local_experts", "num_experts_per_tok"),
    ):
        most, least = getattr(built, many, None), getattr(built, few, None)
        if not isinstance(most, int) or not isinstance(least, int) or not least:
            continue
        if least > most or ("heads" in many and most % least):
            return False
    heads, width = getattr(built, "num_attention_heads", 1), getattr(built, "hidden_size", 0)
    return "head_dim" in config or not isinstance(heads, int) or width % heads == 0


def random_config(kind: str, seed: int, attempts: int = 60) -> dict[str, Any]:
    """A configuration of a type that the library builds, and runs unless it is too large.

    One in four leaves sizes out, so that the library's defaults are taken.

    Raises
    ------
    UndrawableError
        If the library accepts none of the attempts.
    """
    last = "none was drawn"
    for attempt in range(attempts):
        r = random.Random(f"{kind} {seed} {attempt}")
        config = draw(kind, r)
        sparse = r.random() < 0.25
        if sparse:
            kept = r.sample(sorted(config), max(2, len(config) - r.randint(1, 4)))
            kept += ["model_type", *HINTS.get(kind, {}).get("=keep", ())]
            config = {k: v for k, v in config.items() if k in kept}
        config = _renamed(kind, config, r)
        try:
            size = sum(p.numel() for p in library_model(config).parameters())
            if size < _SMALL:
                runs(config)
            if not _sensible(config):
                last = f"not sensible: {config}"
                continue
        except Exception as error:
            last = f"{type(error).__name__}: {str(error)[:300]}"
            continue
        return config
    raise UndrawableError(f"{kind}, seed {seed}: {last}")
