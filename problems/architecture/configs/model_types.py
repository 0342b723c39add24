"""The table of model types: what transformers' class of each ``model_type`` reads and assumes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import field, fields
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.records import dataclass

Trait = bool | str | Mapping[str, Any]
"""True, False, the name of a boolean field, or ``{when = "field", then = A, else = B}``."""

_TABLES = ("defaults", "names", "refuse", "mixers", "feed_forwards", "experts", "latent", "linear")
"""Keys of a row that are tables: a row adds to those of the row that it is like."""


@dataclass(frozen=True, slots=True)
class ModelType:
    """One row of ``types.toml``; a type of the library as data.

    Parameters
    ----------
    name : str
        ``model_type`` of a configuration.
    reader : str
        The function that reads it, in `modelsizer.problems.architecture.configs.readers`.
    defaults : mapping of str to value
        Value of each field that a configuration may leave out.
    names : mapping of str to str
        Other names of fields, each with the name used here.
    idle : tuple of str
        Fields whose names look like sizes, and which change no count of this type.
    refuse : mapping of str to value
        Fields of which one value is understood.
    mixers : mapping of str to str
        Kind of attention, or of what stands in its place, by the words of `layers`.
    layers : str
        Rule for the word of each layer where `layer_types` does not say it.
    layer_types : bool
        Whether the type reads `layer_types`.
    unlisted : str
        Word of every layer where the field that the rule reads is missing.
    period : int or str
        Period of the rule, or the field that holds it.
    window : str
        Field that holds the window.
    window_before : str
        Field that says it without the token itself, and counts if it is given.
    window_flag : str
        Field without which the window has no effect; empty if there is none.
    feed_forwards : mapping of str to str
        Kind of feed-forward, by the words of `ffn_layers`.
    ffn_layers : str
        Rule for the word of each layer's feed-forward where `mlp_layer_types` does not say it;
        "same" for the words of `layers`.
    ffn_types : bool
        Whether the type reads `mlp_layer_types`.
    dense_width : str
        Field that holds the width of a dense feed-forward, or a rule that gives it; without it,
        `intermediate_size`.
    experts, latent, linear : mapping of str to value
        Names of the fields, and traits, of mixtures, latent attention and linear layers.
    qkv_bias, output_bias, ffn_bias, head_bias : Trait
    gated, norm_bias, norm_scale, sinks, gate, gate_bias, head_gate : Trait
        `gate_bias` is whether a gate of the attention has the biases that queries have.
    qk_norm, norms : value or Trait
        Normalisation of queries and keys, and number of normalisations of a layer.
    qk_norm_width, head_dim : {"", "quotient", "or_quotient"}
        "quotient": hidden_size / num_attention_heads, whatever a field `head_dim` says;
        "or_quotient": that where `head_dim` is null.
    heads : {"grouped", "multi", "single"} or Trait
        "multi": one kv head for each head, "single": one for all, whatever a field says.
    layer_heads : str
        Field that lists the query heads of each layer; empty if there is none.
    value_dim : str
        Field with the width of a head's value; empty if it is that of its key.
    depth : str
        Field with the number of layers.
    nested : tuple of str
        Fields whose value is an object with further fields.
    ffn_ratio : int
        `intermediate_size` / `hidden_size` where the former is left out; 0 if it has a default.
    positions : str
        Field with the number of learned positions; empty if there are none.
    ties : bool
        Whether the class ties its head where `tie_word_embeddings` asks for it.
    activation : str
        Activation with learned parameters, where `hidden_act` names it.
    text : str
        Of a type that holds a text model beside others: the type of that where it says none.
    flat : bool
        Whether such a type also reads the text model's fields beside its parts.
    """

    name: str
    reader: str = "decoder"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    idle: tuple[str, ...] = ()
    refuse: Mapping[str, Any] = field(default_factory=dict)
    mixers: Mapping[str, str] = field(default_factory=dict)
    layers: str = "full"
    layer_types: bool = False
    unlisted: str = ""
    period: int | str = 0
    window: str = "sliding_window"
    window_before: str = ""
    window_flag: str = ""
    feed_forwards: Mapping[str, str] = field(default_factory=dict)
    ffn_layers: str = "dense"
    ffn_types: bool = False
    dense_width: str = "intermediate_size"
    experts: Mapping[str, Any] = field(default_factory=dict)
    latent: Mapping[str, Any] = field(default_factory=dict)
    linear: Mapping[str, Any] = field(default_factory=dict)
    qkv_bias: Trait = False
    output_bias: Trait = False
    ffn_bias: Trait = False
    head_bias: Trait = False
    gated: Trait = True
    norm_bias: Trait = False
    norm_scale: Trait = True
    sinks: Trait = False
    gate: Trait = False
    gate_bias: Trait = True
    head_gate: Trait = False
    qk_norm: Any = "none"
    norms: Any = 2
    qk_norm_width: str = ""
    head_dim: str = ""
    heads: Any = "grouped"
    layer_heads: str = ""
    value_dim: str = ""
    depth: str = "num_hidden_layers"
    nested: tuple[str, ...] = ()
    ffn_ratio: int = 0
    positions: str = ""
    ties: bool = True
    activation: str = ""
    text: str = ""
    flat: bool = False


_KEYS = {f.name for f in fields(ModelType)} - {"name"} | {"like", "null"}


def _resolved(name: str, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A row with the values of those that it is like."""
    row = dict(rows[name])
    if unknown := sorted(set(row) - _KEYS):
        raise ValueError(f"types.toml: [{name}] has no key {', '.join(unknown)}")
    like, missing = row.pop("like", None), row.pop("null", [])
    base = {} if like is None else _resolved(like, rows)
    for key in _TABLES:
        if key in row and key in base:
            row[key] = base[key] | row[key]
    found = base | row
    if "idle" in row:
        found["idle"] = [*base.get("idle", []), *row["idle"]]
    if missing:
        for key in ("defaults", "refuse", "mixers"):
            found[key] = {k: v for k, v in found.get(key, {}).items() if k not in missing}
    return found


@cache
def model_types() -> Mapping[str, ModelType]:
    """Every type, by its name."""
    rows = tomllib.loads((Path(__file__).parent / "types.toml").read_text("utf-8"))
    found = {}
    for name in rows:
        row = _resolved(name, rows)
        lists = {key: tuple(row.get(key, ())) for key in ("idle", "nested")}
        found[name] = ModelType(name, **row | lists)
    del found["decoder"]  # the row that the others are like
    return found
