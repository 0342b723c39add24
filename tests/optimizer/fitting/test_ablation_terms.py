"""Terms fitted to runs: a known truth, Marin's published runs, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer import Problem, solve
from modelsizer.cli import app
from modelsizer.optimizer.fitting.ablation_terms import fit_terms
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.laws.ablated import UNITS, units_of
from modelsizer.problems.laws.bands import PUBLISHED
from modelsizer.problems.laws.own_terms import load_terms
from modelsizer.problems.laws.published import token_law
from tests.support.shared import reference

LAW = token_law("besiroglu-2024")
TRUTH = {
    "kv_heads": 0.004, "ffn": 1.3, "window 2048": 0.001, "window 1024": 0.004,
    "window 512": 0.012, "sparse": 0.01, "linear": -0.02, "latent": 0.015,
}  # fmt: skip
VARIED: list[dict[str, Any]] = [
    {},
    {"kv_heads": 8},
    {"kv_heads": 1},
    {"r": 3.5},
    {"full_every": 4, "window": 2048},
    {"full_every": 4, "window": 1024},
    {"full_every": 4, "window": 512},
    {"full_every": 16, "window": 700, "kv_heads": 4},
    {"full_every": 4, "between": "linear"},
    {"full_every": 16, "between": "linear"},
    {"kv_lora_rank": 512},
    {"kv_lora_rank": 128, "kv_heads": 16},
]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def runs(noise: float = 0.0, *, added: float = 0.0) -> list[dict[str, Any]]:
    """Runs of two bases by the truth; those that vary a choice have `added` more parameters."""
    random, rows = np.random.default_rng(5), []
    for base, (n, d) in {"small": (3e8, 6e9), "large": (2e9, 4e10)}.items():
        for choices in VARIED:
            whole = {"heads": 16, "r": 1.2, **choices}
            units = units_of(whole)
            q = sum(TRUTH[name] * units[name] for name in UNITS)
            own = n * (1 + added * bool(choices))
            excess = (1 + q) * (float(LAW.loss(own, d)) - LAW.irreducible)
            loss = LAW.irreducible + excess * np.exp(noise * random.standard_normal())
            rows.append({"base": base, "N": own, "D": d, **whole, "val loss": repr(float(loss))})
    return rows


@pytest.mark.parametrize("added", [0.0, 0.05])
def test_exact_runs_give_the_truth_back(tmp_path: Path, added: float) -> None:
    found = fit_terms(written(tmp_path / "runs.csv", runs(added=added)))
    assert found.corrected
    assert (found.runs, found.bases, found.left) == (24, 2, {})
    for name, band in found.terms.items():
        names = ("window 2048", "window 1024", "window 512") if name == "window" else (name,)
        values = band["middle"] if isinstance(band["middle"], tuple) else (band["middle"],)
        assert values == pytest.approx([TRUTH[each] for each in names], rel=1e-4)
        assert band["low"] == pytest.approx(band["middle"], abs=1e-6)


def test_counts_are_read_in_their_units(tmp_path: Path) -> None:
    """By their names, by the user, or with a note that they cannot be counts."""
    names = {"N": "params_m", "D": "tokens_b"}
    rows = runs(added=0.05)
    for row in rows:
        row |= {"params_m": row.pop("N") / 1e6, "tokens_b": row.pop("D") / 1e9}
    found = fit_terms(written(tmp_path / "named.csv", rows))
    assert found.corrected and found.notes == ()
    assert found.terms["kv_heads"]["middle"] == pytest.approx(TRUTH["kv_heads"], rel=1e-4)
    for row in rows:
        row |= {"params": row.pop(names["N"]), "tokens": row.pop(names["D"])}
    bare = written(tmp_path / "bare.csv", rows)
    assert "N=params*1e6" in fit_terms(bare).notes[0]
    told = fit_terms(bare, columns={"N": "params*1e6", "D": "tokens*1e9"})
    assert (told.terms, told.notes) == (found.terms, ())


def test_noise_widens_the_band_around_the_truth(tmp_path: Path) -> None:
    small, large = (
        fit_terms(written(tmp_path / f"{noise}.csv", runs(noise))).terms["kv_heads"]
        for noise in (0.001, 0.004)
    )
    for band in (small, large):
        low, high = float(band["low"]), float(band["high"])  # type: ignore[arg-type]
        assert low < TRUTH["kv_heads"] < high
    assert float(large["high"]) > float(small["high"])  # type: ignore[arg-type]


def marin(tmp_path: Path) -> Path:
    """Marin's published pairs of kv heads and windows (issues 5151, 8227 and 5338)."""
    rows = []
    with reference("modern/marin_moe_ablations.csv").open() as file:
        for row in csv.DictReader(file):
            width, heads = row["d_model"], 4 if row["d_model"] == "512" else 6
            own = {"base": f"{width} {row['flops']}", "heads": heads, "kv_heads": 1, "window": 2048}
            own |= {"full_every": 4, "loss": row["paloma_macro_loss"]}
            if row["variable"] == "kv_heads":
                all_heads = not row["setting"].endswith(("kv=1", "(grouped)"))
                rows.append(own | ({"kv_heads": heads} if all_heads else {}))
            elif row["variable"] == "window":
                rows.append(own | {"window": row["setting"].rsplit(" ", 1)[1]})
    return written(tmp_path / "marin.csv", rows)


