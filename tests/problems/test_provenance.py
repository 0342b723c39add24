"""What answers hold to be recognised by: the same problem, and hashes that follow what changes."""

import json

import pytest

from modelsizer import Problem
from modelsizer.problems import provenance
from modelsizer.problems.provenance import catalogues, sources
from modelsizer.problems.reading import library
from tests.support.random_problems import valid_problem


@pytest.mark.parametrize("name", library())
def test_the_tables_are_the_same_problem(name: str) -> None:
    problem = Problem.load(name)
    written = json.loads(json.dumps(sources(problem), allow_nan=False))
    again = Problem.from_tables(written["problem"])
    assert again == problem
    assert sources(again) == written


@pytest.mark.parametrize("seed", range(30))
def test_the_tables_of_random_problems_too(seed: int) -> None:
    problem = valid_problem(seed)
    written = json.loads(json.dumps(sources(problem)))
    assert Problem.from_tables(written["problem"]) == problem


def test_a_changed_table_changes_its_hash_alone() -> None:
    first = sources(Problem.load("one-h100-1e24"))["provenance"]
    other = sources(Problem.load("one-h100-1e24", {"budgets.kv_cache": "8 GiB"}))["provenance"]
    differ = [name for name in first["problem"] if first["problem"][name] != other["problem"][name]]
    assert differ == ["budgets"]
    assert {k: v for k, v in first.items() if k != "problem"} == {
        k: v for k, v in other.items() if k != "problem"
    }


def test_another_law_has_another_hash() -> None:
    hashes = {
        sources(Problem.load("phone-2gb", settings))["provenance"]["law"]
        for settings in (
            {},
            {"objective.law": "hoffmann-2022"},
            {"objective.shape": "none"},
            {"training.unique_tokens": 1e12, "objective.law": "muennighoff-2023"},
            {"training.unique_tokens": 2e12, "objective.law": "muennighoff-2023"},
        )
    }
    assert len(hashes) == 5


def test_every_data_file_of_figures_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = catalogues()
    assert set(before) == {
        "ablations", "laws", "models", "accelerators", "efficiencies", "training_efficiencies",
        "blocks",
    }  # fmt: skip
    assert len(set(before.values())) == len(before)
    assert all(len(value) == 64 for value in before.values())
    monkeypatch.setattr(provenance, "BLOCKS", {"llama": "another"})
    after = catalogues()
    assert [name for name in before if before[name] != after[name]] == ["blocks"]
