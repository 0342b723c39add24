"""Read the text of a file: at most so many bytes of it, and UTF-8 only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from modelsizer.problems.errors import ModelsizerError

MOST_BYTES = 16 * 2**20
"""Largest file of a problem, a law, a configuration or an answer, far above any in use."""
NO_FILE = "no such file"
"""Words for a path at which there is nothing, in every message."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # byte order marks


class UnreadableError(ModelsizerError):
    """Raised for a file whose text cannot be read; the message is the reason, without a name."""


def exists(path: Path) -> bool:
    """Whether there is something at a path, even one that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or has a NUL
        return False


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a whole file, or a pipe to its end.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that it may have; no more are read of a device or pipe that never ends.

    Raises
    ------
    UnreadableError
        If it cannot be read, or is larger.
    """
    try:
        if path.is_dir():
            raise UnreadableError("is a folder, not a file")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except FileNotFoundError:
        raise UnreadableError(f"cannot be read: {NO_FILE}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"cannot be read: {reason}") from None
    return _checked(content, most)


def read_text(path: Path) -> str:
    """Read a UTF-8 text file, with or without byte order mark.

    Raises
    ------
    UnreadableError
        If it cannot be read, is larger than `MOST_BYTES`, or is not UTF-8 text.
    """
    return decoded(read_bytes(path))


def read_standard_input() -> str:
    """Read UTF-8 text from standard input.

    Raises
    ------
    UnreadableError
        See `read_text`.
    """
    stream: Any = getattr(sys.stdin, "buffer", sys.stdin)  # a notebook's has none
    try:
        content = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError, AttributeError):  # closed, or there is none
        raise UnreadableError("cannot be read") from None
    return decoded(_checked(content.encode() if isinstance(content, str) else content, MOST_BYTES))


def decoded(content: bytes) -> str:
    """Decode UTF-8.

    Raises
    ------
    UnreadableError
        If it is none; the message tells the first such byte.
    """
    if content[:2] in _UTF16:
        raise UnreadableError("is not UTF-8 text; save it as UTF-8 (it is UTF-16)")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"is not UTF-8 text; save it as UTF-8 (see byte {error.start + 1})"
        ) from None


def _checked(content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise UnreadableError(f"is larger than {most // 2**20} MiB, the most that is read")
    return content
