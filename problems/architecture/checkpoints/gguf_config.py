"""Read the metadata of a GGUF file as a Hugging Face configuration, by the table gguf.toml.

What the metadata leaves to the reader of llama.cpp (biases, tied embeddings, which layers are of
which kind) is taken from the tensors that the file has.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.gguf_file import Words
from modelsizer.problems.architecture.checkpoints.gguf_model import Model
from modelsizer.problems.architecture.checkpoints.gguf_rules import RULES
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.records import dataclass

EMBEDDING, HEAD = "token_embd.weight", "output.weight"
_PATTERN = "attention.sliding_window_pattern"
_WORDS = {True: "sliding_attention", False: "full_attention"}


@dataclass(frozen=True, slots=True)
class Row:
    """How an architecture of llama.cpp is one of transformers; see gguf.toml."""

    architecture: str
    type: str
    when: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    widths: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    layers: Sequence[Mapping[str, str]] = ()
    router_bias: bool = False
    rule: str = ""


@cache
def table() -> Mapping[str, Any]:
    """The table gguf.toml."""
    file = Path(__file__).parent / "gguf.toml"
    return tomllib.loads(file.read_text("utf-8"))


@cache
def rows() -> tuple[Row, ...]:
    """Rows of all architectures."""
    return tuple(Row(**row) for row in table()["row"])


def configuration(model: Model) -> dict[str, Any]:
    """Fields of the Hugging Face configuration of a model.

    Raises
    ------
    SourceError
        If its architecture is not known, or a value that it needs is missing or of another kind.
    """
    row = row_of(model)
    try:
        return _fields(model, row)
    except (ArithmeticError, IndexError, TypeError, ValueError):  # of values of another kind
        raise SourceError(
            f"has metadata or tensors that are not those of the architecture {model.architecture!r}"
        ) from None


def _fields(model: Model, row: Row) -> dict[str, Any]:
    keys = {**table()["keys"], **row.keys}
    found = {name: model.get(key) for key, name in keys.items() if name}
    if isinstance(pattern := model.get(_PATTERN), list):
        found["layer_types"] = [_WORDS[bool(entry)] for entry in pattern[: model.layers]]
    found |= {rule["field"]: _words(model, rule) for rule in row.layers}
    config: dict[str, Any] = {"model_type": row.type}
    for name, value in found.items():
        if value is not None:
            lone = isinstance(value, list) and not isinstance(value[0] if value else "", str)
            config[name] = _same(model, keys, name, value) if lone else value
    layers = keys["block_count"]
    config[layers] = model.layers
    config["vocab_size"] = _vocabulary(model)
    config["tie_word_embeddings"] = HEAD not in model.others
    config |= {name: model.tensor(tensor) is not None for name, tensor in row.flags.items()}
    for name, tensor in row.widths.items():
        if name not in config and (given := model.tensor(tensor)) is not None:
            config[name] = given.shape[0]
    if row.rule:
        config |= RULES[row.rule](model)
    elif keys["attention.head_count"] in config and "head_dim" not in config:
        config |= _head_dim(model, config[keys["attention.head_count"]])
    return config | dict(row.constants)


def row_of(model: Model) -> Row:
    """The row of a model.

    Raises
    ------
    SourceError
        If its architecture is not known.
    """
    fitting = [row for row in rows() if row.architecture == model.architecture]
    if not fitting:
        known = list(dict.fromkeys(row.architecture for row in rows()))
        hint = did_you_mean(model.architecture, known)
        raise SourceError(
            f"unknown GGUF architecture {short(model.architecture)}{hint}; "
            f"known: {', '.join(known)}"
        )
    return next((row for row in fitting if not row.when or model.has(row.when)), fitting[-1])


def _words(model: Model, rule: Mapping[str, str]) -> list[str]:
    """Word of each layer by the tensors that it has."""
    kinds = [(word, tensor) for word, tensor in rule.items() if word != "field"]
    words = []
    for layer in range(model.layers):
        block = model.blocks.get(layer, {})
        word = next((word for word, tensor in kinds if tensor in block), None)
        if word is None:
            raise SourceError(f"has no tensor of layer {layer} that tells its kind")
        words.append(word)
    return words


def _same(model: Model, keys: Mapping[str, str], name: str, values: Sequence[Any]) -> Any:
    """Value of a list with one entry for each layer; 0 where a layer of another kind has none."""
    found = {value for value in values[: model.layers] if value}
    if len(found) > 1:
        key = next(key for key, field_ in keys.items() if field_ == name)
        raise SourceError(
            f"{model.architecture}.{key} differs from layer to layer, {short(list(values))}: it "
            "cannot be counted; give the model's config.json"
        )
    return found.pop() if found else 0


def _vocabulary(model: Model) -> int:
    """Rows of the embedding, which may be more than words of the tokenizer."""
    embedding = model.others.get(EMBEDDING)
    if embedding is not None and len(embedding.shape) == 2:
        return embedding.shape[1]
    words = model.header.metadata.get("tokenizer.ggml.tokens")
    return words.length if isinstance(words, Words) else model.count("vocab_size")


def _head_dim(model: Model, heads: Any) -> dict[str, int]:
    """Width of a head where the metadata leaves it out, if it is not that of an even split."""
    output = model.tensor("attn_output.weight")
    if output is None or not isinstance(heads, int) or not heads:
        return {}
    width, rest = divmod(output.shape[0], heads)
    return {"head_dim": width} if not rest and output.shape[0] != output.shape[1] else {}
