"""Files that fail: at a byte, when flushed, synchronised, closed, renamed or opened."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import pytest

from modelsizer.problems import files

NUMBERS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)
PLACES = ("open", "write", "flush", "fsync", "close", "replace")


@dataclass(frozen=True, slots=True)
class Fault:
    """What fails of a file that is written.

    Parameters
    ----------
    place : str
        One of `PLACES`.
    number : int
        Of the error.
    at : int
        The byte that is not written, where writing fails.
    """

    place: str
    number: int = errno.ENOSPC
    at: int = 0

    def __str__(self) -> str:
        return f"{self.place}-{errno.errorcode[self.number]}-{self.at}"

    @property
    def error(self) -> OSError:
        """The error."""
        return OSError(self.number, os.strerror(self.number))

    def raised(self, *_: object, **__: object) -> NoReturn:
        """Raise the error, whatever the arguments."""
        raise self.error


class _Raw(io.FileIO):
    def __init__(self, path: Path, fault: Fault) -> None:
        super().__init__(path, "xb")
        self._fault, self._left = fault, fault.at

    def write(self, data: Any) -> int:
        if self._fault.place != "write":
            return super().write(data)
        if not self._left:
            raise self._fault.error
        taken = super().write(memoryview(data)[: self._left])  # a part, as a full disk takes it
        self._left -= taken
        return taken

    def close(self) -> None:
        opened = not self.closed
        super().close()
        if opened and self._fault.place == "close":
            raise self._fault.error


class _Buffered(io.BufferedWriter):
    def __init__(self, raw: _Raw, fault: Fault) -> None:
        super().__init__(raw, 512)
        self._fault = fault

    def flush(self) -> None:
        super().flush()
        if self._fault.place == "flush" and not self.closed:
            raise self._fault.error


@contextmanager
def failing(folder: Path, fault: Fault) -> Iterator[None]:
    """Let the files fail that are written in a folder; in others they do not."""
    with pytest.MonkeyPatch.context() as patch:
        create, replace, fsync = files._create, Path.replace, os.fsync

        def opened(path: Path) -> BinaryIO:
            if path.parent != folder:
                return create(path)
            if fault.place == "open":
                raise fault.error
            return _Buffered(_Raw(path, fault), fault)

        def replaced(self: Path, target: Path) -> Path:
            if fault.place == "replace" and self.parent == folder:
                raise fault.error
            return replace(self, target)

        def synchronised(number: int) -> None:
            mine = [os.path.samestat(os.fstat(number), path.stat()) for path in folder.iterdir()]
            if fault.place == "fsync" and any(mine):
                raise fault.error
            fsync(number)

        patch.setattr(files, "_create", opened)
        patch.setattr(Path, "replace", replaced)
        patch.setattr(os, "fsync", synchronised)
        yield
