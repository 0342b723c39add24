"""The model that the header of a GGUF file describes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.gguf_file import Header, Tensor
from modelsizer.problems.errors import short
from modelsizer.problems.records import dataclass

ARCHITECTURE = "general.architecture"
_NEXTN = "nextn_predict_layers"


@dataclass(frozen=True)
class Model:
    """The header of a model, by its architecture.

    Parameters
    ----------
    header : Header
    architecture : str
    """

    header: Header
    architecture: str

    def get(self, key: str) -> Any:
        """Value of a key after the architecture's name, or None."""
        return self.header.metadata.get(f"{self.architecture}.{key}")

    def count(self, key: str) -> int:
        """Value of a key that must be a whole number.

        Raises
        ------
        SourceError
            If it is missing, or another value.
        """
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            what = "missing" if value is None else f"{short(value)}, not a whole number"
            raise SourceError(f"{self.architecture}.{key} is {what} in its metadata")
        return value

    @property
    def layers(self) -> int:
        """Layers of the model, without those that predict further tokens."""
        return self.count("block_count") - int(self.get(_NEXTN) or 0)

    @cached_property
    def blocks(self) -> Mapping[int, Mapping[str, Tensor]]:
        """Tensors of each layer, by their name in it."""
        found: dict[int, dict[str, Tensor]] = {}
        for tensor in self.header.tensors:
            number, name = block_of(tensor.name)
            if number is not None:
                found.setdefault(number, {})[name] = tensor
        return found

    @cached_property
    def others(self) -> Mapping[str, Tensor]:
        """Tensors of no layer, by name."""
        return {t.name: t for t in self.header.tensors if block_of(t.name)[0] is None}

    def tensor(self, name: str) -> Tensor | None:
        """The first tensor of a layer with this name."""
        return next((block[name] for block in self.blocks.values() if name in block), None)

    def has(self, name: str) -> bool:
        """Whether a key is there and not 0, or a tensor of a layer."""
        return bool(self.get(name)) or self.tensor(name) is not None


def block_of(name: str) -> tuple[int | None, str]:
    """Layer of a tensor (None outside of layers) and its name in it."""
    if name.startswith("blk."):
        number, _, rest = name[4:].partition(".")
        if number.isdecimal():
            return int(number), rest
    return None, name


def model_of(header: Header) -> Model:
    """The model that a header describes.

    Raises
    ------
    SourceError
        If it is no model, or has no tensors.
    """
    name = header.metadata.get(ARCHITECTURE)
    kind = header.metadata.get("general.type", "model")
    if not isinstance(name, str) or kind != "model":
        what = f"general.type is {short(kind)}" if kind != "model" else f"{ARCHITECTURE} is missing"
        raise SourceError(f"is a GGUF file that holds no language model: {what}")
    if not header.tensors:
        raise SourceError("is a GGUF file of a vocabulary only: it has no tensors")
    return Model(header, name)
