"""Sweep files: JSON lines that survive a kill, and Parquet beside them.

The first line is a header: format, hash of the problem, its tables and the grid. Each further line
is one point, written and synchronised before the next. A truncated last line is dropped when the
file is opened again. The finished file is sorted, so the same sweep gives the same bytes however
it was solved.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from modelsizer.optimizer.sweeps.grids import SweepGrid
from modelsizer.optimizer.sweeps.points import Row
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.files import write_whole
from modelsizer.problems.problem import Problem
from modelsizer.problems.reading import flattened
from modelsizer.problems.version import __version__

FORMAT, FORMAT_VERSION = "modelsizer-sweep", 1
ENDINGS = (".jsonl", ".parquet")
_ANEW = "--no-resume starts anew"


@dataclass(frozen=True, slots=True)
class Question:
    """What a sweep solves, as its file says it.

    Parameters
    ----------
    problem : Problem
        The base, without scenarios.
    grid : SweepGrid
    solver : str
    time_limit : float or None
        Seconds, of each point.
    """

    problem: Problem
    grid: SweepGrid
    solver: str = "auto"
    time_limit: float | None = None

    @property
    def header(self) -> dict[str, Any]:
        """The first line of the file."""
        asked: dict[str, Any] = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "modelsizer": __version__,
            "solver": self.solver,
            "time_limit": self.time_limit,
            "grid": self.grid.to_list(),
            "problem": self.problem.to_dict(),
        }
        asked = json.loads(json.dumps(asked))  # tuples as lists, as a file gives them back
        canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        return {"format": FORMAT, "hash": digest, "points": len(self.grid)} | asked


def line(content: Mapping[str, Any]) -> bytes:
    """One line of the file."""
    return json.dumps(content, allow_nan=False, separators=(", ", ": ")).encode() + b"\n"


class SweepFile:
    """Results of a sweep, appended to a file as they come.

    Parameters
    ----------
    path : Path
        ``.jsonl``.
    question : Question
    resume : bool
        Continue with what the file holds; if not, start anew.

    Attributes
    ----------
    rows : dict
        Rows by index.
    found : int
        How many rows the file held when it was opened.

    Raises
    ------
    ModelsizerError
        If the file is none of a sweep, is of another question, is damaged, cannot be written, or
        another process writes it.
    """

    def __init__(self, path: Path, question: Question, *, resume: bool = True) -> None:
        self.path, self.question = path, question
        self.rows: dict[int, Row] = {}
        try:
            self._file: BinaryIO = path.open("a+b")
        except OSError as error:
            raise ModelsizerError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            self._lock()
            self._read(resume)
        except BaseException:
            self._file.close()
            raise
        self.found = len(self.rows)

    def __enter__(self) -> SweepFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def missing(self) -> list[int]:
        """Points that are not solved."""
        return [index for index in range(len(self.question.grid)) if index not in self.rows]

    def append(self, row: Row) -> None:
        """Add a row; it is on the disk when this returns."""
        self._write(line(row))
        self.rows[row["index"]] = row

    def finish(self) -> None:
        """Replace the file, whose rows came in any order, by one in the grid's order."""
        ordered = [self.rows[index] for index in range(len(self.question.grid))]
        content = line(self.question.header) + b"".join(map(line, ordered))
        self._file.seek(0)
        if self._file.read() == content:
            return

        def write(part: Path) -> None:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())

        write_whole(self.path, write)

    def _write(self, content: bytes) -> None:
        try:
            self._file.write(content)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise ModelsizerError(f"{self.path}: cannot be written: {error.strerror}") from None

    def _lock(self) -> None:
        """Keep a second sweep out; the lock goes with the process, however it ends."""
        try:
            import fcntl
        except ImportError:  # not on every system
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ModelsizerError(f"{self.path}: another sweep is writing this file") from None

    def _read(self, resume: bool) -> None:
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]  # the rest is a line cut short
        lines = whole.splitlines()
        header = self.question.header
        if content and not self._is_sweep(content, lines):
            raise ModelsizerError(
                f"{self.path}: is no file of a sweep, and is left alone; name another with -o"
            )
        if lines and resume:
            self._check(json.loads(lines[0]), header)
            kept = self._take(lines)
            if kept != content:
                self._cut(len(kept))
            return
        self._cut(0)
        self._write(line(header))

    def _is_sweep(self, content: bytes, lines: list[bytes]) -> bool:
        if not lines:  # the header itself was cut short
            return line(self.question.header).startswith(content[: len(FORMAT)])
        first = _parsed(lines[0])
        return first is not None and first.get("format") == FORMAT

    def _cut(self, length: int) -> None:
        self._file.truncate(length)
        os.fsync(self._file.fileno())

    def _take(self, lines: list[bytes]) -> bytes:
        """Keep the rows, and return the bytes that stay."""
        keys = [axis.key for axis in self.question.grid.axes]
        for number, text in enumerate(lines[1:], start=2):
            row = _parsed(text)
            index = None if row is None else row.get("index")
            good = isinstance(index, int) and 0 <= index < len(self.question.grid)
            if good and row is not None:
                assert isinstance(index, int)
                point = self.question.grid.point(index)
                good = [row.get(key) for key in keys] == [point[key] for key in keys]
            if not good or row is None:
                if number == len(lines):  # a last line may be damaged as well as cut
                    return b"".join(one + b"\n" for one in lines[:-1])
                raise ModelsizerError(
                    f"{self.path}: line {number} is no result of this sweep; mend it, or {_ANEW}"
                )
            self.rows.setdefault(row["index"], row)
        return b"".join(one + b"\n" for one in lines)

    def _check(self, before: dict[str, Any], now: dict[str, Any]) -> None:
        if before.get("hash") == now["hash"]:
            return
        changed = ", ".join(_differences(before, now)) or "the header"
        raise ModelsizerError(
            f"{self.path}: holds the results of another question; changed: {changed}. "
            f"Name another file with -o, or {_ANEW}"
        )


def saved_points(path: Path) -> int:
    """Points in the file of a sweep, counted on the disk; 0 if there is no file."""
    try:
        return max(0, path.read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Which parts of two headers differ, in the words of the file and the command line."""
    names = ("format_version", "modelsizer", "solver", "time_limit")
    found = [
        f"{name} ({before.get(name)} then, {now[name]} now)"
        for name in names
        if before.get(name) != now[name]
    ]
    grids = [{a["key"]: a["values"] for a in header.get("grid", [])} for header in (before, now)]
    keys = dict.fromkeys((*grids[0], *grids[1]))
    found += [f"the values of {key}" for key in keys if grids[0].get(key) != grids[1].get(key)]
    if not found and before.get("grid") != now["grid"]:
        found.append("the order of the keys")
    tables = [flattened(header.get("problem", {})) for header in (before, now)]
    keys = dict.fromkeys((*tables[0], *tables[1]))
    return found + [key for key in keys if tables[0].get(key) != tables[1].get(key)]
