"""`modelsizer laws`: the table, the pages, and the picture of a law."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.plots.laws.law_curves import law_curves, sizes_of
from modelsizer.problems.laws.ablation_rows import term_pages
from modelsizer.problems.laws.bands import TERMS
from modelsizer.problems.laws.hyperparameters import trained_models
from modelsizer.problems.laws.laws import Range
from modelsizer.problems.laws.page import APART
from modelsizer.problems.laws.pages import LAW_PAGES, LEFT_OUT
from modelsizer.text.laws import coefficient
from tests.support.figure_checks import BOTH_SIZES, check


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["laws", *arguments], env={"COLUMNS": "80"})


def test_the_table_fits_80_columns() -> None:
    found = run()
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for name, page in LAW_PAGES.items():
        (row,) = [line for line in lines if line.split(" ")[0] == name]
        assert row.split()[-1] == {"law, shape": "both", "": "no"}.get(page.use, page.use)
    assert "…" not in found.stdout
    said = " ".join(found.stdout.split())
    assert all(f"{source}: {what}" in said for source, what in LEFT_OUT)


@pytest.mark.parametrize("name", LAW_PAGES)
def test_a_page_says_all(name: str) -> None:
    found = run(name)
    page = LAW_PAGES[name]
    assert found.exit_code == 0
    assert max(map(len, found.stdout.splitlines())) <= 80
    assert "…" not in found.stdout
    said = " ".join(found.stdout.split())
    for text in (page.form, page.words, page.data, page.why_not, page.parameters):
        assert " ".join(text.split()) in said
    for warning in (*page.warnings, APART):
        assert " ".join(warning.split()) in said
    for key, value in page.coefficients.items():
        assert f"{key} {coefficient(value)}" in said


def test_json() -> None:
    everything = json.loads(run("--json", "-").stdout)["laws"]
    assert [law["name"] for law in everything] == list(LAW_PAGES)
    (one,) = json.loads(run("besiroglu-2024", "--json", "-").stdout)["laws"]
    assert one["coefficients"] == {
        "E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658
    }  # fmt: skip
    assert one["usable_as"] == "objective.law"
    assert one["parameter_range"] == {"min": 70e6, "max": 16e9}
    (other,) = json.loads(run("kumar-2024", "--json", "-").stdout)["laws"]
    assert (other["usable"], other["usable_as"]) == (False, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["besiroglu"], "did you mean besiroglu-2024"),
        (["--plot", "x.png"], "name one law"),
        (["llama-3-2024", "--plot", "x.png"], "gives an optimum and no loss"),
        (["besiroglu-2024", "--plot", "x.txt"], "must end in"),
        (["besiroglu-2024", "--plot", "x.png", "--plot-size", "huge"], "not wide or column"),
    ],
)
def test_errors_say_what_would_be_right(arguments: list[str], words: str) -> None:
    found = run(*arguments)
    assert found.exit_code == 2
    assert words in found.output
    assert "Traceback" not in found.output


def test_plot_is_written(tmp_path: Path) -> None:
    path = tmp_path / "law.svg"
    assert run("gadre-2024-c4", "--plot", str(path), "--json", "-").exit_code == 0
    assert path.read_text().startswith("<?xml")


# The picture


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("name", ["besiroglu-2024", "kumar-2024", "gemstones-2025", "abnar-2025"])
def test_curves_are_the_law_and_solid_only_where_fitted(name: str, size: str) -> None:
    page = LAW_PAGES[name]
    figure = law_curves(page, size=size)
    check(figure)
    (axes,) = figure.axes
    sizes = sizes_of(page.parameter_range)
    dashed = [line for line in axes.lines if line.is_dashed()]
    curves = [line for line in axes.lines if line.get_transform() == axes.transData]  # no leaders
    solid = [line for line in curves if not line.is_dashed()]
    assert page.curve is not None
    for n, line in zip(sizes, dashed, strict=True):
        x, y = (np.asarray(data, float) for data in line.get_data())
        assert y == pytest.approx(np.asarray(page.curve(n, x)), rel=1e-12)
    known = name != "abnar-2025"
    assert len(solid) == (len(sizes) - 1 if known else 0)
    for line in solid:
        ends = np.asarray(line.get_xdata(), float)[[0, -1]]
        assert all(page.token_range.holds(d) for d in ends)
    assert axes.get_ylabel() == "predicted loss (nats a token)"
    named = [text.get_text() for text in axes.texts if text.get_text().startswith("N = ")]
    assert len(named) == len(sizes)


def test_the_band_is_the_fitted_range_and_the_unit_is_the_laws() -> None:
    (axes,) = law_curves(LAW_PAGES["hoffmann-2022"]).figure.axes
    (band,) = axes.patches
    box = band.get_extents().transformed(axes.transData.inverted())
    assert (box.x0, box.x1) == (pytest.approx(5e9, rel=1e-6), pytest.approx(5e11, rel=1e-6))
    (axes,) = law_curves(LAW_PAGES["farseer-2025"]).axes
    assert axes.get_ylabel() == "predicted loss (bits a character)"
    assert not axes.patches


def test_sizes_and_names() -> None:
    assert sizes_of(Range(1e8, 1e10)) == pytest.approx((1e8, 1e9, 1e10, 1e11))
    assert sizes_of(Range(768, 1.5e9))[0] == pytest.approx(1.5e6)


@pytest.mark.parametrize("name", ["ablations", *TERMS])
def test_terms_are_shown_with_the_figures_behind_their_bands(name: str) -> None:
    found = run(name)
    assert found.exit_code == 0
    assert max(map(len, found.stdout.splitlines())) <= 80
    said = " ".join(found.stdout.split())
    pages = [page for page in term_pages().values() if name in ("ablations", page.name)]
    for page in pages:
        assert page.formula in said
        for row in page.rows:
            assert row.source in said
            assert row.setting in said
            assert row.measured is None or f"{row.measured:+.4f}" in said
    terms = json.loads(run(name, "--json", "-").stdout)["terms"]
    assert [term["name"] for term in terms] == [page.name for page in pages]
    assert terms[0]["rows"][0]["verdict"] in ("inside", "above", "below")


def test_laws_of_hyperparameters_stand_beside_published_models() -> None:
    found = run("hyperparameters")
    assert max(map(len, found.stdout.splitlines())) <= 80
    read = json.loads(run("hyperparameters", "--json", "-").stdout)
    names = [law["name"] for law in read["hyperparameter_laws"]]
    assert names == ["steplaw-2025", "deepseek-2024", "ling-2025"]
    assert {row["model"] for row in read["trained"]} == set(trained_models())
    own = {"deepseek-llm-7b", "deepseek-llm-67b", "deepseek-v2-lite", "deepseek-v3", "kimi-k2"}
    for row in read["trained"]:
        assert row["model"] in found.stdout
        first = row["laws"][0]
        if row["model"] in own:  # within a third of the law of its kind of design
            assert first["batch_size"] == pytest.approx(row["batch_size"], rel=0.2)
            assert first["learning_rate"] == pytest.approx(row["learning_rate"], rel=0.3)
    refused = run("ablations", "--plot", "x.png")
    assert refused.exit_code == 2
    assert "has no picture" in refused.stderr


# A law in a file


def test_a_law_file_is_read(tmp_path: Path) -> None:
    found = run("docs/mylaw.toml")
    assert found.exit_code == 0
    assert max(map(len, found.stdout.splitlines())) <= 80
    said = " ".join(found.stdout.split())
    for words in (
        'objective.law = "file:docs/mylaw.toml"', "fitted on N 97.8M to 7.46B",
        "fitted on kv_heads 1 to 8", "runs 72, 0 dropped", "200 draws", "R.ffn_ratio 0.5 held",
    ):  # fmt: skip
        assert words in said, words
    assert run("file:docs/mylaw.toml").stdout == found.stdout
    (law,) = json.loads(run("docs/mylaw.toml", "--json", "-").stdout)["laws"]
    assert law["bootstrap"] == {"draws": 200, "seed": 0}
    assert law["coefficients"]["A"] == pytest.approx(457.22, rel=1e-4)
    low, high = law["intervals_90"]["A"]
    assert low < law["coefficients"]["A"] < high
    assert "R.ffn_ratio" not in law["intervals_90"]
    assert law["ranges"]["kv_heads"] == {"min": 1.0, "max": 8.0}
    assert law["sees"] == ["N", "D", "ffn_ratio", "kv_heads"]


def test_a_law_file_without_draws_and_ranges_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[law]\nform = "chinchilla"\nE = 1.8\nA = 480.0\nalpha = 0.35\n'
                    "B = 2000.0\nbeta = 0.36\n")  # fmt: skip
    said = " ".join(run(str(path)).stdout.split())
    assert "bootstrap none" in said
    assert "which `uncertainty` needs" in said
    assert "nothing warns beyond them" in said
    assert run(str(path), "--plot", str(tmp_path / "law.png")).exit_code == 0
    assert (tmp_path / "law.png").exists()
    refused = run("docs/mylaw.toml", "--plot", str(tmp_path / "none.png"))
    assert refused.exit_code == 2
    assert "it sees ffn_ratio, kv_heads too" in refused.output
    assert run(str(tmp_path / "none.toml")).exit_code == 2
