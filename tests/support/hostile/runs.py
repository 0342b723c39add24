"""Tables of runs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from tests.support.hostile.case import DIGITS, FOLDER, Case, nested
from tests.support.hostile.files import broken_files

_HEADER = "params,tokens,loss\n"
_ROWS = "".join(f"{n}e8,{d}e9,{2 + 3 / n + 2 / d:.6f}\n" for n in (1, 2, 4, 8) for d in (2, 5, 11))
BAD_CELLS = ("five", "\uff11\uff12", "1e999999999", "1e999999999B", "9" * DIGITS, "true", "1,5",
             "0x10", "[1]", "1e5e5", "1\x00", "\u0661\u0662\u0663", "1 000")  # fmt: skip


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def tables_of_runs() -> Iterator[Case]:
    """Tables of runs for `fit`."""

    def of(name: str, content: bytes, *more: str) -> tuple[tuple[str, ...], dict[str, bytes]]:
        return ("fit", f"{FOLDER}/{name}", "--bootstrap", "0", *more), {name: content}

    table = _HEADER + _ROWS
    for column in range(3):
        for cell in BAD_CELLS:
            row = ["1e8", "2e9", "3.1"]
            row[column] = f'"{cell}"'
            args, files = of("runs.csv", (table + ",".join(row) + "\n").encode())
            shown = cell if len(cell) < 20 else f"{cell[:10]}..."
            yield Case("cell", f"{_HEADER.split(',')[column].strip()} = {shown!r}", args, files)
    for value in ("true", "[1]", "{}", '"x"', "9" * DIGITS, "1e400x", nested(100_000), "\uff11\uff12",
                  '"\uff11\uff12"', '"1e999999999"', '{"N": ' * 3000 + "1" + "}" * 3000):  # fmt: skip
        for ending, line in ((".jsonl", '{{"N": 1e8, "D": 2e9, "loss": {0}}}\n'),
                             (".json", '[{{"N": 1e8, "D": 2e9, "loss": {0}}}]')):  # fmt: skip
            args, files = of(f"runs{ending}", line.format(value).encode())
            shown = value if len(value) < 20 else f"{value[:10]}..."
            yield Case("cell", f"loss = {shown} in {ending}", args, files)
    for ending, text in ((".jsonl", '{"N": 1e8, "N": 2e8, "D": 2e9, "loss": 3.1}\n'),
                         (".json", '[{"N": 1e8, "D": 2e9, "loss": 3.1, "loss": 3.2}]'),
                         (".json", "5"), (".json", '"x"'), (".json", "null"), (".json", "[]"),
                         (".json", "[5]"), (".json", "[[1]]"), (".json", "{}"), (".json", "[{}]"),
                         (".jsonl", "[1]\n"), (".jsonl", "{}\n"), (".jsonl", "NaN\n")):  # fmt: skip
        args, files = of(f"runs{ending}", text.encode())
        yield Case("table", f"{ending}: {text[:30]!r}", args, files)
    longer = {
        "ragged row": table + "1,2\n", "long row": table + "1,2,3,4\n",
        "huge field": table + f"1,2,{'3' * 200_000}\n", "column twice": "params,params,loss\n1,2,3\n",
        "header alone": _HEADER, "separators alone": ",,,\n", "empty names": ",,\n1,2,3\n",
        "comments alone": "# x\n# y\n", "open quote": table + '"1,2,3\n',
        "wrong columns": "a,b,c\n1,2,3\n", "no numbers": _HEADER + "x,y,z\n",
        "negative": _HEADER + "-1,-2,-3\n", "one row": _HEADER + "1e8,2e9,3.1\n",
        "NUL": table + "1\x00,2,3\n", "lone carriage returns": table.replace("\n", "\r") + "x\r",
    }  # fmt: skip
    for what, text in longer.items():
        args, files = of("runs.csv", text.encode())
        yield Case("table", f".csv: {what}", args, files)
    for ending in (".csv", ".jsonl", ".json", ".parquet"):
        for what, content in broken_files(ending, table):
            if ending == ".csv" and what in ("twice", "UTF-16", "cut short"):
                continue
            args, files = of(f"runs{ending}", content)
            yield Case("file", f"runs{ending}: {what}", args, files)
    good = _parquet({"N": [1e8, 2e8], "D": [2e9, 4e9], "loss": [3.1, 3.0]})
    for what, content in {
        "cut short": good[:-20], "wrong columns": _parquet({"a": [1]}), "no row": _parquet({"N": []}),
        "rubbish": b"PAR1" + bytes(range(200)) + good[-60:], "end alone": good[-200:],
        "text": _parquet({"N": ["x"], "D": ["y"], "loss": ["z"]}),
        "lists": _parquet({"N": [[1]], "D": [[2]], "loss": [[3]]}),
        "edited": good[:20] + bytes(30) + good[50:],
    }.items():  # fmt: skip
        args, files = of("runs.parquet", content)
        yield Case("table", f".parquet: {what}", args, files)
    for option, values in {
        "--where": ("", "x", "tokens>", ">5", "tokens>=1e999999999", "tokens>=\uff11\uff12", "nothing>5",
                    "tokens>=nan", "tokens=>5", "a" * 5000, "tokens>=\x00", "loss>=" + "9" * DIGITS),
        "--columns": ("x", "=", "N=", "=N", "N=nothing", "X=params", "N=params,N=tokens", "N=\x00"),
        "--law": ("", "x", "__class__", "nothing.toml", "\x00", "/dev/zero"),
        "--parameters": ("", "x", "TOTAL"), "--figure": ("", "x"),
        "--hold-out": ("nan", "inf", "-1", "0", "1", "2", "1e308", "\uff11", "0.5x"),
        "--huber": ("nan", "inf", "-1", "0", "1e999", "x"),
        "--bootstrap": ("-1", "1e9", "nan", "1000000000000", "\uff11\uff12"), "--seed": ("-1", "1.5", "x"),
        "--drop-worst": ("-1", "12", "1000000000", "x"), "--drop-outliers": ("-1", "12", "99999999"),
    }.items():  # fmt: skip
        for value in values:
            args, files = of("runs.csv", table.encode(), option, value)
            yield Case(
                "option",
                f"fit {option} {value[:20]!r}",
                args,
                files,
                words=() if option.startswith("--drop") else (option,),
            )
