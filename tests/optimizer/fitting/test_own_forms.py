"""Fits of one's own form of law: read from a file, fitted, written and read again."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer import plots
from modelsizer.cli import app
from modelsizer.optimizer.fitting.bootstrap import bootstrap
from modelsizer.optimizer.fitting.fit import Fit, fit_form
from modelsizer.optimizer.fitting.forms import CHINCHILLA, GEMSTONES, Design, Form
from modelsizer.optimizer.fitting.newton import gradient
from modelsizer.optimizer.fitting.own_forms import form_of
from modelsizer.optimizer.fitting.procedure import FitOptions, study
from modelsizer.optimizer.fitting.runs import Runs
from modelsizer.optimizer.fitting.starts import bounds_of, grid
from modelsizer.optimizer.fitting.study import Study
from modelsizer.plots.laws.fit import PANELS
from modelsizer.problems.errors import ProblemError
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.fitting_runs import DELTA, table

HEAD = '[law]\nname = "mine"\nform = "terms"\nE = 1.5\n'
BOWL = """terms = [
    {name = "A", coefficient = 300.0, parameters = -0.3},
    {name = "B", coefficient = 900.0, tokens = -0.3},
    {name = "R", coefficient = 0.01, ffn_ratio = 0.5},
    {name = "S", coefficient = 0.05, ffn_ratio = -0.5},
    {name = "Q", coefficient = 0.05, kv_heads = -1.0},
]
fixed = ["R.ffn_ratio", "S.ffn_ratio"]
"""
"""Of parameters, tokens, a bowl of the feed-forward ratio, and few kv heads."""
KNOWN = {"E": 1.8, "A": 482.0, "A.parameters": -0.3478, "B": 2085.0, "B.tokens": -0.3658,
         "R": 0.04, "R.ffn_ratio": 0.5, "S": 0.12, "S.ffn_ratio": -0.5,
         "Q": 0.05, "Q.kv_heads": -0.5}  # fmt: skip
"""The truth behind `runs`; the file starts elsewhere."""


def form(text: str, tmp_path: Path) -> Form:
    path = tmp_path / "form.toml"
    path.write_text(text)
    return form_of(path)


def runs(count: int = 160, noise: float = 0.002, seed: int = 2) -> dict[str, Any]:
    """Runs of the law `KNOWN`, of models that could be built."""
    generator = np.random.default_rng(seed)
    heads = np.round(np.exp(generator.uniform(np.log(6), np.log(32), count)))
    width, depth = 64 * heads, np.round(np.exp(generator.uniform(np.log(6), np.log(40), count)))
    kv_heads = np.minimum(generator.choice([1.0, 2, 4, 8], count), heads)
    d_ff = generator.choice([1.0, 2, 4, 6, 8], count) * width
    n = (2 * width**2 + 128 * width * kv_heads + 3 * width * d_ff) * depth + 64000 * width
    d = np.exp(generator.uniform(np.log(2e9), np.log(2e11), count))
    k, ratio = KNOWN, d_ff / width
    loss = (
        k["E"]
        + k["A"] * n ** k["A.parameters"]
        + k["B"] * d ** k["B.tokens"]
        + k["R"] * ratio ** k["R.ffn_ratio"]
        + k["S"] * ratio ** k["S.ffn_ratio"]
        + k["Q"] * kv_heads ** k["Q.kv_heads"]
    )
    return {"N": n, "D": d, "width": width, "depth": depth, "heads": heads,
            "kv_heads": kv_heads, "d_ff": d_ff,
            "loss": loss * np.exp(generator.normal(0, noise, count))}  # fmt: skip


def design(of: Form, columns: dict[str, Any]) -> Design:
    return Design(of, {c: columns[c] for c in of.columns}, np.log(columns["loss"]))


# Reading


def test_a_form_is_what_its_file_says(tmp_path: Path) -> None:
    of = form(HEAD + BOWL, tmp_path)
    assert of.coefficients == tuple(KNOWN)
    assert of.columns == ("N", "D", "d_ff", "width", "kv_heads")
    assert of.free == tuple(k for k in KNOWN if k not in ("R.ffn_ratio", "S.ffn_ratio"))
    assert of.negative == {"A.parameters", "B.tokens", "S.ffn_ratio", "Q.kv_heads"}
    columns = runs(noise=0.0)
    assert of.loss(np.array(list(KNOWN.values())), columns) == pytest.approx(columns["loss"])


def test_terms_without_names_are_counted_and_have_many_features(tmp_path: Path) -> None:
    of = form(
        HEAD + "terms = [{coefficient = 2.0, tokens = -0.3, kv_group = 0.2},"
        " {coefficient = 3.0, aspect_ratio = -0.1}]\n",
        tmp_path,
    )
    assert of.coefficients == ("E", "1", "1.tokens", "1.kv_group", "2", "2.aspect_ratio")
    columns = runs(7)
    want = 1.5 + 2 * columns["D"] ** -0.3 * (columns["heads"] / columns["kv_heads"]) ** 0.2
    want += 3 * (columns["width"] / columns["depth"]) ** -0.1
    assert of.loss(np.array([1.5, 2, -0.3, 0.2, 3, -0.1]), columns) == pytest.approx(want)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[law]\nform = "chinchilla"\nE = 1.8\nA = 482.0\nalpha = 0.35\nB = 2085.0\nbeta = 0.37\n',
         "'chinchilla' is not"),
        (HEAD, "list of terms"),
        (HEAD + "terms = [3]\n", "term 1"),
        (HEAD + "terms = [{tokens = -0.3}]\n", "coefficient"),
        (HEAD + "terms = [{coefficient = -2.0, kv_heads = -0.3}, {coefficient = 1.0, "
         "tokens = -0.3}]\n", "-2 is not positive"),
        (HEAD + "terms = [{coefficient = 2.0, tokens = 0}]\n", "0"),
        (HEAD + "terms = [{coefficient = 2.0}]\n", "no feature"),
        (HEAD + "terms = [{coefficient = 2.0, tokns = -0.3}]\n", "did you mean tokens?"),
        (HEAD + 'terms = [{name = "E", coefficient = 2.0, tokens = -0.3}]\n', "'E'"),
        (HEAD + BOWL.replace('["R.ffn_ratio"', '["R.ffn"'), "R.ffn_ratio"),
        (HEAD + "terms = [{coefficient = 2.0, tokens = -0.3}]\n"
         'fixed = ["E", "1", "1.tokens"]\n', "nothing to fit"),
        (HEAD + "tems = 3\n" + BOWL, "did you mean terms?"),
        (HEAD.replace("1.5", "-1.5") + BOWL, "E"),
        ("[law\n", "line 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_form_is_said(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as error:
        form(text, tmp_path)
    assert words in str(error.value)
    assert "form.toml" in str(error.value)


# Fitting


@cache
def bowl_fit() -> tuple[Fit, Any]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        of = form(HEAD + BOWL, Path(folder))
    found = fit_form(design(of, runs()), DELTA)
    return found, bootstrap(found, 200)


def test_a_known_law_comes_back_within_its_standard_errors() -> None:
    found, drawn = bowl_fit()
    errors = dict(zip(found.form.coefficients, drawn.standard_errors, strict=True))
    for name in found.form.free:
        assert abs(found.coefficients[name] - KNOWN[name]) < 2 * errors[name], name
    assert errors["R"] < 0.2 * KNOWN["R"] and errors["Q.kv_heads"] < 0.4  # they are learnt
    own = found.coefficients
    assert own["S"] / own["R"] == pytest.approx(3.0, rel=0.25)  # where the bowl is lowest


def test_what_is_fixed_is_held_and_signs_are_kept() -> None:
    found, drawn = bowl_fit()
    at = {name: i for i, name in enumerate(found.form.coefficients)}
    for name in ("R.ffn_ratio", "S.ffn_ratio"):
        assert found.coefficients[name] == KNOWN[name]
        assert (drawn.draws[:, at[name]] == KNOWN[name]).all()
    for name, value in KNOWN.items():
        assert (np.sign(drawn.draws[:, at[name]]) == np.sign(value)).all(), name


@pytest.mark.parametrize("built_in", [CHINCHILLA, GEMSTONES], ids=lambda one: one.name)
def test_a_published_form_written_as_terms_has_the_same_objective(
    built_in: Form, tmp_path: Path
) -> None:
    names = {"N": "parameters", "D": "tokens", "width": "d_model", "depth": "layers"}
    rows = [
        f'{{name = "{t.scale}", coefficient = 1.0, {names[t.powers[0].feature]} = -0.5}}'
        for t in built_in.terms
        if t.powers
    ]
    of = form(HEAD + f"terms = [{', '.join(rows)}]\n", tmp_path)
    columns = table(built_in, 80)
    own, theirs = fit_form(design(of, columns), DELTA), fit_form(design(built_in, columns), DELTA)
    assert own.objective == pytest.approx(theirs.objective, rel=1e-6)
    assert own.coefficients["A"] == pytest.approx(theirs.coefficients["A"], rel=1e-2)
    first = next(power for term in built_in.terms for power in term.powers)
    assert own.coefficients[f"A.{names[first.feature]}"] == pytest.approx(
        -theirs.coefficients[first.exponent], rel=1e-3
    )


def test_far_starting_values_do_no_harm(tmp_path: Path) -> None:
    bad = BOWL.replace("-0.3}", "-3.0}").replace("300.0", "1e-6").replace("-1.0", "-0.01")
    found = fit_form(design(form(HEAD + bad, tmp_path), runs()), DELTA)
    assert found.objective == pytest.approx(bowl_fit()[0].objective, rel=1e-6)


def test_a_coefficient_can_be_held_too(tmp_path: Path) -> None:
    of = form(HEAD.replace("1.5", "1.8") + BOWL.replace("fixed = [", 'fixed = ["E", "Q", '),
              tmp_path)  # fmt: skip
    found = fit_form(design(of, runs()), DELTA)
    assert found.coefficients["E"] == 1.8 and found.coefficients["Q"] == 0.05
    assert bowl_fit()[0].objective <= found.objective < 1.05 * bowl_fit()[0].objective
    none = form(HEAD.replace("1.5", "0.0") + BOWL.replace("fixed = [", 'fixed = ["E", '), tmp_path)
    assert fit_form(design(none, runs()), DELTA).coefficients["E"] == 0.0


def test_derivatives_of_terms_with_many_features_are_exact(tmp_path: Path) -> None:
    of = design(
        form(
            HEAD + "terms = [{coefficient = 9.0, tokens = -0.3, ffn_ratio = 0.2, kv_heads = -0.1},"
            ' {name = "H", coefficient = 0.1, d_model = 0.1, layers = -0.4}]\n'
            'fixed = ["H", "1.kv_heads"]\n',
            tmp_path,
        ),
        runs(40),
    )
    from modelsizer.optimizer.fitting.newton import _derivatives

    theta = grid(of)[3]
    w = np.random.default_rng(1).integers(0, 3, of.runs).astype(float)
    slope, newton, _ = (part[0] for part in _derivatives(of, theta[None], w[None], 1.0))
    step = 1e-6
    for i, e in enumerate(np.eye(len(theta))):
        (up, slope_up), (down, slope_down) = (
            gradient(of, theta + s * e, w, 1.0) for s in (step, -step)
        )
        assert slope[i] == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-6)
        rise = (slope_up - slope_down) / (2 * step)
        assert newton[:, i] == pytest.approx(rise, rel=1e-4, abs=1e-5 * np.abs(newton).max())
    values = of.values(theta)
    assert values[of.form.position("H")] == pytest.approx(0.1)
    assert of.values(of.theta(values)) == pytest.approx(values)
    ends = bounds_of(of)
    assert (ends.into(theta) == theta).all()


def test_another_sign_is_said_or_taken_if_asked(tmp_path: Path) -> None:
    columns = runs()
    wrong = BOWL.replace("kv_heads = -1.0", "kv_heads = 1.0")
    of = form(HEAD + wrong, tmp_path)
    held = study(_runs(columns), of, FitOptions(samples=0))
    said = [w for w in held.warnings if "other sign of Q.kv_heads" in w]
    assert len(said) == 1 and "--any-sign" in said[0]
    loose = study(_runs(columns), of, FitOptions(samples=0, any_sign=True))
    assert loose.fit.coefficients["Q.kv_heads"] < 0
    assert loose.fit.objective == pytest.approx(bowl_fit()[0].objective, rel=1e-3)
    assert any("Q.kv_heads has the other sign" in w for w in loose.warnings)


# The command and the file


def _runs(columns: dict[str, Any]) -> Runs:
    used = {k: v for k, v in columns.items() if k != "loss"}
    used["C"] = 6 * columns["N"] * columns["D"]
    labels = tuple(f"run {i}" for i in range(len(columns["loss"])))
    return Runs(used, columns["loss"], labels, None, {"N": "N"}, {})


def called(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["fit", "--no-compare", *map(str, arguments)])


@pytest.mark.slow
def test_the_file_written_is_one_to_fit_again(tmp_path: Path) -> None:
    (tmp_path / "form.toml").write_text(HEAD + 'parameters = "non_embedding"\n' + BOWL)
    columns = runs()
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values()))]  # noqa: B905
    (tmp_path / "runs.csv").write_text("\n".join(lines))
    out = tmp_path / "mylaw.toml"
    answer = called(tmp_path / "runs.csv", "--law", tmp_path / "form.toml", "-o", out,
                    "--bootstrap", 30, "--json", "-")  # fmt: skip
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["law"] == "mine" and found["fixed"] == {"R.ffn_ratio": 0.5, "S.ffn_ratio": -0.5}
    assert set(found["standard_errors"]) == set(KNOWN) - set(found["fixed"])
    assert found["objective"] == pytest.approx(bowl_fit()[0].objective, rel=1e-9)
    written = tomllib.loads(out.read_text())
    law = written["law"]
    assert (law["form"], law["parameters"]) == ("terms", "non_embedding")
    assert law["terms"][4] == {
        "name": "Q",
        "coefficient": pytest.approx(found["coefficients"]["Q"]),
        "kv_heads": pytest.approx(found["coefficients"]["Q.kv_heads"]),
    }
    assert law["standard_errors"] == pytest.approx(found["standard_errors"])
    assert written["bootstrap"]["coefficients"] == list(KNOWN)
    assert np.shape(written["bootstrap"]["draws"]) == (30, len(KNOWN))
    assert "--law" in written["provenance"]["command"] and written["provenance"]["sha256"]
    again = called(tmp_path / "runs.csv", "--law", out, "--bootstrap", 0, "--json", "-")
    assert json.loads(again.stdout)["objective"] == pytest.approx(found["objective"], rel=1e-6)
    missing = called(tmp_path / "runs.csv", "--law", out, "--columns", "kv_heads=kv")
    assert missing.exit_code == 2 and "has no column 'kv' for kv_heads" in missing.stderr


def test_a_table_without_a_column_of_the_form_is_told(tmp_path: Path) -> None:
    (tmp_path / "form.toml").write_text(HEAD + BOWL)
    (tmp_path / "runs.csv").write_text("N,D,d_ff,d_model,loss\n1,2,3,4,5\n")
    answer = called(tmp_path / "runs.csv", "--law", tmp_path / "form.toml")
    assert answer.exit_code == 2
    assert "no column for kv_heads: name it by --columns kv_heads=NAME" in answer.stderr
    answer = called(tmp_path / "runs.csv", "--law", tmp_path / "no.toml")
    assert answer.exit_code == 2 and "no.toml" in answer.stderr


@cache
def drawn_study() -> Study:
    return study(_runs(runs(90)), bowl_fit()[0].form, FitOptions(samples=40))


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("which", [pytest.param("all", marks=pytest.mark.slow), "pairs"])
def test_pictures_of_one_s_own_form_are_clean(which: str, size: str) -> None:
    assert which in ("all", *PANELS)
    figure = plots.fit(drawn_study(), which, size=size)
    check(figure)
    labels = {axes.get_xlabel() for axes in figure.axes} | {a.get_ylabel() for a in figure.axes}
    assert "A.parameters" in labels and "B.tokens" in labels
    assert not any("$R" in label for label in labels)  # held: no cloud


def test_the_size_exponent_is_of_terms_of_n_and_d_alone(tmp_path: Path) -> None:
    own = drawn_study().fit.coefficients
    want = own["B.tokens"] / (own["A.parameters"] + own["B.tokens"])
    assert drawn_study().size_exponent == pytest.approx(want)
    both = form(
        HEAD + "terms = [{coefficient = 2.0, tokens = -0.3, parameters = -0.3}]\n", tmp_path
    )
    found = study(_runs(table(CHINCHILLA, 30)), both, FitOptions(samples=0))
    assert found.size_exponent is None
