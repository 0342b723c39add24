"""Read a table as columns of plain values: CSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelsizer.optimizer.fitting.table_cells import flat, opened
from modelsizer.optimizer.fitting.table_json import rows_of
from modelsizer.problems.errors import ModelsizerError, short
from modelsizer.problems.records import dataclass
from modelsizer.problems.table_files import read_parquet, unquoted
from modelsizer.problems.text_files import UnreadableError, decoded, read_bytes

ENDINGS = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
_SEPARATORS = ("\t", ";", ",")  # the one most frequent in the header; the first if equal
_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # byte order marks that spreadsheets write for "Unicode text"
MOST_BYTES = 128 * 2**20
"""Largest table of runs, of about a million rows."""
_NO_NAME = "column {}"


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Parameters
    ----------
    path : Path
    columns : mapping of list
        Values as in the file: text, numbers, None.
    lines : sequence of int or None
        Line in the file of each row, if the file has lines.
    sha256 : str
    """

    path: Path
    columns: Mapping[str, list[Any]]
    lines: Sequence[int] | None
    sha256: str

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), []))

    def where(self, row: int) -> str:
        """Location of a row for messages; `row` counts from 0, the location from 1."""
        return _where(row, self.lines)

    def copies(self) -> int:
        """Number of rows equal to an earlier one."""
        rows = [repr(row) for row in zip(*self.columns.values(), strict=True)]
        return len(rows) - len(set(rows))


def _where(row: int, lines: Sequence[int] | None) -> str:
    line = None if lines is None else lines[row]
    return f"row {row + 1}" + ("" if line is None or line == row + 2 else f" (line {line})")


def read_table(path: Path) -> Table:
    """Read a table in the format that its file name's ending states.

    Raises
    ------
    ModelsizerError
        If the ending is unknown, or the file cannot be read or is not such a table.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ModelsizerError(f"{path} must end in {', '.join(ENDINGS)}")
    try:
        content = read_bytes(path, MOST_BYTES)
    except UnreadableError as error:
        raise ModelsizerError(f"{path}: {error}") from None
    lines: Sequence[int] | None = None
    try:
        if ending == ".parquet":
            columns = _parquet(content)
        elif ending in (".csv", ".tsv"):
            columns, lines = _csv(_decoded(content))
            columns = opened(columns)
        else:
            columns, lines = _json(_decoded(content))
    except (ValueError, csv.Error) as error:
        raise ModelsizerError(f"{path}: is no {ending[1:]} table: {error}") from None
    return Table(path, columns, lines, hashlib.sha256(content).hexdigest())


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-16") if content[:2] in _UTF16 else decoded(content)
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-16 text: see byte {error.start + 1}") from None
    except UnreadableError as error:
        raise ValueError(str(error)) from None


def _parquet(content: bytes) -> dict[str, list[Any]]:
    return _columns([flat(row) for row in read_parquet(content)])


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _csv(text: str) -> tuple[dict[str, list[Any]], list[int]]:
    """Parse CSV; values are separated by commas, semicolons or tabs.

    Empty lines and lines that start with # before the header are skipped.
    """
    skipped, header = 0, ""
    for skipped, header in enumerate(text.splitlines()):  # noqa: B007
        if header.strip() and not header.lstrip().startswith("#"):
            break
    else:
        return {}, []
    separator = max(_SEPARATORS, key=header.count)
    body = "".join(text.splitlines(keepends=True)[skipped:])
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, skipinitialspace=True)
    rows, lines, before = [], [], skipped
    for row in reader:
        if any(value.strip() for value in row):
            rows.append(row)
            lines.append(before + 1)
        before = skipped + reader.line_num
    rows = [[unquoted(value) for value in row] for row in rows]
    if not rows:
        return {}, []
    names = [name.strip() or _NO_NAME.format(i) for i, name in enumerate(rows[0], start=1)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the column {twice[0]!r} is there twice")
    for number, row in enumerate(rows[1:], start=1):
        while len(row) > len(names) and not row[-1].strip():
            row.pop()
        if len(row) != len(names):
            where = _where(number - 1, lines[1:])
            raise ValueError(
                f"{where} has {len(row)} values, the header {len(names)}: {short(row)}"
            )
    values = zip(*rows[1:], strict=True) if len(rows) > 1 else ([] for _ in names)
    return {name: list(column) for name, column in zip(names, values, strict=True)}, lines[1:]


def _json(text: str) -> tuple[dict[str, list[Any]], list[int] | None]:
    """Parse rows of JSON, one line each or a whole text, into columns and the lines of rows."""
    rows, lines = rows_of(text)
    return _columns([flat(row) for row in rows]), lines
