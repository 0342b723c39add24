"""Convert a Hugging Face ``config.json`` to an architecture, by the table of model types.

Every default and rule is that of transformers 5.24; counts were checked against the parameters
that its ``modeling_*.py`` creates on the meta device. Buffers and multi-token prediction heads are
excluded, as in those classes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.heads import FIELDS as HEAD_FIELDS
from modelsizer.problems.architecture.configs.heads import headed
from modelsizer.problems.architecture.configs.model_types import ModelType, model_types
from modelsizer.problems.architecture.configs.other_files import looks_like
from modelsizer.problems.architecture.configs.quantization.keys import QUANTISED
from modelsizer.problems.architecture.configs.readers import reader
from modelsizer.problems.architecture.configs.wrappers import text_note, text_part, whole_of
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.records import dataclass

_POSITION_FIELDS = (
    "max_position_embeddings",
    "layer_types",
)  # no parameters, except in OPT and GPT-2


@dataclass(frozen=True, slots=True)
class Reading:
    """What a configuration says.

    Parameters
    ----------
    architecture : Architecture
        Of the text model, with its `whole` where that is a part of a larger one.
    notes : tuple of str
        What the reader assumed or ignored.
    """

    architecture: Architecture
    notes: tuple[str, ...] = ()


def read(config: Mapping[str, Any]) -> Reading:
    """Read a Hugging Face configuration.

    Parameters
    ----------
    config : mapping
        Contents of ``config.json``; missing fields have the library's default for the type.

    Raises
    ------
    ConfigError
        If the type is unknown, a field is invalid, or has a value that cannot be counted.
    """
    if (text := text_part(config)) is not None:
        found = read(text)
        whole = whole_of(config, found.architecture.trunk.d_model)
        notes = (*text_note(config), *found.notes)
        return Reading(replace(found.architecture, whole=whole), notes)
    t = _type_of(config)
    f = Fields(_flat(config, t), t.names, t.defaults)
    for name, understood in t.refuse.items():
        f.check_value(name, understood)
    try:
        architecture = reader(t.reader)(f, t)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    f.list_of("layer_types", str, "words")  # of any type, though few read it
    f.note_unread(t.name, {*_POSITION_FIELDS, *_known(t)})
    given = config if t.nested else f.complete()  # fields of nested objects stay in them
    complete = {**given, "model_type": t.name}
    trunk = headed(architecture.trunk, config)
    if trunk != architecture.trunk:  # of another class than a causal language model
        complete |= {name: config[name] for name in HEAD_FIELDS if name in config}
    architecture = replace(architecture, trunk=trunk, block=t.name, config=complete)
    if not any(config.get(key) for key in QUANTISED):
        return Reading(architecture, tuple(f.notes))
    from modelsizer.problems.architecture.configs.quantization.config import stored

    held = stored(config, architecture)
    told = [*f.notes, held.note] if held.note else f.notes
    return Reading(replace(architecture, stored=held.formats, beside=held.beside), tuple(told))


def read_config(
    config: Mapping[str, Any], say: Callable[[str], object] | None = None
) -> Architecture:
    """Read the architecture of a Hugging Face configuration.

    Parameters
    ----------
    config : mapping
        Contents of ``config.json``; missing fields have the library's default for the type.
    say : callable, optional
        Told of each field that is null and whose default was taken, and of each that was ignored.

    Raises
    ------
    ConfigError
        See `read`.
    """
    found = read(config)
    if say is not None:
        for note in found.notes:
            say(note)
    return found.architecture


def _flat(config: Mapping[str, Any], t: ModelType) -> Mapping[str, Any]:
    """The configuration with the fields of nested objects beside its own, which come first."""
    own = {t.names.get(key, key) for key in config}
    inner: dict[str, Any] = {}
    for name in t.nested:
        if isinstance(part := config.get(name), Mapping):
            inner |= {k: v for k, v in part.items() if t.names.get(k, k) not in own}
    return {k: v for k, v in config.items() if k not in t.nested} | inner


def _type_of(config: Mapping[str, Any]) -> ModelType:
    """The row of a configuration's type."""
    types = model_types()
    name = config.get("model_type") or _type_of_class(config.get("architectures"), types)
    if name is None:
        what = looks_like(config)
        raise ConfigError(
            f"this is {what}"
            if what
            else "model_type is missing: is this a Hugging Face config.json?"
        )
    if not isinstance(name, str) or name not in types:
        hint = did_you_mean(str(name), types)
        raise ConfigError(
            f"unknown model_type {short(name)}{hint}; `modelsizer models --types` lists the "
            f"{len(types)} that are known"
        )
    return types[name]


def _type_of_class(names: object, types: Iterable[str]) -> str | None:
    """Type of the class that a configuration without one names: ``Qwen3MoeForCausalLM``."""
    if not isinstance(names, list) or not names or not isinstance(names[0], str):
        return None
    bare = re.sub(r"(For[A-Z]\w*|(LMHead)?Model)$", "", names[0]).lower()
    plain = {name.replace("_", ""): name for name in types}
    of_text = names[0].endswith("ForCausalLM")  # where a type has a vision part too
    order = (f"{bare}text", bare) if of_text else (bare, f"{bare}text")
    return next((plain[name] for name in order if name in plain), None)


def _known(t: ModelType) -> set[str]:
    """Fields that a type reads for some configuration."""

    def traits(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            for part in value.values():
                yield from traits(part)

    found = {*t.defaults, *t.names, *t.idle}
    for row in fields(t):
        if row.name not in ("defaults", "names"):
            found |= set(traits(getattr(t, row.name)))
    return found
