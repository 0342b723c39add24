"""One hostile input: what is given, through which door, and what it must give."""

from __future__ import annotations

from dataclasses import dataclass, field

BAD_INPUT = 2
FOLDER = "{folder}"
"""Stands for the folder of a case in its command line."""
DIGITS = 5000  # more than Python turns into an integer
DEEP = 10_000
BIG = 10 * 2**30


@dataclass(frozen=True)
class Case:
    """One input.

    Parameters
    ----------
    kind, door : str
        What is wrong, and where it is given.
    args : tuple of str
        Command line.
    files : mapping of str to bytes
        Content by name, in the folder of the case.
    holes : mapping of str to int
        Files of zeros by name, in bytes; they take no space on the disk.
    stdin : bytes
    status : int or None
        Exit status; None for 0 or 2.
    words : tuple of str
        What the error says; of an input that is accepted, nothing.
    """

    kind: str
    door: str
    args: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    holes: dict[str, int] = field(default_factory=dict)
    stdin: bytes = b""
    status: int | None = BAD_INPUT
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {self.door}"


def nested(depth: int) -> str:
    """Lists in lists."""
    return "[" * depth + "]" * depth
