"""Methods of ``quantization_config``: which matrices each converts, and to what.

Defaults are those of transformers 5.24 (``utils/quantization_config.py``, ``quantizers/``,
``integrations/``) and, for what it leaves to others, of compressed-tensors 0.20, GPTQModel, AutoAWQ
and bitsandbytes. Routers, embeddings, normalisations and biases stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.quantization import packings
from modelsizer.problems.architecture.configs.quantization.conversions import (
    Matches,
    of_compressed_tensors,
    of_expressions,
    of_library,
    of_modelopt,
    of_modules,
)
from modelsizer.problems.architecture.configs.quantization.packings import Packing
from modelsizer.problems.architecture.matrices import Matrix
from modelsizer.problems.errors import short
from modelsizer.problems.records import dataclass

_FP32 = 4
_HEAD = "head"
_BESIDE = ("router", "other")

Chooser = Callable[[Matrix, Sequence[str]], Packing | None]
"""The packing of a matrix with these full names; None if it is not converted."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A ``quantization_config`` and what its method needs besides.

    Parameters
    ----------
    values : mapping
    dtype : int
        Bytes of a value that is not converted.
    """

    values: Mapping[str, Any]
    dtype: int

    def whole(self, name: str, default: int) -> int:
        """A whole number."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigError(f"quantization_config.{name} = {short(value)} is not a whole number")
        return value

    def names(self, *keys: str) -> list[str] | None:
        """The first list of names among some keys; None if there is none."""
        for key in keys:
            value = self.values.get(key)
            if value is None:
                continue
            if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                raise ConfigError(f"quantization_config.{key} must be a list of names")
            return value
        return None


def _all_but(left: Matches, packing: Packing, *, head: bool = True) -> Chooser:
    """Convert every matrix to one format, except those left, and the head."""

    def choose(matrix: Matrix, names: Sequence[str]) -> Packing | None:
        if (matrix.part == _HEAD and not head) or any(map(left, names)):
            return None
        return packing

    return choose


def _by_library(a: Asked, packing: Packing, *keys: str) -> Chooser:
    """The library's rule: all linear modules but those listed; without a list, but the head."""
    listed = a.names(*(keys or ("modules_to_not_convert",)))
    return _all_but(of_library(listed or []), packing, head=listed is not None)


def _mxfp4(a: Asked) -> Chooser:
    left, packing = of_library(a.names("modules_to_not_convert") or []), packings.mxfp4()

    def choose(matrix: Matrix, names: Sequence[str]) -> Packing | None:
        converted = matrix.part == "experts" and not any(map(left, names))
        return packing if converted else None

    return choose


def _gptq(a: Asked) -> Chooser:
    group, bits = a.whole("group_size", 128), a.whole("bits", 4)
    # Marlin's order of weights has neither zero points nor the groups of inputs.
    marlin = a.values.get("checkpoint_format") == "marlin" or a.values.get("is_marlin_format")
    blocks = a.values.get("modules_in_block_to_quantize")
    within = {n for names in blocks for n in names} if isinstance(blocks, list) else None
    rules = a.values.get("dynamic") or {}
    left = of_expressions([r.removeprefix("-:") for r in rules if r.startswith("-:")])
    own = [
        (of_expressions([rule.removeprefix("+:")]), values)
        for rule, values in rules.items()
        if not rule.startswith("-:")
    ]

    def choose(matrix: Matrix, names: Sequence[str]) -> Packing | None:
        if matrix.part in _BESIDE or any(map(left, names)):
            return None
        if matrix.part == _HEAD and not a.values.get("lm_head"):
            return None
        if within is not None and not any(n.endswith(tuple(within)) for n in names):
            return None
        found = {"bits": bits, "group_size": group}
        for matches, values in own:
            if any(map(matches, names)):
                found |= values
                break
        if marlin:
            return packings.scaled(found["bits"], (1, found["group_size"]), packings.HALF)
        return packings.gptq(found["bits"], found["group_size"], packings.HALF)

    return choose


def _awq(a: Asked) -> Chooser:
    bits, group = a.whole("bits", 4), a.whole("group_size", 128)
    left = of_modules(a.names("modules_to_not_convert") or [])
    packing = packings.awq(bits, group, packings.HALF)

    def choose(matrix: Matrix, names: Sequence[str]) -> Packing | None:
        kept = matrix.part in (_HEAD, *_BESIDE) or any(map(left, names))
        return None if kept else packing

    return choose


