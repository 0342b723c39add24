"""Writing tables of any length: CSV or Parquet, piece by piece, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.files import write_whole

if TYPE_CHECKING:
    import numpy as np

ENDINGS = (".csv", ".parquet")


def write_table(path: Path, pieces: Iterable[Mapping[str, np.ndarray[Any, Any]]]) -> int:
    """Write pieces of a table, each a column by name, and count the rows.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.parquet``.
    pieces : iterable of mapping
        All of the same columns; at least one.

    Raises
    ------
    ModelsizerError
        If the path has another ending or cannot be written, or there is nothing to write.
    """
    import pyarrow as pa

    if path.suffix not in ENDINGS:
        raise ModelsizerError(f"{path} must end in {' or '.join(ENDINGS)}")
    rows = 0

    def write(part: Path) -> None:
        nonlocal rows
        writer: Any = None
        try:
            for piece in pieces:
                batch = pa.RecordBatch.from_pydict({k: pa.array(v) for k, v in piece.items()})
                if writer is None:
                    writer = _writer(part, batch.schema)
                writer.write_batch(batch)
                rows += batch.num_rows
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            raise ModelsizerError(f"{path}: there is no row to write")

    write_whole(path, write)
    return rows


def _writer(path: Path, schema: Any) -> Any:
    if path.suffix == ".csv":
        from pyarrow.csv import CSVWriter, WriteOptions

        return CSVWriter(path, schema, write_options=WriteOptions(quoting_style="needed"))
    from pyarrow.parquet import ParquetWriter

    return ParquetWriter(path, schema)
