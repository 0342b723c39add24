"""Files of fitted laws: what is written is read back, used by problems, and checked."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from modelsizer import Problem, solve
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.files import COEFFICIENTS, LawFile, law_text
from modelsizer.problems.laws.laws import Range
from modelsizer.problems.laws.published import token_law
from modelsizer.problems.laws.reading import law_named, load_law

BESIROGLU = {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658}
LAW = LawFile(
    "mine",
    "chinchilla",
    BESIROGLU,
    "non_embedding",
    Range(7e7, 1.6e10),
    Range(5e9, None),
    'fit of "runs".csv, 240 runs',
    {"E": 0.03, "A": 124.6},
    ((1.8, 480.0, 0.35, 2000.0, 0.37), (0.0, 400.0, 0.33, 1e-9, 0.36)),
    7,
    {"runs": "a b.csv", "used": 240, "objective": 0.00101827, "command": "x --y \\ é"},
)


def written(folder: Path, text: str = "", name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text or law_text(LAW), "utf-8")
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert replace(load_law(path), path="") == LAW
    raw = tomllib.loads(path.read_text())
    assert raw["law"]["A"] == 482.01 and raw["bootstrap"]["seed"] == 7
    assert raw["bootstrap"]["coefficients"] == list(COEFFICIENTS["chinchilla"])


def test_a_law_with_an_outer_power_is_read_back_with_its_draws(tmp_path: Path) -> None:
    values = {"E": 1.6, "A": 2.1e4, "alpha": 0.52, "B": 9.1e4, "beta": 0.51, "outer": 0.42}
    draws = ((1.5, 2e4, 0.5, 9e4, 0.5, 0.4), (1.7, 2.2e4, 0.53, 9.2e4, 0.52, 0.44))
    text = law_text(LawFile("raised", "chinchilla-outer", values, draws=draws))
    found = load_law(written(tmp_path, text))
    assert found.coefficients == values
    assert found.draws == draws
    want = 1.6 + (2.1e4 / 3e9**0.52 + 9.1e4 / 6e10**0.51) ** 0.42
    assert found.law.loss(3e9, 6e10) == pytest.approx(want, rel=1e-13)
    assert [law.outer for law in found.drawn_laws] == [0.4, 0.44]  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", ["gemstones", "bian"])
def test_other_forms_predict_as_they_say(form: str, tmp_path: Path) -> None:
    values = {name: 0.5 + 0.125 * i for i, name in enumerate(COEFFICIENTS[form])}
    text = law_text(LawFile("shaped", form, values))
    found = load_law(written(tmp_path, text))
    assert found.coefficients == values and found.form == form
    n, d, c = 7e9, 2e11, values
    shape = {"d_model": 4096.0, "layers": 32.0, "aspect_ratio": 128.0, "experts": 8.0}
    want = {
        "gemstones": lambda: (c["E"] + c["A"] * 4096 ** -c["a"] + c["B"] * 32 ** -c["b"]
                              + c["G"] * n ** -c["g"] + c["T"] * d ** -c["t"]),
        "bian": lambda: ((c["E"] + c["A"] * n ** -c["alpha"] + c["B"] * d ** -c["alpha"])
                         * (1 + c["gamma"] * 128 ** c["alpha"])),
    }[form]()  # fmt: skip
    assert found.law.of(shape).loss(n, d) == pytest.approx(want, rel=1e-13)
    assert found.law.sees_shape


def test_the_law_predicts_as_its_coefficients_say(tmp_path: Path) -> None:
    found = load_law(written(tmp_path))
    law = found.law
    want = 1.8172 + 482.01 / 7e10**0.3478 + 2085.43 / 1.4e12**0.3658
    assert law.loss(7e10, 1.4e12) == pytest.approx(want, rel=1e-14)
    assert law.parameter_kind == "non_embedding"
    assert law.parameter_range == Range(7e7, 1.6e10)
    first, second = found.drawn_laws
    assert first.loss(7e10, 1.4e12) == pytest.approx(1.8 + 480 / 7e10**0.35 + 2000 / 1.4e12**0.37)
    assert second.E == 0.0 and second.name == "mine, draw 2"


def test_draws_are_read_in_the_order_that_the_file_says(tmp_path: Path) -> None:
    text = law_text(replace(LAW, draws=LAW.draws[:1])).replace('["E", "A", "alpha", "B", "beta"]',
                                 '["beta", "A", "alpha", "B", "E"]')  # fmt: skip
    assert load_law(written(tmp_path, text)).draws[0] == (0.37, 480.0, 0.35, 2000.0, 1.8)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("alpha = 0.3478", "alpha = -0.3", "law.alpha: -0.3 is not a positive number"),
        ("alpha = 0.3478", "", "law.alpha: this key is required"),
        ("A = 482.01", 'A = "big"', "law.A: 'big' is not a positive number"),
        ("A = 482.01", "A = inf", "law.A: inf is not"),
        ('form = "chinchilla"', 'form = "chinchila"', r"did you mean chinchilla\?"),
        ("beta = 0.3658", "beta = 0.3658\ngama = 1.0", "unknown key"),
        ('parameters = "non_embedding"', 'parameters = "some"', "'some' is not one of total"),
        ("{min = 70000000.0, max = 16000000000.0}", "{min = 3, max = 2}", "is no range"),
        ("    [1.8, 480.0, 0.35, 2000.0, 0.37],", "    [1.8],", "row 1 is not 5 numbers"),
        ("[provenance]", "[origin]", "unknown table"),
        ("[law]", "[law", "not valid TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_key(old: str, new: str, words: str, tmp_path: Path) -> None:
    text = law_text(LAW)
    assert old in text
    with pytest.raises(ProblemError, match=words) as error:
        load_law(written(tmp_path, text.replace(old, new)))
    assert "mine.toml" in str(error.value)


def test_faults_name_their_line(tmp_path: Path) -> None:
    text = law_text(LAW).replace("alpha = 0.3478", "alpha = 0.0")
    line = text.splitlines().index("alpha = 0.0") + 1
    with pytest.raises(ProblemError, match=f"line {line}: law.alpha"):
        load_law(written(tmp_path, text))


# In a problem


def problem(law: str, **more: Any) -> Problem:
    return Problem.load("one-h100-1e24").with_settings({"objective.law": law, **more})


def test_a_problem_uses_the_file_as_it_would_the_published_law(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = law_text(replace(LAW, parameters="total", draws=()))
    written(tmp_path, text)
    asked = problem("file:mine.toml")
    same, published = solve(asked), solve(problem("besiroglu-2024"))
    assert same.best.architecture == published.best.architecture
    assert same.best.loss == published.best.loss
    assert solve(asked, solver="scipy").best.loss == same.best.loss
    again = Problem.parse(asked.to_toml())
    assert again.law == asked.law and again.law.name == "mine"


def test_a_law_beside_the_problem_file_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "there", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    written(folder)
    text = Problem.load("phone-2gb").to_toml() + "[scenarios.x]\ntraining.tokens = 1e12\n"
    tables = tomllib.loads(text) | {"objective": {"law": "file:mine.toml"}}
    tables["scenarios"]["x"]["objective"] = {"law": "file:mine.toml"}
    (folder / "problem.toml").write_text(tomli_w.dumps(tables))
    monkeypatch.chdir(elsewhere)
    for path in (folder / "problem.toml", Path("../there/problem.toml")):
        found = Problem.load(path)
        assert found.law.name == found.scenario("x").law.name == "mine"
        assert Problem.parse(found.to_toml()).law == found.law
    absolute = {**tables, "objective": {"law": f"file:{folder / 'mine.toml'}"}}
    (folder / "problem.toml").write_text(tomli_w.dumps(absolute))
    assert Problem.load(folder / "problem.toml").law.name == "mine"
    (folder / "problem.toml").write_text(tomli_w.dumps(tables))
    (folder / "mine.toml").rename("mine.toml")  # in the working folder, as --law has it
    assert Problem.load(folder / "problem.toml").law.name == "mine"
    Path("mine.toml").unlink()
    with pytest.raises(ProblemError, match=r"mine.toml: cannot be read: no such file"):
        Problem.load(folder / "problem.toml")


def test_the_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert law_named(f"file:{path}").E == 1.8172
    path.write_text(path.read_text().replace("E = 1.8172", "E = 1.7"))
    os.utime(path, ns=(1, 1))
    assert law_named(f"file:{path}").E == 1.7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "objective.law: .*none.toml: cannot be read: no such file"),
        ("[law]\nE = -1.0\n", "law.E: -1.0 is not zero or a positive number"),
        ("[law]\nE = 1.0\nterms = [{coefficient = 1.0, tokens = 0.1}]\n", "must fall with the tokens"),
    ],
)  # fmt: skip
def test_a_problem_says_what_is_wrong_with_the_file(
    text: str | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "none.toml" if text is None else written(tmp_path, text)
    with pytest.raises(ProblemError, match=words) as error:
        problem(f"file:{path}")
    assert error.value.faults[0].key == "objective.law"


def test_names_of_laws_still_work() -> None:
    assert problem("besiroglu-2024").law == token_law("besiroglu-2024")
    with pytest.raises(ProblemError, match="did you mean"):
        problem("besiroglu-2023")
