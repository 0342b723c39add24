"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from modelsizer.problems.errors import ModelsizerError


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it into place.

    Raises
    ------
    ModelsizerError
        If the folder does not exist or cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
            part = Path(folder) / path.name
            write(part)
            part.replace(path)
    except OSError as error:
        raise ModelsizerError(f"{path}: cannot be written: {error.strerror or error}") from None


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""

    def write(part: Path) -> None:
        part.write_text(text, "utf-8")

    write_whole(path, write)
