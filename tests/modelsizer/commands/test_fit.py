"""The command `fit`: tables of runs, the contract, reports and pictures."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer import plots
from modelsizer.cli import app
from modelsizer.optimizer.fitting.columns import parse_columns
from modelsizer.optimizer.fitting.forms import CHINCHILLA, FORMS
from modelsizer.optimizer.fitting.procedure import FitOptions, study
from modelsizer.optimizer.fitting.runs import Runs, read_runs
from modelsizer.optimizer.fitting.study import Study
from modelsizer.plots.laws.fit import PANELS
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.laws.reading import load_law
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.fitting_runs import TRUTH, table
from tests.support.shared import reference

# Reading


def runs_of(tmp_path: Path, name: str, columns: dict[str, Any]) -> Path:
    path = tmp_path / name
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if name.endswith(".csv"):
        lines = [",".join(columns), *(",".join(str(v) for v in row.values()) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
    elif name.endswith(".jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_tables_are_read_alike(name: str, tmp_path: Path) -> None:
    columns = {"Params": [1e8, 2e8, 3e8, 4e8], "Training FLOPs": [6e18, 1.2e19, 1.8e19, 2.4e19],
               "val-loss": [3.0, 2.9, 2.8, 2.7], "Run Name": ["a", "a", "b", "c"]}  # fmt: skip
    found = read_runs(runs_of(tmp_path, name, columns), CHINCHILLA)
    assert found.columns["D"].tolist() == [1e10] * 4  # C / 6N
    assert found.loss.tolist() == [3.0, 2.9, 2.8, 2.7]
    assert found.models == ("a", "a", "b", "c") and found.labels[2] == "b, row 3"
    assert found.used_names == {"N": "Params", "C": "Training FLOPs", "loss": "val-loss",
                                "run": "Run Name"}  # fmt: skip


def test_tokens_given_are_not_computed(tmp_path: Path) -> None:
    columns = {"N": [1e8], "D": [5e9], "C": [1e19], "loss": [3.0]}
    found = read_runs(runs_of(tmp_path, "a.csv", columns), CHINCHILLA)
    assert found.columns["D"].tolist() == [5e9] and found.columns["C"].tolist() == [1e19]
    assert found.unread == ()


def test_columns_that_the_form_does_not_use_are_named(tmp_path: Path) -> None:
    path = runs_of(tmp_path, "runs.csv", {**table(CHINCHILLA, 24), "note\x1b[2J": [1] * 24})
    result = CliRunner().invoke(app, ["fit", str(path), "--bootstrap", "0", "--no-compare"])
    assert "not used: width, depth, note" in " ".join(result.output.split()), result.output
    assert "\x1b" not in result.output


def test_rows_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    columns = {"N": [1e8, 2e8, 3e8, 4e8], "D": [0, 2e9, 3e9, 4e9], "loss": [9, "nan", "", 2.5]}
    found = read_runs(runs_of(tmp_path, "a.csv", columns), CHINCHILLA, where=["N>=200M"])
    assert found.labels == ("row 4",)
    assert list(found.skipped.values()) == [1, 2]


@pytest.mark.parametrize(
    ("columns", "told", "where", "words"),
    [
        ({"N": [1], "loss": [1]}, None, (), "no column for D, tokens"),
        ({"N": [1], "D": [1]}, None, (), "no column for loss"),
        ({"N": [1], "D": [1], "loss": [1]}, "N=params", (), "has no column 'params' for N"),
        ({"N": [1], "D": [1], "loss": [1]}, "M=N", (), "unknown key 'M'"),
        ({"N": [1], "D": [1], "loss": [1]}, "N", (), "is not KEY=NAME"),
        ({"N": [1], "D": [1], "loss": ["x"]}, None, (), "row 1: 'x' in column 'loss'"),
        ({"N": [1], "D": [1], "loss": [1]}, None, ["D>9"], "no run is left"),
        ({"N": [1], "D": [1], "loss": [1]}, None, ["E>9"], "has no column 'E'"),
        ({"N": [1], "D": [1], "loss": [1]}, None, ["D"], "is no condition"),
        ({"N": [1], "D": [1], "loss": [1]}, None, ["D>x"], "'x' in 'D>x' is not a number"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(
    columns: dict[str, Any], told: str | None, where: list[str], words: str, tmp_path: Path
) -> None:
    path = runs_of(tmp_path, "a.csv", columns)
    with pytest.raises(ModelsizerError, match=words):
        read_runs(path, CHINCHILLA, parse_columns(told), where)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", "", "must end in"),
        ("a.csv", "", "there is no row"),
        ("a.csv", "N,D,loss\n1,2\n", "row 1 has 2 values, the header 3"),
        ("a.csv", "N,N,loss\n1,2,3\n", "'N' is there twice"),
        ("a.jsonl", '{"N": 1}\n[1]\n', "line 2 is not an object"),
        ("a.jsonl", "{\n", "line 1"),
        ("a.parquet", "PAR", "is no parquet table"),
    ],
)
def test_broken_files_are_refused(name: str, content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ModelsizerError, match=words):
        read_runs(path, CHINCHILLA)


# The command


def called(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["fit", "--no-compare", *map(str, arguments)])


def test_the_command_keeps_the_contract(tmp_path: Path) -> None:
    path = reference("chinchilla_runs.csv")
    answer = called(path, "--law", "chinchilla", "--columns",
                    "N=Model Size,C=Training FLOP,loss=loss", "--drop-worst", 5, "--huber", "1e-3",
                    "--json", "-", "-o", tmp_path / "mine.toml", "--bootstrap", 50)  # fmt: skip
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert 0.00100 < found["objective"] < 0.0010204
    assert found["law"] == "chinchilla" and found["runs"] == {"used": 240, "dropped": 5}
    assert set(found["coefficients"]) == set(found["standard_errors"]) == {
        "E", "A", "alpha", "B", "beta"}  # fmt: skip
    assert found["standard_errors_from"] == "bootstrap" and len(found["residuals"]) == 240
    law = load_law(tmp_path / "mine.toml")
    assert law.coefficients == pytest.approx(found["coefficients"], rel=1e-11)
    assert len(law.draws) == 50 and len(law.drawn_laws) == 50
    assert law.standard_errors == pytest.approx(found["standard_errors"], rel=1e-11)
    assert law.provenance["sha256"] and law.provenance["dropped"] == 5
    assert law.parameter_range.low == pytest.approx(57334197.4069)


def test_what_cannot_be_used_is_counted_and_what_n_counts_is_taken_from_its_name(
    tmp_path: Path,
) -> None:
    columns = {k: list(v) for k, v in table(CHINCHILLA, 30).items() if k in ("N", "D", "loss")}
    columns["loss"][4] = "nan"
    columns["Non-Embedding Params"] = columns.pop("N")
    path, out = runs_of(tmp_path, "a.csv", columns), tmp_path / "mine.toml"
    answer = called(path, "--bootstrap", 0, "--drop-worst", 2, "--json", "-", "-o", out)
    found = json.loads(answer.stdout)
    assert found["runs"] == {"used": 27, "dropped": 3} and found["dropped"][-1] == "row 5"
    assert load_law(out).parameters == "non_embedding"
    called(path, "--bootstrap", 0, "--json", "-", "-o", out, "--parameters", "total")
    assert load_law(out).parameters == "total"


@pytest.mark.slow
def test_a_law_of_the_other_sign_is_not_written(tmp_path: Path) -> None:
    columns = {k: v for k, v in table(CHINCHILLA, 40).items() if k in ("N", "D", "loss")}
    columns["loss"] = 3.0 + 1e-12 * columns["D"] + 30.0 * columns["N"] ** -0.2
    path = runs_of(tmp_path, "a.csv", {k: list(v) for k, v in columns.items()})
    held = json.loads(called(path, "--bootstrap", 0, "--json", "-").stdout)
    assert any("other sign of beta" in warning for warning in held["warnings"])
    assert held["coefficients"]["beta"] > 0
    loose = called(path, "--bootstrap", 0, "--json", "-", "--any-sign")
    assert json.loads(loose.stdout)["coefficients"]["beta"] == pytest.approx(-1, rel=0.05)
    assert json.loads(loose.stdout)["objective"] < 0.1 * held["objective"]
    refused = called(path, "--bootstrap", 0, "--any-sign", "-o", tmp_path / "mine.toml")
    assert refused.exit_code == 2 and "beta of the other sign" in refused.stderr


def test_a_report_reads_well_at_80_columns(tmp_path: Path) -> None:
    columns = {**table(CHINCHILLA, 60), "run": [f"m{i // 4}" for i in range(60)]}
    path = runs_of(tmp_path, "a.csv", {k: list(v) for k, v in columns.items()})
    answer = called(path, "--bootstrap", 40, "--hold-out", 0.2, "--cross-check")
    assert answer.exit_code == 0, answer.output
    assert max(map(len, answer.stdout.splitlines())) <= 80
    for words in ("s.e. (bootstrap)", "90 % interval", "s.e. (curvature)", "hold-out", "15 models"):
        assert words in answer.stdout
    bare = called(path, "--bootstrap", 0)
    assert "s.e. (curvature)" in bare.stdout and "bootstrap" not in bare.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--law", "chinchila"), "did you mean chinchilla?"),
        (("--huber", "0"), "--huber: 0.0 is not a positive number"),
        (("--bootstrap", "5"), "--bootstrap: 5 samples"),
        (("--hold-out", "2"), "--hold-out: 2.0 is not a share"),
        (("--figure", "x"), "--picture: 'x'"),
        (("--parameters", "some"), "--parameters: 'some'"),
        (("-o", "x.json"), "must end in .toml"),
        (("--drop-worst", "100"), "are left"),
        (("--law", "bian"), "no column for width"),
        (("--plot", "x.png", "--bootstrap", "0", "--figure", "pairs"), "--plot: pairs"),
    ],
)
def test_bad_input_is_told(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    columns = {k: v for k, v in table(CHINCHILLA, 30).items() if k not in ("width", "depth")}
    path = runs_of(tmp_path, "a.csv", {k: list(v) for k, v in columns.items()})
    answer = called(path, *arguments)
    assert answer.exit_code == 2
    assert words in answer.stderr


# Pictures


@cache
def drawn_study(law: str) -> Study:
    form = FORMS[law]
    columns = table(form, 60, 0.004)
    if law == "chinchilla":  # five budgets of nine sizes
        c = np.repeat(np.geomspace(1e19, 1e21, 5), 9)
        best = 0.1 * c**0.5
        n = best * np.tile(np.geomspace(0.3, 3, 9), 5)
        columns = {"N": n, "D": c / (6 * n)}
        noise = np.random.default_rng(0).normal(0, 0.002, 45)
        columns["loss"] = form.loss(np.array(TRUTH[law]), columns) * np.exp(noise)
        columns["loss"][20] *= 1.06
    loss = columns.pop("loss")
    columns["C"] = 6 * columns["N"] * columns["D"]
    labels = tuple(f"run {i}" for i in range(len(loss)))
    return study(Runs(columns, loss, labels, None, {}, {}), form, FitOptions(samples=60))


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("which", ["all", *PANELS])
def test_pictures_are_clean(which: str, size: str) -> None:
    figure = plots.fit(drawn_study("chinchilla"), which, size=size)
    check(figure)


@pytest.mark.slow  # by default those of chinchilla above, and of a form of one's own
@pytest.mark.parametrize("size", ["wide", "column"])
@pytest.mark.parametrize("law", ["gemstones", "bian"])
def test_pictures_of_other_forms_are_clean(law: str, size: str) -> None:
    for which in ("all", "pairs"):
        check(plots.fit(drawn_study(law), which, size=size))


@pytest.mark.slow
def test_a_picture_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no budget of FLOPs"):
        plots.fit(drawn_study("gemstones"), "isoflop")
    titles = [axes.get_title(loc="left") for axes in plots.fit(drawn_study("gemstones")).axes]
    assert "IsoFLOP slices" not in titles  # another pair of exponents has its place
    assert titles.count("60 bootstrap fits, 90 % ellipse") == 2


def test_pictures_show_the_numbers() -> None:
    found = drawn_study("chinchilla")
    seen, residuals, slices, pair = plots.fit(found).axes
    at = np.asarray(seen.collections[0].get_offsets())
    assert at[:, 0] == pytest.approx(found.runs.loss)
    assert np.log(at[:, 1] / at[:, 0]) == pytest.approx(found.fit.residuals)
    marked = np.asarray(residuals.collections[-1].get_offsets())
    strange = [found.runs.labels.index(name) for name, _ in found.outliers]
    assert "run 20" in [name for name, _ in found.outliers]
    assert sorted(marked[:, 1]) == pytest.approx(
        sorted(100 * np.expm1(found.fit.residuals[strange])), abs=1e-9
    )
    assert len(slices.collections) == 5
    own = found.fit.coefficients
    star = next(line for line in pair.lines if line.get_marker() == "*")
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (own["alpha"], own["beta"])  # type: ignore[index]
    ellipse = next(line for line in pair.lines if line.get_marker() != "*")
    x, y = (np.asarray(a, float) for a in ellipse.get_data())
    assert found.bootstrap is not None
    cloud = found.bootstrap.draws[:, [2, 4]]
    scaled = np.linalg.solve(np.linalg.cholesky(np.cov(cloud.T)),
                             np.stack([x, y]) - cloud.mean(axis=0)[:, None])  # fmt: skip
    assert np.hypot(*scaled) == pytest.approx(np.full(len(x), np.sqrt(-2 * np.log(0.1))))
