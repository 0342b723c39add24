"""Tables as files: what is written reads back, and a missing package is one line."""

from __future__ import annotations

import csv
import io
import math
import random
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from modelsizer.problems.errors import MissingExtraError, ModelsizerError
from modelsizer.problems.table_files import (
    by_column,
    check_parquet,
    csv_text,
    frame,
    read_parquet,
    write_mixed_parquet,
    write_table,
)


def floats() -> list[float]:
    draw = random.Random(7)
    bits = [draw.getrandbits(64) for _ in range(2000)]
    found = [struct.unpack("d", struct.pack("Q", each))[0] for each in bits]
    found += [10 ** draw.uniform(-9, 13) for _ in range(2000)]
    found += [float(draw.randrange(10**13)) for _ in range(500)]
    return [*found, 0.0, -0.0, 1e-5, 1e-6, 1e-7, 9_999_999_999.0, 1e10, -1e10, 1e24, math.inf]


def test_numbers_are_written_as_arrow_writes_them(tmp_path: Path) -> None:
    pa, arrow = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.csv")
    values = floats()
    count = len(values)
    columns = {
        "a,b": np.array(values),
        "whole": np.arange(count),
        "text": [["x", 'say "y", z', ""][i % 3] for i in range(count)],
        "flag": np.array([i % 2 == 0 for i in range(count)]),
        "gap": [None if i % 3 else 1.5 for i in range(count)],
    }
    write_table(tmp_path / "ours.csv", [columns])
    batch = pa.RecordBatch.from_pydict({k: pa.array(v) for k, v in columns.items()})
    options = arrow.WriteOptions(quoting_style="needed")
    with arrow.CSVWriter(tmp_path / "theirs.csv", batch.schema, write_options=options) as writer:
        writer.write_batch(batch)
    assert (tmp_path / "ours.csv").read_bytes() == (tmp_path / "theirs.csv").read_bytes()


def test_csv_of_many_rows_is_that_of_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow.csv")
    values = np.array(floats())
    texts = ["x", 'say "y", z', "", "=1+1", "-5", "-x", "\ttab", "a\nb", "\u202e"]
    columns = {
        "=a": values,
        "whole": np.arange(len(values), dtype=np.int32) - 7,
        "text": np.array(texts)[np.arange(len(values)) % len(texts)],
        "flag": values > 1,
    }
    found = {}
    for rows in (1, 10**9):
        monkeypatch.setattr("modelsizer.problems.table_files._ROWS_FOR_ARROW", rows)
        write_table(tmp_path / f"{rows}.csv", [columns, columns])
        found[rows] = (tmp_path / f"{rows}.csv").read_bytes()
    assert found[1] == found[10**9]


def test_csv_reads_back_to_the_last_bit(tmp_path: Path) -> None:
    values = [value for value in floats() if not math.isnan(value)]
    path = tmp_path / "t.csv"
    assert write_table(path, [{"x": values[:9]}, {"x": values[9:]}]) == len(values)
    with path.open(newline="") as file:
        assert [float(row["x"]) for row in csv.DictReader(file)] == values


def test_text_of_rows() -> None:
    rows = [{"a": 1, "b": "x,y"}, {"b": None, "c": 0.1}]
    assert csv_text(rows) == 'a,b,c\n1,"x,y",\n,,0.1\n'
    assert csv_text([], ["name"]) == "name\n"
    assert list(csv.DictReader(io.StringIO(csv_text(rows))))[1] == {"a": "", "b": "", "c": "0.1"}


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_nothing_is_left_where_nothing_is_written(tmp_path: Path, ending: str) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    with pytest.raises(ModelsizerError, match="no row"):
        write_table(tmp_path / f"t{ending}", [])
    assert not list(tmp_path.iterdir())


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelsizerError, match=r"must end in \.csv or \.parquet"):
        write_table(tmp_path / "t.xlsx", [{"a": [1]}])


def test_parquet_reads_back(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows = [{"n": 1, "t": "x", "x": 2.5}, {"n": 2, "t": "y", "x": 3.0}]
    write_table(tmp_path / "t.parquet", [by_column(rows[:1]), by_column(rows[1:])])
    assert read_parquet((tmp_path / "t.parquet").read_bytes()) == rows


def test_columns_of_unlike_values(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows = [
        {"n": 1, "big": 2**70, "mixed": 1, "flag": True, "list": [1, 2]},
        {"n": None, "big": 1, "mixed": 2.5, "flag": None, "list": None},
    ]
    write_mixed_parquet(tmp_path / "t.parquet", rows, list(rows[0]))
    first, second = read_parquet((tmp_path / "t.parquet").read_bytes())
    assert first == {"n": 1, "big": float(2**70), "mixed": 1.0, "flag": True, "list": "[1, 2]"} or (
        first["big"] == str(2**70)
    )
    assert second["n"] is None and second["mixed"] == 2.5 and second["list"] is None


def test_a_missing_package_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "pyarrow.parquet", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    said = r"^writing Parquet needs pyarrow: pip install 'modelsizer\[tables\]'$"
    for act in (check_parquet, lambda: write_table(tmp_path / "t.parquet", [{"a": [1]}])):
        with pytest.raises(MissingExtraError, match=said):
            act()
    with pytest.raises(MissingExtraError, match="reading Parquet needs pyarrow"):
        read_parquet(b"")
    with pytest.raises(MissingExtraError, match="a DataFrame needs pandas"):
        frame({"a": [1]})
    assert write_table(tmp_path / "t.csv", [{"a": [1]}]) == 1  # CSV needs neither
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
