"""Tables of runs as people keep them: names, units, separators, gaps and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from modelsizer.optimizer.fitting.columns import parse_columns
from modelsizer.optimizer.fitting.forms import BIAN, CHINCHILLA
from modelsizer.optimizer.fitting.runs import Runs, read_runs
from modelsizer.optimizer.fitting.tables import read_table
from modelsizer.problems.errors import ModelsizerError

N = [70e6, 160e6, 410e6, 1.4e9]
D = [2.1e9, 9e9, 21e9, 60e9]
LOSS = [3.81, 3.12, 2.75, 2.41]


def read(tmp_path: Path, text: str | bytes, name: str = "a.csv", told: str | None = None) -> Runs:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_runs(path, CHINCHILLA, parse_columns(told))


def rows(header: str, *columns: list[str], between: str = ",", end: str = "\n") -> str:
    lines = [header, *(between.join(row) for row in zip(*columns, strict=True))]
    return end.join(lines) + end


def plain(values: list[float]) -> list[str]:
    return [f"{value:.10g}" for value in values]


def scaled(values: list[float], by: float, end: str = "") -> list[str]:
    return [f"{value / by:.10g}{end}" for value in values]


COUNTS = (plain(N), plain(D), plain(LOSS))


@pytest.mark.parametrize(
    "text",
    [
        rows("n_params,tokens,loss", *COUNTS),
        rows("n_params;tokens;loss", *COUNTS, between=";"),
        rows("n_params\ttokens\tloss", *COUNTS, between="\t"),
        rows("n_params,tokens,loss", *COUNTS, end="\r\n"),
        "\ufeff" + rows('"Params", "Training Tokens" ,"Final Loss"', *COUNTS),
        "# sweep of May\n\n" + rows("model_size,tokens,val_loss", *COUNTS, end="\n\n") + ",,\n",
        rows("Params (M),Tokens [B],Loss (nats/token)", scaled(N, 1e6), scaled(D, 1e9), COUNTS[2]),
        rows("params_M,tokens in billions,train_loss", scaled(N, 1e6), scaled(D, 1e9), COUNTS[2]),
        rows("params,tokens,loss", scaled(N, 1e6, "M"), scaled(D, 1e9, " B tokens"), COUNTS[2]),
        rows("params,tokens,loss", [f'"{n:,.0f}"' for n in N], [f'"{d:,.0f}"' for d in D],
             COUNTS[2]),
        rows("Model Size,Training FLOP,loss", COUNTS[0],
             plain([6 * n * d for n, d in zip(N, D, strict=True)]), COUNTS[2]),
        rows("Model Size,compute (EFLOPs),loss", COUNTS[0],
             plain([6 * n * d / 1e18 for n, d in zip(N, D, strict=True)]), COUNTS[2]),
        rows(",params,tokens,loss", list("0123"), *COUNTS),
        rows("params,tokens,loss", *COUNTS[:2], [f"{text}," for text in COUNTS[2]]),
    ],
)  # fmt: skip
def test_what_people_write_is_read(text: str, tmp_path: Path) -> None:
    found = read(tmp_path, text)
    assert found.columns["N"] == pytest.approx(N)
    assert found.columns["D"] == pytest.approx(D)
    assert found.loss == pytest.approx(LOSS)
    assert found.columns["C"] == pytest.approx(6 * np.array(N) * D)


def test_other_kinds_of_file(tmp_path: Path) -> None:
    nested = [
        {"config": {"n_params": n, "tags": ["a"]}, "tokens": f"{d:,.0f}", "eval": {"loss": y}}
        for n, d, y in zip(N, D, LOSS, strict=True)
    ]
    lines = "\n\n".join(
        json.dumps(row | ({"note": 1} if i else {})) for i, row in enumerate(nested)
    )
    for name, text in (("a.jsonl", lines), ("a.json", json.dumps(nested)),
                       ("a.csv", rows("params\ttokens\tloss", *COUNTS, between="\t")
                        .encode("utf-16"))):  # fmt: skip
        found = read(tmp_path, text, name)
        assert found.columns["N"] == pytest.approx(N) and found.loss == pytest.approx(LOSS)
    assert read(tmp_path, lines, "a.jsonl").used_names["N"] == "config.n_params"


def test_rows_without_a_value_are_dropped_and_counted(tmp_path: Path) -> None:
    gaps = ["", "NaN", "n/a", "null", "inf", "0", "-2.5", "-"]
    text = rows("N,D,loss", ["1e8"] * 9, ["2e9"] * 9, [*gaps, "3.1"])
    found = read(tmp_path, text)
    assert found.labels == ("row 9",) and sum(found.skipped.values()) == 8
    assert found.unusable[:2] == ("row 1", "row 2")


def test_what_should_be_known_of_a_table_is_said(tmp_path: Path) -> None:
    def notes(text: str) -> str:
        return "; ".join(read(tmp_path, text).notes)

    assert not notes(rows("N,D,loss", *COUNTS))
    said = notes(rows("N,D,loss", scaled(N, 1e6), scaled(D, 1e9), COUNTS[2]))
    assert "parameters lie within 70 and 1,400" in said and "tokens lie within 2.1 and 60" in said
    assert "read in units of 1e6" in notes(rows("N (M),D,loss", scaled(N, 1e6), *COUNTS[1:]))
    assert "(apples)" in notes(rows("N (apples),D,loss", *COUNTS))
    assert "is in bits" in notes(rows("N,D,loss (bits)", *COUNTS))
    assert "1 row is a copy" in notes(rows("N,D,loss", *COUNTS) + ",".join(c[0] for c in COUNTS))
    said = notes(rows("model,N,D,loss", ["llama"] * 4, *COUNTS))
    assert "names 1 model, too few to draw from" in said
    assert "outside embeddings" in notes(rows("Non-Embedding Params,D,loss", *COUNTS))


def test_the_loss_on_held_out_text_is_taken_before_that_of_training(tmp_path: Path) -> None:
    text = rows("params,tokens,train_loss,val_loss", *COUNTS[:2], ["9"] * 4, COUNTS[2])
    assert read(tmp_path, text).used_names["loss"] == "val_loss"
    assert read(tmp_path, text, told="loss=train_loss").loss.tolist() == [9.0] * 4


def test_a_condition_is_in_counts_whatever_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(rows("N,Tokens (B),loss", COUNTS[0], scaled(D, 1e9), COUNTS[2]))
    for condition in ("Tokens (B)>=20B", "D>=20B"):
        assert read_runs(path, CHINCHILLA, where=[condition]).labels == ("row 3", "row 4")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (rows("N,D,loss", *COUNTS[:2], ["3", "oops", "3", "3"]),
         "a.csv: row 2: 'oops' in column 'loss' is not a number; leave the cell empty"),
        (rows("N;D;loss", *COUNTS[:2], ["3,81"] * 4, between=";"),
         "row 1: '3,81' in column 'loss' is not a number; if its comma is a decimal point, "
         "write 3.81"),
        ("\n\n" + rows("N,D,loss", *COUNTS[:2], ["3", "3", "x", "3"]), "row 3 (line 6): 'x'"),
        ("N,D,loss\n1,2,3\n1,2\n", "row 2 has 2 values, the header 3"),
        ("N,D,loss\n1,2,3,4\n", "row 1 has 4 values, the header 3"),
        (rows("1e8,2e9,3.1", *COUNTS), "no column for N, parameters"),
        (rows("N,D,los", *COUNTS), "no column for loss: name it by --columns loss=NAME"),
        (rows("N,D,loss", *COUNTS[:2], ["0"] * 4), "no run is left (4 rows: a value that is"),
        ("\n \n", "there is no row"),
        ("N,D,loss,caf\xe9\n".encode("latin-1"), "is not UTF-8 text; save it as UTF-8"),
        (rows("N,D,loss", ["x" * 400] * 4, *COUNTS[1:]), "xxx' in column 'N'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_row_column_and_remedy(
    text: str | bytes, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelsizerError) as error:
        read(tmp_path, text)
    assert words in str(error.value) and "a.csv" in str(error.value)
    assert len(str(error.value)) < 300


def test_shapes_are_read_by_the_names_of_configs(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("hidden_size,num_hidden_layers,N,D,loss\n512,8,1e8,2e9,3\n")
    found = read_runs(path, BIAN)
    assert found.columns["width"].tolist() == [512] and found.columns["depth"].tolist() == [8]


def test_an_apostrophe_before_a_formula_is_not_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("run,'=x,loss\n'=a,1,2.5\n'b,'-1,2.6\n")
    table = read_table(path)
    assert table.columns == {"run": ["=a", "'b"], "=x": ["1", "-1"], "loss": ["2.5", "2.6"]}
