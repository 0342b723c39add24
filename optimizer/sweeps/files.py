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
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from modelsizer.optimizer.sweeps.grids import SweepGrid
from modelsizer.optimizer.sweeps.points import Row, columns
from modelsizer.problems.errors import ModelsizerError, short
from modelsizer.problems.files import FileError, check_writable, write_bytes
from modelsizer.problems.problem import Problem
from modelsizer.problems.reading import flattened
from modelsizer.problems.records import dataclass
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
        check_file(path)
        try:
            self._file = self._opened()
        except OSError as error:
            raise self._unwritten(error) from None
        try:
            self._read(resume)
        except BaseException as error:
            if not os.fstat(self._file.fileno()).st_size:  # not even a header
                path.unlink(missing_ok=True)
            self._file.close()
            raise self._unwritten(error) if isinstance(error, OSError) else error from None
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
        if os.name == "nt":  # which replaces no file that is open
            self._file.close()
        write_bytes(self.path, content)

    def _write(self, content: bytes) -> None:
        """Add lines; a part of them does not stay."""
        whole = self._file.seek(0, os.SEEK_END)
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(whole)
            raise self._unwritten(error) from None

    def _unwritten(self, error: OSError) -> FileError:
        return FileError(self.path, f"cannot be written: {error.strerror or error}")

    def _opened(self) -> FileIO:
        """Open the file and lock it, unless another sweep replaces it in between."""
        while True:
            file = FileIO(self.path, "a+")
            try:
                self._lock(file)
                if os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                    return file
            except FileNotFoundError:
                pass
            except BaseException:
                file.close()
                raise
            file.close()

    def _lock(self, file: FileIO) -> None:
        """Keep a second sweep out; the lock goes with the process, however it ends."""
        try:
            import fcntl
        except ImportError:  # not on every system
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise ModelsizerError(f"{self.path}: another sweep is writing this file") from None
        except OSError:  # a file system without locks
            return

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
        names = set(columns(self.question.problem, self.question.grid))
        for number, text in enumerate(lines[1:], start=2):
            row = _parsed(text)
            if row is None or row.keys() != names or not self._is_point(row):
                if number == len(lines):  # a last line may be damaged as well as cut
                    return b"".join(one + b"\n" for one in lines[:-1])
                raise ModelsizerError(
                    f"{self.path}: line {number} is no result of this sweep; mend it, or {_ANEW}"
                )
            self.rows.setdefault(row["index"], row)
        return b"".join(one + b"\n" for one in lines)

    def _is_point(self, row: Row) -> bool:
        index, grid = row["index"], self.question.grid
        if type(index) is not int or not 0 <= index < len(grid):
            return False
        return all(row[key] == value for key, value in grid.point(index).items())

    def _check(self, before: dict[str, Any], now: dict[str, Any]) -> None:
        if before.get("hash") == now["hash"]:
            return
        try:
            changed = ", ".join(map(str, _differences(before, now))) or "the header"
        except (TypeError, KeyError, AttributeError):  # one that no sweep has written
            changed = "the header"
        raise ModelsizerError(
            f"{self.path}: holds the results of another question; changed: {changed}. "
            f"Name another file with -o, or {_ANEW}"
        )


def check_file(path: Path) -> None:
    """Check that the points of a sweep can be kept in a file, without touching it.

    Raises
    ------
    FileError
        As of `modelsizer.problems.files.check_writable`, and for a device or a pipe.
    """
    check_writable(path)
    if path.exists() and not path.is_file():
        raise FileError(path, "is no regular file, and a sweep reads its file again")


def saved_points(path: Path) -> int:
    """Points in the file of a sweep, counted on the disk; 0 if there is no file."""
    try:
        return max(0, path.read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Which parts of two headers differ, in the words of the file and the command line."""
    names = ("format_version", "modelsizer", "solver", "time_limit")
    found = [
        f"{name} ({short(before.get(name))} then, {short(now[name])} now)"
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
