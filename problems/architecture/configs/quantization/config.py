"""``quantization_config`` of a Hugging Face configuration: bytes of the weights as stored.

The experts of a mixture are counted as the matrices that checkpoints hold for each of them; a
pattern that names the first expert means all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from modelsizer.problems.architecture.accounting import layer_parameters, weights_by_part
from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.quantization.beside import (
    bytes_beside,
    predicting_layers,
)
from modelsizer.problems.architecture.configs.quantization.keys import QUANTISED
from modelsizer.problems.architecture.configs.quantization.methods import (
    CONVERT_EMBEDDING,
    METHODS,
    Asked,
    Chooser,
)
from modelsizer.problems.architecture.matrices import (
    Matrix,
    embedding_matrix,
    head_matrix,
    layer_matrices,
)
from modelsizer.problems.architecture.weight_formats import PARTS, WeightFormat
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.records import dataclass

_KEY = QUANTISED[0]
_AS_IF = "weights are taken as if not quantised"
_TOLD = {"quant_algo": "modelopt", "producer": "modelopt", "config_groups": "compressed-tensors",
         "bits": "mlx"}  # fmt: skip
"""Methods told by a key, where none is named."""
_DTYPES = {"float16": 2, "bfloat16": 2, "float32": 4, "half": 2, "float": 4}
_USUAL = 2  # bytes of a value of bf16 or fp16
_LAYERS = ("model.layers", "model.language_model.layers", "language_model.model.layers",
           "model.decoder.layers", "transformer.h", "gpt_neox.layers",
           "backbone.layers")  # fmt: skip
"""Names of the stack of layers in the classes of the library; the first unless others are named."""
_EMBEDDED = ("model.", "", "language_model.model.", "transformer.", "backbone.")
"""What stands before the name of the embedding."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How a checkpoint stores the weights.

    Parameters
    ----------
    formats : WeightFormat or None
        Mean bytes per weight of each part: times the weights of the part, exactly its bytes. None
        if the configuration has no quantisation, or one that is not counted.
    beside : int
        Bytes that it holds beside these weights.
    note : str
        What is not counted; empty if nothing.
    """

    formats: WeightFormat | None = None
    beside: int = 0
    note: str = ""


def stored(config: Mapping[str, Any], architecture: Architecture) -> Stored:
    """Read how the weights of a configuration are stored.

    Parameters
    ----------
    config : mapping
        Contents of ``config.json``.
    architecture : Architecture
        Read from it, with the order of its layers.

    Raises
    ------
    ConfigError
        If ``quantization_config`` is not a table. One that is not understood is told in the note.
    """
    values = next((config[key] for key in QUANTISED if config.get(key)), None)
    if not values:
        return Stored()
    if not isinstance(values, Mapping):
        raise ConfigError(f"{_KEY} = {short(values)} is not a table")
    method = _method(values)
    if method not in METHODS:
        hint = did_you_mean(method, METHODS)
        return Stored(
            note=f"{_KEY}: the method {short(method)} is not counted{hint}; known: "
            f"{', '.join(METHODS)}; {_AS_IF}"
        )
    try:
        choose = METHODS[method](Asked(values, _dtype(config)))
        embedded = method in CONVERT_EMBEDDING
        return _read(config, architecture, choose, str(values), embedded=embedded)
    except ConfigError as error:
        return Stored(note=f"{error}; {_AS_IF}")
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, re.error) as error:
        return Stored(note=f"{_KEY} cannot be read ({error}); {_AS_IF}")


def _method(values: Mapping[str, Any]) -> str:
    """`quant_method`, or the method that other keys tell."""
    method = str(values.get("quant_method") or "").lower().removeprefix("intel/")
    method = "modelopt" if method.startswith("modelopt") else method  # modelopt_fp4 too
    if not method and (values.get("load_in_4bit") or values.get("load_in_8bit")):
        return "bitsandbytes"
    if not method:
        return next((name for key, name in _TOLD.items() if key in values), "")
    return method


def _dtype(config: Mapping[str, Any]) -> int:
    """Bytes of a value that is not converted."""
    value = config.get("dtype") or config.get("torch_dtype")
    return _DTYPES.get(str(value).removeprefix("torch."), _USUAL)


@dataclass(frozen=True, slots=True)
class _Converter:
    """What a quantisation makes of matrices.

    Parameters
    ----------
    choose : callable
    dtype : int
        Bytes of a value that is not converted.
    layers : list of str
        Names of the stack of layers.
    words : set of str
        All words of the quantisation.
    model_type : str
    """

    choose: Chooser
    dtype: int
    layers: list[str]
    words: set[str]
    model_type: str

    @classmethod
    def of(cls, choose: Chooser, dtype: int, text: str, model_type: str) -> _Converter:
        """A converter by the text of a quantisation."""
        layers = [name for name in _LAYERS if name in text] or [_LAYERS[0]]
        return cls(choose, dtype, layers, set(re.findall(r"\w+", text)), model_type)

    def change(self, matrix: Matrix, prefixes: Iterable[str]) -> int:
        """Bytes that equal matrices take more than if they were not converted."""
        names = [f"{before}{name}" for before in prefixes for name in _named(matrix, self.words)]
        if (packing := self.choose(matrix, names)) is None:
            return 0
        packed = packing(matrix.rows, matrix.columns) * matrix.count
        return packed - matrix.weights * self.dtype

    def of_layer(self, layer: Layer, trunk: Trunk, number: int) -> Iterator[tuple[str, int]]:
        """The change of each matrix of a layer, with its part."""
        prefixes = [f"{name}.{number}." for name in self.layers]
        for matrix in layer_matrices(layer, trunk, self.model_type):
            yield matrix.part, self.change(matrix, prefixes)


def _read(
    config: Mapping[str, Any],
    architecture: Architecture,
    choose: Chooser,
    text: str,
    *,
    embedded: bool,
) -> Stored:
    trunk, groups, stack = architecture.trunk, architecture.groups, architecture.stack() or []
    dtype, counted = _dtype(config), weights_by_part(trunk, [group.layer for group in groups])
    converter = _Converter.of(choose, dtype, text, architecture.block)
    weights = {part: counted[part].at([group.count for group in groups]) for part in PARTS}
    size = {part: weights[part] * dtype for part in PARTS}
    for number, layer in enumerate(stack):
        for part, change in converter.of_layer(layer, trunk, number):
            size[part] += change
    if (head := head_matrix(trunk)) is not None:
        size[head.part] += converter.change(head, ["", "language_model."])
    if embedded:
        size["embedding"] += converter.change(embedding_matrix(trunk), _EMBEDDED)
    predicting, further = predicting_layers(config, architecture.block), 0
    for number in range(len(stack), len(stack) + predicting if stack else 0):
        changes = sum(change for _, change in converter.of_layer(stack[-1], trunk, number))
        further += int(layer_parameters(stack[-1], trunk)) * dtype + changes
    mean = {part: size[part] / n for part in PARTS if (n := weights[part])}
    return Stored(
        WeightFormat.of_parts(mean, Fraction(dtype)),
        bytes_beside(architecture, further, predicting, dtype),
    )


def _named(matrix: Matrix, words: set[str]) -> list[str]:
    """The first name of a matrix, and others of which the quantisation uses the words."""
    usual = set(matrix.names[0].split("."))
    return [name for name in matrix.names if words.union(usual).issuperset(name.split("."))]