def test_marins_runs_give_the_published_band_its_middle(tmp_path: Path) -> None:
    found = fit_terms(marin(tmp_path))
    band = found.terms["kv_heads"]
    low, middle, high = (float(band[end]) for end in ("low", "middle", "high"))  # type: ignore[arg-type]
    published = [float(PUBLISHED.at(end).kv_heads) for end in ("low", "middle", "high")]
    assert published[0] < low < middle < high < published[2]
    assert middle == pytest.approx(published[1], rel=0.15)
    windows = found.terms["window"]["middle"]
    assert isinstance(windows, tuple)
    assert windows == pytest.approx((0.0, 0.005, 0.0137), abs=5e-4)
    assert not found.corrected
    assert found.left.keys() == {"ffn", "sparse", "linear", "latent"}


def test_the_file_is_read_and_solved_with(tmp_path: Path) -> None:
    path, table = tmp_path / "mine.toml", written(tmp_path / "runs.csv", runs(0.002))
    done = CliRunner().invoke(
        app, ["fit", str(table), "--law", "terms", "-o", str(path), "--json", "-"]
    )
    assert done.exit_code == 0
    read = json.loads(done.stdout)
    assert read["varied"]["kv_heads"] == [f"row {i}" for i in range(1, 25)]
    terms = load_terms(path)
    assert terms == fit_terms(table).terms
    problem = Problem.load("one-h100-1e24").with_settings({"objective.ablations": f"file:{path}"})
    seen = solve(problem).to_dict()["choices"]["kv_heads"]
    assert seen["low"] <= seen["middle"] <= seen["high"]


def test_the_report_says_what_was_used(tmp_path: Path) -> None:
    rows = [*runs(0.002), {"base": "alone", "heads": 8, "val loss": 3.0}]
    table = written(
        tmp_path / "runs.csv", [row for row in rows if "r" not in row or row["r"] == 1.2]
    )
    done = CliRunner().invoke(
        app, ["fit", str(table), "--law", "terms", "--where", "heads>1"], env={"COLUMNS": "80"}
    )
    assert done.exit_code == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80
    for words in ("22 runs of 2 bases", "ffn: not varied", "row 23: no other run", "95 % interval"):
        assert words in said


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"base": 1, "kv_heads": 4, "heads": 8, "loss": 3.0}], "no two runs have the same base"),
        ([{"base": 1, "heads": 8, "loss": x} for x in (3.0, 3.1)], "no choice that a term sees"),
        (
            [{"base": 1, "heads": 8, "kv_heads": k, "loss": 3 + k / 100} for k in (4, 1)],
            "determine kv_heads exactly",
        ),
        ([{"base": 1, "heads": 8, "kv_heads": k, "loss": 1.7} for k in (4, 2, 1)], "not above E"),
        ([{"base": 1, "heads": 8, "kv_heads": 3, "loss": 3.0}], "row 1: 3 kv heads do not divide"),
        ([{"heads": 8, "kv_heads": 4, "loss": 3.0}], "give a column base"),
        ([{"base": 1, "d_model": 8, "loss": 3.0}], "no choice that a term sees"),
        ([{"base": 1, "heads": 8, "perplexity": 3.0}], "has no column loss"),
        (
            [
                {"base": b, "heads": 8, "kv_heads": k, "r": r, "loss": 3.0 + b / 10 - k / 100}
                for b in (1, 2)
                for k, r in ((8, 1.2), (1, 4.0))
            ],
            "kv_heads and ffn change together",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    tmp_path: Path, rows: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(ModelsizerError, match=words):
        fit_terms(written(tmp_path / "runs.csv", rows))


def test_options_of_other_forms_are_refused(tmp_path: Path) -> None:
    table = str(written(tmp_path / "runs.csv", runs()))
    for option in (["--bootstrap", "10"], ["--plot", "x.png"], ["--parameters", "total"]):
        done = CliRunner().invoke(app, ["fit", table, "--law", "terms", *option])
        assert done.exit_code == 2
        assert f"{option[0]}: --law terms takes no such option" in done.stderr
    for law, words in (("gemstones-2025", "sees more than N and D"), ("besi", "unknown law")):
        done = CliRunner().invoke(app, ["fit", table, "--law", "terms", "--base-law", law])
        assert done.exit_code == 2
        assert words in done.stderr
