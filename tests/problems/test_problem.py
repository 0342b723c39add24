"""Problem files: what is accepted, what is refused and in which words, and round trips."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, ProblemError
from modelsizer.cli import app
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.reading import SPACE_TABLES, library
from tests.support.malformed import MALFORMED, malformed
from tests.support.problem_text import GOOD
from tests.support.random_problems import valid_problem


@pytest.mark.parametrize("number", range(len(MALFORMED)))
def test_malformed_files_are_refused_in_words(number: int, tmp_path: Path) -> None:
    _, _, key, word = MALFORMED[number]
    path = tmp_path / "bad.toml"
    path.write_text(malformed(number))
    for command in ("solve", "check"):
        answer = CliRunner().invoke(app, [command, str(path)])
        assert answer.exit_code == 2, answer.output
        assert key in answer.stderr
        assert word in answer.stderr
        assert str(path) in answer.stderr
        assert "Traceback" not in answer.stderr
        assert answer.stdout == ""


def test_the_line_of_a_fault_is_told() -> None:
    with pytest.raises(ProblemError) as caught:
        Problem.parse(GOOD.replace("kv_heads", "kv_haeds"), "x.toml")
    line = GOOD.splitlines().index("kv_heads = [4, 8]") + 1
    assert caught.value.faults[0].line == line
    assert f"x.toml: line {line}: space.kv_haeds" in str(caught.value)


def test_what_is_set_over_the_file_has_no_line() -> None:
    with pytest.raises(ProblemError, match=r"^x\.toml: space\.kv_heads: .four. is not"):
        Problem.parse(GOOD, "x.toml", {"space.kv_heads": "four"})


def test_several_faults_are_told_at_once() -> None:
    text = GOOD.replace("batch_size = 4", "batch_size = 0").replace(
        "layers = {min = 8", "layers = {min = 80"
    )
    with pytest.raises(ProblemError) as caught:
        Problem.parse(text)
    assert {fault.key for fault in caught.value.faults} == {"serving.batch_size", "space.layers"}


@pytest.mark.parametrize("source", ["no-such.toml", "one-h100-1e25", "."])
def test_sources_that_are_no_problem(source: str) -> None:
    with pytest.raises(ProblemError, match=r"no such file|a folder"):
        Problem.load(source)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ProblemError, match="UTF-8"):
        Problem.load(path)


@pytest.mark.parametrize("name", sorted(library()))
def test_library_problems_round_trip(name: str) -> None:
    problem = Problem.load(name)
    assert problem.name
    assert Problem.parse(problem.to_toml()) == problem


@pytest.mark.parametrize("seed", range(25))
def test_random_problems_round_trip(seed: int) -> None:
    problem = valid_problem(seed)
    again = Problem.parse(problem.to_toml())
    assert again == problem
    assert again.to_toml() == problem.to_toml()
    assert again.count_designs() == problem.count_designs()


def test_settings_replace_values_whole() -> None:
    problem = Problem.parse(GOOD)
    changed = problem.with_settings({"budgets.training_flops": "2e21", "space.layers": [8, 12]})
    assert changed.budgets.training_flops is not None
    assert changed.budgets.training_flops.max == 2 * 10**21
    assert changed.space.layers.numbers == (8, 12)
    assert problem.space.layers.numbers[-1] == 16
    deeper = changed.with_settings({"budgets.training_flops.min": 1e21})
    assert deeper.budgets.training_flops is not None
    assert (deeper.budgets.training_flops.min, deeper.budgets.training_flops.max) == (
        10**21,
        2 * 10**21,
    )
    with pytest.raises(ProblemError, match=r"budgets\.training_flop"):
        problem.with_settings({"budgets.training_flop": 1})


def test_scenarios_are_checked_and_overlaid() -> None:
    text = (
        GOOD + "\n[scenarios.long]\nserving.context_length = 131072\nbudgets.kv_cache = '4 GiB'\n"
    )
    scenario = Problem.parse(text).scenario("long")
    assert scenario.context_length == 131072
    assert scenario.budgets.kv_cache is not None and scenario.budgets.kv_cache.max == 4 * 2**30
    with pytest.raises(ProblemError, match="no scenario"):
        Problem.parse(text).scenario("short")


def test_scenarios_change_single_keys_of_tables_in_the_space() -> None:
    experts = "\n[space.experts]\nrouted = [0, 8]\nactive = 2\ngranularity = 2\n"
    text = GOOD + "\n[scenarios.dense.space.experts]\nrouted = 0\n" + experts
    problem = Problem.parse(text)
    scenario = problem.scenario("dense")
    assert scenario.space.experts is not None and problem.space.experts is not None
    assert scenario.space.experts.active == problem.space.experts.active
    assert list(scenario.space.experts.routed.numbers) == [0]
    tables = [
        k for k, f in type(problem.space).model_fields.items() if "Space" in str(f.annotation)
    ]
    assert tables == list(SPACE_TABLES)


def test_numbers_are_exact() -> None:
    problem = Problem.parse(GOOD.replace("1e21", "1e24"))
    assert problem.budgets.training_flops is not None
    assert problem.budgets.training_flops.max == 10**24
    assert isinstance(problem.budgets.training_flops.max, int)


def test_problems_are_frozen() -> None:
    problem = Problem.parse(GOOD)
    with pytest.raises(ValueError, match="frozen"):
        problem.name = "other"  # type: ignore[misc]


def test_stated_defaults() -> None:
    problem = Problem.parse(
        "[space]\nlayers = 2\nd_model = 1024\nvocab_size = 1000\n[budgets]\ntraining_flops = 1e18\n"
    )
    ((_, table),) = problem.options()
    assert [*zip(*(table[n].tolist() for n in ("heads", "kv_heads", "head_dim")), strict=True)] == [
        (8, 1, 128),
        (8, 2, 128),
        (8, 8, 128),
    ]
    assert table["d_ff"][0] == 2816  # 8/3 x 1024 = 2730.7, to a multiple of 256
    assert table.structure == Structure("llama")
    assert not table["tied_embeddings"][0]
    assert problem.objective.quantity == "loss"
    assert problem.law.name == "besiroglu-2024"
    assert problem.shape.name == "gemstones-2025"
    assert problem.context_length == problem.training.sequence_length == 4096
