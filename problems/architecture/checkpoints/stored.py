"""What the files of a model hold: values and bytes, by part and by type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from modelsizer.problems.architecture.accounting import weights_by_part
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.weight_formats import PARTS, WeightFormat
from modelsizer.problems.records import dataclass

_REST = "other"
_FULL = Fraction(2)


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor of a file.

    Parameters
    ----------
    part : str
        One of `modelsizer.problems.architecture.weight_formats.PARTS`.
    type : str
        Its format, such as ``"BF16"`` or ``"Q4_K"``.
    values, bytes : int
    parameter : bool
        Whether it is one of the parameters that are counted; not so are buffers, scales of
        quantised weights and layers that predict further tokens.
    """

    part: str
    type: str
    values: int
    bytes: int
    parameter: bool = True


@dataclass(frozen=True, slots=True)
class Sum:
    """Values and bytes of some tensors."""

    values: int
    bytes: int

    def to_dict(self) -> dict[str, int]:
        """For JSON."""
        return {"values": self.values, "bytes": self.bytes}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tensors of a model's files.

    Parameters
    ----------
    format : str
        ``"gguf"`` or ``"safetensors"``.
    tensors : tuple of StoredTensor
    plain : bool
        Whether a value is stored for each parameter, so that they may be counted.
    """

    format: str
    tensors: tuple[StoredTensor, ...]
    plain: bool = True

    @property
    def bytes(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.bytes for tensor in self.tensors)

    @property
    def parameters(self) -> int | None:
        """Parameters that they hold; None if they are packed in values of another number."""
        if not self.plain:
            return None
        return sum(tensor.values for tensor in self.tensors if tensor.parameter)

    @property
    def beside(self) -> int:
        """Bytes of tensors that are no parameters."""
        return sum(tensor.bytes for tensor in self.tensors if not tensor.parameter)

    def formats(self, architecture: Architecture) -> WeightFormat:
        """Bytes per weight of each part, of which those of the whole are the file's.

        Parameters
        ----------
        architecture : Architecture
            Of the same model.
        """
        counts = architecture.counts
        kinds = architecture.kinds
        weights = weights_by_part(architecture.trunk, kinds)
        counted = {part: affine.at(counts) for part, affine in weights.items()}
        parameters = [tensor for tensor in self.tensors if tensor.parameter]
        held = dict.fromkeys(PARTS, 0)
        usual = max(counted, key=lambda part: counted[part])
        for tensor in parameters:
            part = tensor.part if counted[tensor.part] else _REST
            held[part if counted[part] else usual] += tensor.bytes
        each = {part: held[part] / count for part, count in counted.items() if count}
        return WeightFormat.of_parts(each, _FULL)

    def by_part(self) -> dict[str, Sum]:
        """Sums of the parts that the model has."""
        found = _sums((tensor.part, tensor) for tensor in self.tensors)
        return {part: found[part] for part in PARTS if part in found}

    def by_type(self) -> dict[str, Sum]:
        """Sums of the types that it uses, the largest first."""
        return _sums((tensor.type, tensor) for tensor in self.tensors)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": self.format,
            "bytes": self.bytes,
            "parameters": self.parameters,
            "by_part": {name: found.to_dict() for name, found in self.by_part().items()},
            "by_type": {name: found.to_dict() for name, found in self.by_type().items()},
        }


def part_of(name: str, patterns: Mapping[str, re.Pattern[str]]) -> str:
    """Part of a tensor, by the first pattern that its name has."""
    return next((part for part, pattern in patterns.items() if pattern.search(name)), "other")


def _sums(named: Iterable[tuple[str, StoredTensor]]) -> dict[str, Sum]:
    found: dict[str, Sum] = {}
    for name, tensor in named:
        old = found.get(name, Sum(0, 0))
        found[name] = Sum(old.values + tensor.values, old.bytes + tensor.bytes)
    return dict(sorted(found.items(), key=lambda item: -item[1].bytes))
