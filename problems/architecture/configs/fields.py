"""Read the fields of a configuration, and tell which that look like sizes were not read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.errors import ModelsizerError, did_you_mean, short


class ConfigError(ModelsizerError):
    """Raised if a configuration cannot be counted exactly; the message names the field."""


_SIZED = re.compile(
    r"(^|_)(n|num|dim|dims|size|sizes|width|hidden|inner|ffn|mlp|layer|layers|head|heads|kv|expert|"
    r"experts|rank|lora|bias|proj|embed|embd|embedding|vocab|tie|tied|norm|layernorm|ln|gate|group|"
    r"groups|adapter|conv|config|state|positions|position|block|blocks|moe|altup|laurel|memory)(_|$)"
)
"""Words in a field's name that suggest an effect on the number of parameters."""

_HARMLESS = re.compile(
    r"(^|_)(token|id|ids|eps|epsilon|std|range|init|initializer|dropout|pdrop|drop|rope|rotary|alibi|"
    r"theta|scale|scaling|scalar|multiplier|factor|act|activation|fn|function|coef|temperature|"
    r"softcapping|cap|cache|dtype|version|labels|label|summary|task|beam|beams|return|output|"
    r"prob|loss|jitter|noise|limit|alpha|method|impl|implementation|fp32|float32|fused|checkpointing|"
    r"quantization|generation|clip|clamp|interleave|nope|yarn|sliding|window|chunk|mtp|nextn)(_|$)"
)
"""Words that mark a field as having no effect on the number of parameters."""

_KNOWN_HARMLESS = frozenset(
    {
        "_name_or_path", "_attn_implementation", "apply_residual_connection_post_layernorm",
        "architectures", "attn_type", "auto_map", "bad_words_ids", "begin_suppress_tokens",
        "causal_mask_size", "cross_attention_hidden_size", "dtype", "ep_size", "finetuning_task",
        "first_k_dense", "gradient_checkpointing", "is_decoder", "is_encoder_decoder",
        "layer_type_validation", "logit_scale", "masked_softmax_fusion", "max_length",
        "max_sequence_length", "max_window_layers", "min_length", "model_max_length", "model_type",
        "moe_layer_freq", "n_ctx", "n_group", "n_positions_unused", "no_repeat_ngram_size",
        "no_rope_layer_interval", "no_rope_layers", "norm_topk_prob", "num_beams",
        "num_beam_groups", "num_logits_to_keep", "num_return_sequences", "offset_alibi",
        "original_max_position_embeddings", "pad_token_id", "parallelism", "pretraining_tp",
        "problem_type", "qk_head_dim", "reorder_and_upcast_attn", "residual_multiplier",
        "scale_attn_by_inverse_layer_idx", "scale_attn_weights", "scoring_func", "seq_length",
        "skip_bias_add", "skip_bias_add_qkv", "slow_but_exact", "static_cache",
        "swiglu_limit", "topk_group", "topk_method", "torch_dtype", "transformers_version",
        "unk_token_id", "use_bidirectional_attention", "use_cache", "use_mrope",
        "attention_softmax_in_fp32", "bias_dropout_fusion", "head_dtype", "embedding_multiplier",
        "use_parallel_residual_unused", "initial_context_length", "experts_per_token",
        "router_aux_loss_coef", "output_router_logits", "aux_loss_alpha", "seq_aux",
        "cache_implementation", "hidden_act", "hidden_activation", "hidden_dropout",
        "hidden_dropout_prob", "embd_pdrop", "embedding_dropout", "layerdrop", "layer_norm_eps",
        "layer_norm_epsilon", "norm_eps", "norm_epsilon", "rms_norm_eps", "attention_multiplier",
        "layernorm_epsilon", "init_std", "prefix", "sep_token_id", "bos_token_id", "eos_token_id",
        "kv_channels_unused", "rotary_emb_base", "rotary_pct", "partial_rotary_factor",
        "num_nextn_predict_layers", "mamba_unused", "attn_config_unused", "name",
    }
)  # fmt: skip
_NEVER_IGNORED = frozenset({"per_layer_config"})
"""Fields that the library reads for every type: sizes of single layers."""

MOST_LAYERS = 2**16
"""Layers that a configuration may have; each is looked at by itself."""
_LARGEST_SIZE = 2**31  # as of the choices of a problem


