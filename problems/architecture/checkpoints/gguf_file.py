"""Read the header of a GGUF file: its metadata, and type and shape of every tensor.

The format is that of llama.cpp's ``ggml/include/gguf.h``: magic, version, counts, key-value pairs,
descriptions of tensors; then their data, which is never read. The package ``gguf`` reads it too,
but makes an array of each of the 10^5 words of a vocabulary, which takes seconds.
"""

from __future__ import annotations

import mmap
import struct
from math import prod
from pathlib import Path
from typing import Any

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.folders import MAGIC
from modelsizer.problems.records import dataclass

VERSIONS = (2, 3)
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q",
            12: "d"}  # fmt: skip
_STRING, _ARRAY = 8, 9
_MOST_KEPT = 4096  # numbers of an array that are kept, such as one for each layer
_MOST_ENTRIES, _MOST_WORDS, _MOST_DIMENSIONS, _LONGEST = 2**17, 2**24, 4, 2**16
"""Bounds of a damaged file: keys and tensors, words of an array, dimensions, bytes of a name."""
_END = "ends within its header: it is damaged, or not wholly downloaded"


@dataclass(frozen=True, slots=True)
class Words:
    """An array of a header of which only the length is kept."""

    length: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a file.

    Parameters
    ----------
    name : str
    shape : tuple of int
        As GGUF writes it: the dimension that is contiguous in memory is the first.
    type : int
        Number of its ``ggml_type``.
    """

    name: str
    shape: tuple[int, ...]
    type: int

    @property
    def elements(self) -> int:
        """Number of its values."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a file, or of all files of a model that is split.

    Parameters
    ----------
    metadata : dict of str to value
        Numbers, texts, lists of numbers, and `Words` for longer arrays and those of texts.
    tensors : tuple of Tensor
    """

    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]


def read_header(paths: list[Path]) -> Header:
    """Read the headers of the files of a model.

    Raises
    ------
    SourceError
        If one is no GGUF file, or damaged; the message has no name of the file.
    """
    parts = [_read(path) for path in paths]
    return Header(parts[0].metadata, tuple(tensor for part in parts for tensor in part.tensors))


def _read(path: Path) -> Header:
    if not path.is_file():
        raise SourceError("is no regular file, as one of GGUF must be")
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Cursor(data).header()
    except (struct.error, IndexError, OverflowError):
        raise SourceError(_END) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


class _Cursor:
    """A place in a file, which moves as values are read."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at, self._size, self._order = data, 0, len(data), "<"

    def header(self) -> Header:
        if self._data[: len(MAGIC)] != MAGIC:
            raise SourceError("is not a GGUF file")
        self._at = len(MAGIC)
        version = self._number("I")
        if version & 0xFFFF == 0:  # written by a machine of the other byte order
            self._order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
        if version not in VERSIONS:
            raise SourceError(f"is GGUF version {version}; versions 2 and 3 are read")
        tensors, pairs = self._count(_MOST_ENTRIES), self._count(_MOST_ENTRIES)
        metadata = {self._text(): self._value(self._number("I")) for _ in range(pairs)}
        return Header(metadata, tuple(self._tensor() for _ in range(tensors)))

    def _number(self, code: str) -> Any:
        (value,) = struct.unpack_from(self._order + code, self._data, self._at)
        self._at += struct.calcsize(code)
        return value

    def _count(self, most: int) -> int:
        count = self._number("Q")
        if count > most:
            raise SourceError(
                f"has a damaged header: a count of {count:,} at byte {self._at - 8:,}"
            )
        return int(count)

    def _skip(self, bytes_: int) -> None:
        self._at += bytes_
        if self._at > self._size:
            raise SourceError(_END)

    def _text(self) -> str:
        length = self._count(self._size)
        start = self._at
        self._skip(length)
        return self._data[start : self._at].decode("utf-8", "replace")

    def _value(self, kind: int) -> Any:
        if kind in _SCALARS:
            return self._number(_SCALARS[kind])
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY:
            raise SourceError(f"has a value of unknown type {kind} at byte {self._at:,}")
        inner, length = self._number("I"), self._count(self._size)
        if inner in _SCALARS:
            return self._numbers(_SCALARS[inner], length)
        if inner != _STRING or length > _MOST_WORDS:
            raise SourceError(f"has an array that cannot be read at byte {self._at:,}")
        unpack, data, at, size = (
            struct.Struct(self._order + "Q").unpack_from,
            self._data,
            self._at,
            8,
        )
        for _ in range(length):
            at += size + unpack(data, at)[0]
        self._at = 0
        self._skip(at)
        return Words(length)

    def _numbers(self, code: str, length: int) -> Any:
        start = self._at
        self._skip(length * struct.calcsize(code))
        if length > _MOST_KEPT:
            return Words(length)
        return list(struct.unpack_from(f"{self._order}{length}{code}", self._data, start))

    def _tensor(self) -> Tensor:
        name, dimensions = self._text(), self._number("I")
        if dimensions > _MOST_DIMENSIONS or len(name) > _LONGEST:
            raise SourceError(f"has a tensor of {dimensions:,} dimensions at byte {self._at:,}")
        shape = tuple(self._number("Q") for _ in range(dimensions))
        kind = self._number("I")
        self._skip(8)  # where its data begins
        return Tensor(name, shape, kind)
