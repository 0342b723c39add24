"""Terms of the user's own: where they are read from, what they replace, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelsizer import Problem, solve
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.designs.worth import worth
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.bands import ENDS, PUBLISHED
from modelsizer.problems.laws.own_terms import OwnTerms, ablation_ends, bands_of
from modelsizer.problems.provenance import sources

KEY = "objective.ablations"
MINE = """
[kv_heads]
low = -0.004
middle = 0.02
high = 0.03
source = "our own runs"

[window]
low = [0, 0, 0]
middle = [0.0, 0.01, 0.02]
high = [0.01, 0.02, 0.05]

[provenance]
command = "fit"
"""
SMALL = Problem.load("windows-128k").with_settings(
    {"space.layers": [8, 16, 24, 32], "space.d_model": [2048, 3072, 4096]}
)


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return f"file:{path}"


def best(problem: Problem, solver: str) -> Evaluation:
    return solve(problem, solver=solver).best


def test_a_file_replaces_the_terms_that_it_names(mine: str) -> None:
    for end, setting in ablation_ends(mine).items():
        found = bands_of(setting)
        assert found is not None
        bands, read = found
        assert read == end
        assert bands.at(end).linear == PUBLISHED.at(end).linear
        assert bands.at(end).window != PUBLISHED.at(end).window
    assert bands_of(mine) == bands_of(f"{mine}:middle")


def test_ends_of_a_table_and_of_readings() -> None:
    own = SMALL.with_settings({KEY: {"sparse": 0.01, "end": "high"}}).objective.ablations
    assert isinstance(own, OwnTerms)
    assert own.end == "high"
    ends = ablation_ends(own)
    assert [ends[end].end for end in ENDS if isinstance(ends[end], OwnTerms)] == [*ENDS]
    assert ablation_ends("none") == ablation_ends("high") == {end: end for end in ENDS}


@pytest.mark.parametrize("end", ["low", "high"])
def test_the_search_proves_what_enumeration_finds(mine: str, end: str) -> None:
    problem = SMALL.with_settings({KEY: f"{mine}:{end}"})
    found = best(problem, "bound")
    assert found.loss == pytest.approx(best(problem, "exhaustive").loss, rel=1e-13)
    assert found.loss != best(SMALL.with_settings({KEY: end}), "bound").loss
    shown = worth(problem, found)
    assert shown is not None
    assert shown.low <= found.loss <= shown.high


def test_a_problem_with_a_file_is_read_back_without_it(mine: str, tmp_path: Path) -> None:
    problem = SMALL.with_settings({KEY: f"{mine}:high"})
    loss = best(problem, "bound").loss
    kept = json.loads(json.dumps(sources(problem)))
    (tmp_path / "mine.toml").unlink()
    (file,) = kept["provenance"]["law_files"].values()
    assert file["path"].endswith("mine.toml")
    again = Problem.from_tables(kept["problem"])
    assert best(again, "bound").loss == loss
    assert Problem.parse(again.to_toml()) == again


def test_a_relative_path_is_beside_the_problem_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE)
    for name in ("file:mine.toml", "file:mine.toml:low"):
        text = SMALL.with_settings({KEY: "low"}).to_toml()
        path = tmp_path / "problem.toml"
        path.write_text(text.replace('ablations = "low"', f'ablations = "{name}"'))
        seen = name.replace("mine", str(tmp_path / "mine"))
        assert Problem.load(path).objective.ablations == seen
        for table in (f'[scenarios.x]\n"objective.ablations" = "{name}"',
                      f'[scenarios.x.objective]\nablations = "{name}"'):  # fmt: skip
            path.write_text(f"{text}\n{table}\n")
            assert Problem.load(path).scenario("x").objective.ablations == seen


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[kv_head]\nlow = 0\nmiddle = 0\nhigh = 0",
            "kv_head: unknown term (did you mean kv_heads",
        ),
        ("[sparse]\nlow = 0\nhigh = 0", "sparse.middle: this key is required"),
        ("[sparse]\nlow = 0\nmiddle = 0\nhigh = -0.01", "sparse.high: -0.01 is below middle = 0"),
        ("[sparse]\nlow = 0\nmiddle = 0\nhigh = 7", "sparse.high: 7 is not a share"),
        ("[sparse]\nlow = true\nmiddle = 0\nhigh = 7", "sparse.low: True is not a share"),
        ("[ffn]\nlow = -1\nmiddle = 0\nhigh = 1", "ffn.low: -1 is not a multiple"),
        ('ffn = "large"', "ffn: 'large' is none of smaller, mean, larger"),
        ("window = 0.01", "window: 0.01 is not three shares"),
        ("window = [0.1, 0.0, 0.2]", "window: [0.1, 0.0, 0.2] must not fall"),
        ("[linear]\nlow = 0\nmiddle = 0\nhigh = 0\nmost = 1", "linear.most: unknown key"),
        ("", "has no term"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ProblemError) as found:
        SMALL.with_settings({KEY: f"file:{path}"})
    assert KEY in str(found.value)
    assert words in str(found.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("mine.toml", "did you mean file:mine.toml?"),
        ("midle", "did you mean middle?"),
        ({"kv_heads": 3}, f"{KEY}.kv_heads: 3 is not a share"),
        ({"end": "top", "kv_heads": 0.01}, f"{KEY}.end: 'top' is none of low, middle, high"),
        ({}, "give at least one term"),
        (7, "7 is not a reading of ablations"),
        ("file:there-is-none.toml", "no such file"),
    ],
)
def test_what_is_no_reading_is_refused(value: object, words: str) -> None:
    with pytest.raises(ProblemError) as found:
        SMALL.with_settings({KEY: value})
    assert words in str(found.value)