def _auto_round(a: Asked) -> Chooser:
    return _awq(a) if "awq" in str(a.values.get("packing_format", "")) else _gptq(a)


def _fp8(a: Asked) -> Chooser:
    static = a.values.get("activation_scheme") == "static"
    # AutoFP8, whose scales are of whole matrices, names no blocks.
    block = a.values.get("weight_block_size", None if static else [128, 128])
    size = (None, None) if block is None else (int(block[0]), int(block[1]))
    packing = packings.scaled(8, size, _FP32, scalars=int(static))
    return _by_library(a, packing, "modules_to_not_convert", "ignored_layers")


def _bitsandbytes(a: Asked) -> Chooser:
    if a.values.get("load_in_8bit") or a.values.get("_load_in_8bit"):
        return _by_library(a, packings.bitsandbytes8(), "llm_int8_skip_modules")
    packing = packings.bitsandbytes4(double=bool(a.values.get("bnb_4bit_use_double_quant")))
    return _by_library(a, packing, "llm_int8_skip_modules")


def _rows(bits: int, scale: int) -> Callable[[Asked], Chooser]:
    """A scale for each output."""
    return lambda a: _by_library(a, packings.scaled(bits, (1, None), scale))


def _hqq(a: Asked) -> Chooser:
    listed = a.names("skip_modules")
    left = of_library(["lm_head"] if listed is None else listed)
    weights = a.values.get("quant_config", {}).get("weight_quant_params", a.values)
    bits, group = int(weights.get("nbits", 4)), int(weights.get("group_size") or 0)
    return _all_but(left, packings.hqq(bits, group, a.dtype, axis=int(weights.get("axis", 1) or 0)))


def _quanto(a: Asked) -> Chooser:
    weights = str(a.values.get("weights", "int8"))
    bits = {"int8": 8, "float8": 8, "int4": 4, "int2": 2}.get(weights)
    if bits is None:
        raise ConfigError(f"quantization_config.weights = {short(weights)} is not counted")
    if bits == 8:
        return _by_library(a, packings.scaled(bits, (1, None), a.dtype))
    return _by_library(a, packings.scaled(bits, (1, 128), 2 * a.dtype))  # scale and shift


def _torchao(a: Asked) -> Chooser:
    kind = str(a.values.get("quant_type", "")).lower()
    if "int4" in kind or "uint4" in kind:
        found = re.search(r"group_size'?\"?: (\d+)", str(a.values))
        group = int(found[1]) if found else 128
        return _by_library(a, packings.scaled(4, (1, group), 2 * a.dtype))
    if "int8" in kind or "float8" in kind or "fp8" in kind:
        return _by_library(a, packings.scaled(8, (1, None), a.dtype))
    raise ConfigError(f"quantization_config.quant_type = {short(kind)} is not counted")


