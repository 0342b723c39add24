"""Values that a menu lists more than once are said."""

from __future__ import annotations

from modelsizer.problems.problem import Problem
from modelsizer.problems.reading import library
from modelsizer.problems.summary import summarize
from modelsizer.problems.tables.repeated import repeated


def test_each_value_listed_more_than_once_is_said() -> None:
    settings = {
        "space.head_dim": [128, 128.0],
        "space.kv_heads": [8, 4, 8, 8],
        "space.tied_embeddings": [True, False],
        "serving.accelerator": ["H100-SXM", "L40S", "H100-SXM"],
    }
    problem = Problem.load("one-h100-1e24", settings)
    found = summarize(problem)
    assert found.repeated == (
        "space.head_dim lists 128 twice; it counts once",
        "space.kv_heads lists 8 3 times; it counts once",
        "serving.accelerator lists H100-SXM twice; it counts once",
    )
    assert found.to_dict()["repeated"] == list(found.repeated)
    once = problem.with_settings({"space.head_dim": [128], "space.kv_heads": [4, 8]})
    assert summarize(once).designs == found.designs


def test_no_problem_of_the_library_repeats_a_value() -> None:
    for name in library():
        assert not [*repeated(Problem.load(name).to_dict())], name