class Fields:
    """The fields of a configuration, recording which were read.

    Parameters
    ----------
    config : mapping
        Fields as in ``config.json``.
    aliases : mapping of str to str
        Other names of a field -> the name that `take` uses.
    defaults : mapping of str to value
        Value of each field that is missing; they precede the defaults that methods are given.

    Attributes
    ----------
    notes : list of str
        Fields that are null, whose default was taken, and fields that were ignored.

    Raises
    ------
    ConfigError
        If a field is given under two names with different values.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        aliases: Mapping[str, str],
        defaults: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._defaults = defaults
        self._values: dict[str, Any] = {}
        self._written: dict[str, str] = {}
        self._read: set[str] = set()
        self.notes: list[str] = []
        for key, value in config.items():
            name = aliases.get(key, key)
            if name in self._values and self._values[name] != value:
                raise ConfigError(f"{key} and {name} are one field, given twice with two values")
            self._values[name] = value
            self._written.setdefault(name, key)

    def named(self, name: str) -> str:
        """The field's name as the configuration writes it, which may be another of its names."""
        return self._written.get(name, name)

    def take(self, name: str, default: Any = None) -> Any:
        """Value of a field, or the library's default if it is missing or null."""
        self._read.add(name)
        default = self._defaults.get(name, default)
        value = self._values.get(name)
        if value is None and default is not None and name in self._values:
            self.notes.append(
                f"{self.named(name)} is null: the default of its type is taken, {default}"
            )
        return default if value is None else value

    def written(self, name: str) -> bool:
        """Whether the field is present, even if null."""
        return name in self._values

    def null(self, name: str) -> bool:
        """Whether the field is present and null."""
        return name in self._values and self._values[name] is None

    def count(
        self, name: str, default: int | None = None, *, least: int = 1, most: int = _LARGEST_SIZE
    ) -> int:
        """Read a whole number.

        Raises
        ------
        ConfigError
            If it is not a whole number from `least` to `most`, or is missing without a default.
        """
        value = self.take(name, default)
        if value is None:
            what = "null" if name in self._values else "missing"
            raise ConfigError(f"{self.named(name)} is {what}, and this type has no default for it")
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not plain or not math.isfinite(value) or value != int(value):
            raise ConfigError(f"{self.named(name)} must be a whole number, got {short(value)}")
        if value < least:
            raise ConfigError(f"{self.named(name)} must be at least {least}, got {value!r}")
        if value > most:
            raise ConfigError(f"{self.named(name)} must be at most {most}, got {value!r}")
        return int(value)

    def layers(self, name: str, default: int | None = None) -> int:
        """Read a number of layers."""
        return self.count(name, default, most=MOST_LAYERS)

    def maybe(self, name: str, default: int | None = None, *, least: int = 1) -> int | None:
        """Read a whole number, or None if the field is null (or missing without a default)."""
        if self.null(name):
            self._read.add(name)
            return None
        if self.take(name, default) is None:
            return None
        return self.count(name, default, least=least)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Read a boolean; null is false, as for the library.

        Of what ties the head it is the type's default: null never adds a parameter.

        Raises
        ------
        ConfigError
            If it is not a boolean.
        """
        if self.null(name) and not name.startswith("tie_"):
            self._read.add(name)
            if self._defaults.get(name, default):
                self.notes.append(f"{self.named(name)} is null: false is taken")
            return False
        value = self.take(name, default)
        if not isinstance(value, bool):
            raise ConfigError(f"{self.named(name)} must be true or false, got {short(value)}")
        return value

    def list_of(self, name: str, kind: type, words: str) -> list[Any] | None:
        """Read a list of values of one type, or None if the field is null or missing.

        Raises
        ------
        ConfigError
            If it is none; the message says that it must be a list of `words`.
        """
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(type(entry) is kind for entry in value):
            raise ConfigError(f"{self.named(name)} must be a list of {words}, got {short(value)}")
        return value

    def routed(self, name: str, total: str, experts: int) -> int:
        """Read how many experts a token passes, of the `experts` that the field `total` counts.

        A list with one number for each layer is read where they are equal.

        Raises
        ------
        ConfigError
            If it cannot be read, or is more than there are.
        """
        value = self.take(name)
        if isinstance(value, list) and value and all(entry == value[0] for entry in value):
            self._values[name] = value[0]
        active = self.count(name)
        if active > experts:
            raise ConfigError(
                f"{self.named(name)} = {active} is more than {self.named(total)} = {experts}"
            )
        return active

    def complete(self) -> dict[str, Any]:
        """The fields as they are written, and the type's defaults of those that were missed."""
        missing = [name for name in self._defaults if name in self._read - set(self._values)]
        written = {self.named(name): value for name, value in self._values.items()}
        return written | {name: self._defaults[name] for name in missing}

    def ignore(self, names: Iterable[str]) -> None:
        """Mark fields that have no effect on counts for this type."""
        self._read |= set(names)

    def check_value(self, name: str, understood: Any) -> None:
        """Raise unless a field is missing, null or has the only value that is understood.

        Raises
        ------
        ConfigError
        """
        value = self.take(name)
        if value is not None and value != understood:
            raise ConfigError(
                f"{self.named(name)} = {short(value)}: only {short(understood)} can be counted"
            )

    def note_unread(self, model_type: str, known: Iterable[str]) -> None:
        """Add a note for each field that the type does not read and whose name looks like a size.

        Parameters
        ----------
        model_type : str
        known : iterable of str
            Fields that the type reads, whether or not this configuration needs them.

        Raises
        ------
        ConfigError
            If a field changes the sizes of any type, and this one's reader cannot count it.
        """
        read, before = self._read | set(known), len(self.notes)
        for name, value in self._values.items():
            if name not in read and name in _NEVER_IGNORED and value:
                raise ConfigError(f"{name} cannot be counted for model_type {model_type!r}")
            if name in read or name in _KNOWN_HARMLESS or _HARMLESS.search(name):
                continue
            # Empty, null, false and zero add no parameter.
            if not value or not _SIZED.search(name):
                continue
            hint = did_you_mean(name, read)
            self.notes.append(
                f"{name} = {short(value)} is not read by model_type {model_type!r}{hint}; ignored"
            )
        if self._values.get("auto_map") and len(self.notes) > before:
            self.notes.append(
                "auto_map: the model has code of its own, which may read what was ignored and be "
                f"of another size; counted as the {model_type} of the library"
            )
