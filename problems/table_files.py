"""Tables as files: CSV of any length, and Parquet by the optional package pyarrow."""

from __future__ import annotations

import csv
import importlib
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from modelsizer.problems.errors import MissingExtraError, ModelsizerError
from modelsizer.problems.files import encoded, write_whole
from modelsizer.problems.visible import visible

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, Any]
"""Values by column name: sequences or NumPy arrays of one length."""

ENDINGS = (".csv", ".parquet")
MOST_VALUES = 20_000_000
"""Values of a Parquet file that is read, which may be far larger than the file."""
_EXTRA = "tables"
_LARGEST_INT64 = 2**63 - 1
_ROWS_FOR_ARROW = 5_000  # of CSV, so that fewer do not import it
_LOW, _HIGH = 1e-6, 1e10  # magnitudes that a table's CSV writes without a power of ten


def csv_text(rows: Iterable[Mapping[str, object]], names: Sequence[str] | None = None) -> str:
    """Rows as CSV with a header.

    Parameters
    ----------
    rows : iterable of mapping
        Values by column; None, or a missing column, is an empty field.
    names : sequence of str, optional
        Columns in order; by default those of the rows, in the order of their appearance.
    """
    listed = list(rows)
    if names is None:
        names = list(dict.fromkeys(name for row in listed for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writerow({name: _safe(name) for name in names})
    for row in listed:
        plain = ((k, _plain(v)) for k, v in row.items())
        writer.writerow({k: _safe(v) if isinstance(v, str) else v for k, v in plain})
    return text.getvalue()


def by_column(rows: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    """Rows of the same names as columns."""
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def write_table(path: Path, pieces: Iterable[Columns]) -> int:
    """Write a table piece by piece, whole or not at all.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.parquet``.
    pieces : iterable of mapping
        Columns by name, the same names in each piece; at least one piece.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    ModelsizerError
        If the path has another ending or cannot be written, there is nothing to write, or Parquet
        is asked for without pyarrow.
    """
    if path.suffix not in ENDINGS:
        raise ModelsizerError(f"{path} must end in {' or '.join(ENDINGS)}")
    write = _write_csv if path.suffix == ".csv" else _write_parquet
    rows = 0

    def counted() -> Iterable[Columns]:
        nonlocal rows
        for piece in pieces:
            rows += len(next(iter(piece.values())))
            yield piece

    def fill(file: IO[bytes]) -> None:
        if not write(file, counted()):
            raise ModelsizerError(f"{path}: there is no row to write")

    write_whole(path, fill)
    return rows


_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters of what spreadsheets take for a formula, and their full-width forms."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


@lru_cache(4096)
def _safe(text: str) -> str:
    """Text that a spreadsheet shows as it is: what begins as a formula gets an apostrophe.

    OWASP, "CSV Injection". Numbers are numbers, also as text.
    """
    seen = visible(text)
    return f"'{seen}" if seen.startswith(_FORMULA) and not _NUMBER.fullmatch(seen) else seen


def unquoted(text: str) -> str:
    """Text of a cell as it was before `csv_text` wrote it: without the apostrophe of a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in _FORMULA else text


# CSV of tables: text in quotes, numbers as Arrow writes them


def _write_csv(file: IO[bytes], pieces: Iterable[Columns]) -> bool:
    """Write pieces, and say whether there was any."""
    header = ""
    for piece in pieces:
        if not header:
            header = ",".join(map(_cell, piece)) + "\n"
            file.write(encoded(header))
        file.write(_by_arrow(piece) or _by_rows(piece))
    return bool(header)


def _by_rows(piece: Columns) -> bytes:
    columns = [map(_cell, getattr(c, "tolist", lambda c=c: c)()) for c in piece.values()]
    return encoded("".join(",".join(row) + "\n" for row in zip(*columns, strict=True)))


def _by_arrow(piece: Columns) -> bytes | None:
    """Many rows as `_by_rows` has them, ten times as fast; None without pyarrow, or of few."""
    kinds = [getattr(getattr(c, "dtype", None), "kind", "") for c in piece.values()]
    if not set(kinds) <= {*"biufU"} or len(next(iter(piece.values()))) < _ROWS_FOR_ARROW:
        return None
    try:
        pa, writer = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.csv")
    except ImportError:
        return None
    columns = {
        name: [_safe(text) for text in column.tolist()] if kind == "U" else column
        for (name, column), kind in zip(piece.items(), kinds, strict=True)
    }
    made = pa.BufferOutputStream()
    writer.write_csv(pa.table(columns), made, writer.WriteOptions(include_header=False))
    found: bytes = made.getvalue().to_pybytes()
    return found


def _plain(value: object) -> object:
    """A value of one cell: lists and tables as JSON."""
    return json.dumps(value) if isinstance(value, list | tuple | Mapping) else value


def _cell(value: object) -> str:
    value = _plain(value)
    if isinstance(value, str):
        return '"' + _safe(value).replace('"', '""') + '"'
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _float(value: float) -> str:
    """The shortest text that reads back as the same number."""
    if _LOW <= abs(value) < _HIGH:
        text = repr(value)
        return text.removesuffix(".0") if "e" not in text else f"{Decimal(text):f}"
    if value == 0 or not math.isfinite(value):
        return repr(value).removesuffix(".0")
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, rest = str(digits[0]), "".join(map(str, digits[1:]))
    mantissa = f"{first}.{rest}" if rest else first
    return f"{'-' * sign}{mantissa}e{int(exponent) + len(rest):+d}"


# Parquet, and tables of other packages


def check_parquet() -> None:
    """Refuse to write Parquet before the work that it is to hold.

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.
    """
    _pyarrow("writing Parquet")


def _write_parquet(file: IO[bytes], pieces: Iterable[Columns]) -> bool:
    """Write pieces, and say whether there was any."""
    pa, pq = _pyarrow("writing Parquet")
    writer: Any = None
    try:
        for piece in pieces:
            batch = pa.RecordBatch.from_pydict({k: pa.array(v) for k, v in piece.items()})
            writer = writer or pq.ParquetWriter(
                file, batch.schema, use_dictionary=_of_few_values(batch.schema)
            )
            writer.write_batch(batch)
    finally:
        if writer is not None:
            writer.close()
    return writer is not None


def _of_few_values(schema: Any) -> list[str]:
    """Columns that a dictionary makes smaller, without a look at them: all but 64-bit numbers."""
    return [field.name for field in schema if str(field.type) not in ("int64", "double")]


def write_mixed_parquet(
    path: Path, rows: Iterable[Mapping[str, Any]], names: Iterable[str]
) -> None:
    """Write rows of unlike values as Parquet; a column that has lists or tables is JSON text.

    Parameters
    ----------
    path : Path
    rows : iterable of mapping
        Each with every name.
    names : iterable of str
        The columns.

    Raises
    ------
    ModelsizerError
        If the path cannot be written, or pyarrow is not installed.
    """
    pa, pq = _pyarrow("writing Parquet")
    listed = list(rows)
    table = pa.table({name: _mixed(pa, [row[name] for row in listed]) for name in names})
    write_whole(path, lambda file: pq.write_table(table, file))


def _mixed(pa: Any, values: list[Any]) -> Any:
    """A column of one type: whole numbers, numbers, true and false, or text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int} and all(v is None or abs(v) <= _LARGEST_INT64 for v in values):
        return pa.array(values, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    texts = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
    return pa.array(texts, pa.string())


def read_parquet(content: bytes) -> list[dict[str, Any]]:
    """Rows of a Parquet file.

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.
    ValueError
        If the bytes are no Parquet file, or one of more than `MOST_VALUES` values.
    """
    pa, pq = _pyarrow("reading Parquet")
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        if (values := file.metadata.num_rows * file.metadata.num_columns) > MOST_VALUES:
            raise ValueError(f"it has {values:,} values, and {MOST_VALUES:,} at most are read")
        rows: list[dict[str, Any]] = file.read().to_pylist()
    except (pa.ArrowException, OSError, OverflowError) as error:
        raise ValueError(" ".join(str(error).split())) from None
    return rows


def frame(columns: Columns) -> pd.DataFrame:
    """A pandas table, each column of one type, with pandas' missing values.

    Raises
    ------
    MissingExtraError
        If pandas is not installed.
    """
    pandas: Any = _optional("pandas", "a DataFrame")
    named = {name: pandas.array(values, dtype=_dtype(values)) for name, values in columns.items()}
    return pandas.DataFrame(named)


def _dtype(values: Iterable[Any]) -> str:
    """The type of a column of plain values: as of NumPy where nothing is missing.

    Of a column without any value it is that of numbers, with which comparisons are false.
    """
    held = list(values)
    kinds = {type(value) for value in held if value is not None}
    lacking = any(value is None for value in held)
    if kinds == {bool}:
        return "boolean" if lacking else "bool"
    if kinds == {int} and all(v is None or abs(v) <= _LARGEST_INT64 for v in held):
        return "Int64" if lacking else "int64"
    return "float64" if held and kinds <= {int, float} else "object"


def _pyarrow(what: str) -> tuple[Any, Any]:
    return _optional("pyarrow", what), _optional("pyarrow.parquet", what)


def _optional(module: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtraError(what, module.partition(".")[0], _EXTRA) from None