def _bitnet(a: Asked) -> Chooser:
    def size(rows: int, columns: int) -> int:
        return -(-rows // 4) * columns + a.dtype  # four ternary values in a byte, one scale

    return _by_library(a, size)


def _weights_of(group: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = group.get("weights")
    return found if isinstance(found, Mapping) else None


def _block(w: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Rows and columns that share a scale, by the strategy of compressed-tensors."""
    group, structure = w.get("group_size"), w.get("block_structure")
    strategy = w.get("strategy") or ("group" if group and group > 0 else "tensor")
    if strategy == "block" and isinstance(structure, list):
        return int(structure[0]), int(structure[1])
    if strategy in ("group", "tensor_group") and group:
        return 1, int(group)
    return (1, None) if strategy in ("channel", "group") else (None, None)


def _static(activations: object) -> bool:
    """Whether a checkpoint holds a scale of the inputs."""
    return isinstance(activations, Mapping) and activations.get("dynamic") is not True


def _compressed(a: Asked, group: Mapping[str, Any]) -> Packing | None:
    """The format of a group of compressed-tensors; None if its weights are not quantised."""
    w = _weights_of(group)
    if w is None:
        return None
    form = str(group.get("format") or a.values.get("format") or "")
    bits, inputs = int(w.get("num_bits", 8)), group.get("input_activations")
    if "nvfp4" in form:
        return packings.scaled(4, (1, int(w.get("group_size") or 16)), 1, scalars=1 + bool(inputs))
    if "mxfp" in form:
        return packings.scaled(bits, (1, 32), 1)
    if form == "pack-quantized" or bits < 8:
        return packings.pack_quantized(
            bits,
            _block(w),
            a.dtype,
            zero_points=w.get("symmetric") is False,
            index=w.get("actorder") in ("group", True),
        )
    zero_point = int(w.get("symmetric") is False)  # a byte for each scale
    packing = packings.scaled(bits, _block(w), a.dtype + zero_point)
    # A static scale of the inputs has the type of those of the weights.
    of_inputs = a.dtype * _static(inputs)
    return lambda rows, columns: packing(rows, columns) + of_inputs


def _compressed_tensors(a: Asked) -> Chooser:
    left = of_compressed_tensors(a.names("ignore") or [])
    groups = a.values.get("config_groups") or {}
    targets = []
    for group in groups.values():
        names = group.get("targets") or []
        targets.append(("Linear" in names, of_compressed_tensors(names), _compressed(a, group)))
    targets.sort(key=lambda target: target[0])  # names before classes

    def choose(matrix: Matrix, names: Sequence[str]) -> Packing | None:  # noqa: ARG001
        if any(map(left, names)):
            return None
        for every, matches, packing in targets:
            if every or any(map(matches, names)):
                return packing
        return None

    return choose


def _modelopt(a: Asked) -> Chooser:
    values = a.values.get("quantization", a.values)
    asked = Asked(values, a.dtype)
    algorithm = str(values.get("quant_algo", "")).upper()
    left = of_modelopt(asked.names("ignore", "exclude_modules") or ["lm_head"])
    formats = {
        "NVFP4": packings.scaled(4, (1, int(values.get("group_size") or 16)), 1, scalars=2),
        "FP8": packings.scaled(8, (None, None), _FP32, scalars=1),
        "FP8_PB_WO": packings.scaled(8, (128, 128), _FP32),
    }
    if algorithm == "MIXED_PRECISION":
        return _modelopt_mixed(values, left, formats)
    if algorithm not in formats:
        raise ConfigError(f"quantization_config.quant_algo = {short(algorithm)} is not counted")
    return _all_but(left, formats[algorithm])


def _modelopt_mixed(
    values: Mapping[str, Any], left: Matches, formats: Mapping[str, Packing]
) -> Chooser:
    """Formats by module."""
    layers = values.get("quantized_layers") or {}
    own = {name: formats.get(str(row.get("quant_algo")).upper()) for name, row in layers.items()}

    def choose(matrix: Matrix, names: Sequence[str]) -> Packing | None:  # noqa: ARG001
        if any(map(left, names)):
            return None
        return next((own[name] for name in names if name in own), None)

    return choose


def _mlx(a: Asked) -> Chooser:
    """MLX (``mlx.nn.quantize``): every matrix and the embedding, each module as it is listed.

    A group of weights has a scale and, in the affine mode, a shift. mlx_lm leaves a matrix whose
    rows are no whole number of groups (``utils.quantize_model``).
    """

    def choose(matrix: Matrix, names: Sequence[str]) -> Packing | None:
        names = [name.replace(".experts.0.", ".switch_mlp.") for name in names]
        own = next((a.values[name] for name in names if name in a.values), True)
        if own is False:
            return None
        values = {**a.values, **own} if isinstance(own, Mapping) else a.values
        bits, group = int(values["bits"]), int(values["group_size"])
        affine = str(values.get("mode", "affine")) == "affine"
        if matrix.columns % group:
            return None
        return packings.scaled(bits, (1, group), 2 * a.dtype if affine else 1)

    return choose


METHODS: Mapping[str, Callable[[Asked], Chooser]] = {
    "auto-round": _auto_round,
    "awq": _awq,
    "bitnet": _bitnet,
    "bitsandbytes": _bitsandbytes,
    "compressed-tensors": _compressed_tensors,
    "eetq": _rows(8, packings.HALF),
    "fbgemm_fp8": _rows(8, _FP32),
    "fp8": _fp8,
    "gptq": _gptq,
    "hqq": _hqq,
    "mlx": _mlx,
    "modelopt": _modelopt,
    "mxfp4": _mxfp4,
    "quanto": _quanto,
    "torchao": _torchao,
}
CONVERT_EMBEDDING = frozenset({"mlx"})
"""Methods that convert the embedding of tokens too."""
