"""Write files atomically."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from modelsizer.problems.errors import ModelsizerError


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write to a temporary file in the folder of `path`, then rename it to `path`.

    Parameters
    ----------
    path : Path
    write : callable
        Writes the content to the path that it is given.

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
    """Write a UTF-8 text file atomically."""

    def write(part: Path) -> None:
        part.write_text(text, "utf-8")

    write_whole(path, write)
