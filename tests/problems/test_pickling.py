"""Problems and results go to other processes and back."""

from __future__ import annotations

import copy
import pickle

import pytest

from modelsizer import Problem, laws, rank, solve


@pytest.mark.parametrize("name", ["one-h100-1e24", "h100-cluster-90-days", "served-10t-tokens"])
def test_problems_and_results_are_pickled_and_copied(name: str) -> None:
    problem = Problem.load(name, {"budgets.training_flops": {"min": 1e20, "max": 1e24}})
    again = pickle.loads(pickle.dumps(problem))
    assert again == problem == copy.deepcopy(problem)
    assert again.to_dict() == problem.to_dict()
    result = pickle.loads(pickle.dumps(solve(Problem.load(name))))
    assert result.problem == Problem.load(name)


def test_rankings_and_laws_are_pickled_and_copied() -> None:
    kept = rank(Problem.load("fixed-2t-tokens"), top=2, keep_all=True)
    for again in (pickle.loads(pickle.dumps(kept)), copy.deepcopy(kept)):
        assert again.to_dict() == kept.to_dict()
        assert sum(len(part["loss"]) for part in again.batches(["loss"])) == kept.feasible
    assert pickle.loads(pickle.dumps(laws())).rows == laws().rows
