"""The benchmark of fronts asks what it says, and notices where two solvers differ."""

from __future__ import annotations

import pytest

from benchmarks import fronts
from modelsizer.optimizer.surveys.ranking import rank

DESIGNS = {"reference": 53_523, "1e5": 103_172, "2.5e6": 2_556_100, "2.4e6": 2_424_542,
           "small": 1_574, "phone": 4_676, "1e8": 105_058_980}  # fmt: skip


@pytest.mark.parametrize("name", DESIGNS)
def test_a_question_has_the_designs_that_the_page_says(name: str) -> None:
    assert fronts.stated(name).count_designs() == DESIGNS[name]


@pytest.mark.parametrize("name", ["1e5", "small"])
def test_every_design_of_an_open_question_keeps_the_limits(name: str) -> None:
    assert rank(fronts.stated(name), top=1).feasible == DESIGNS[name]


def test_two_solvers_give_one_set() -> None:
    by_looking, by_bounds = (
        fronts.point("phone", fronts.TWO, solver) for solver in ("exhaustive", "bound")
    )
    assert by_looking["points"] > 100
    for key in ("complete", "points", "hypervolume", "values_sha256"):
        assert by_looking[key] == by_bounds[key]


def test_sets_that_differ_end_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"complete": True, "points": 2, "hypervolume": 0.5, "values_sha256": "a",
           "designs": 9, "seconds": 1.0, "cpu_seconds": 1.0, "megabytes": 1.0, "looked_at": 9, "solves": None}  # fmt: skip

    def process(command: list[str]) -> fronts.Run:
        solver = command[-1]
        answer = row | {"solver": solver, "values_sha256": "ab"[solver == "scipy"]}
        return fronts.Run(0.0, 0.0, 0.0, answer)

    monkeypatch.setattr(fronts, "_process", process)
    assert len(fronts.fronts((("small", "a,b", "bound"), ("small", "a,b", "exhaustive")))) == 2
    with pytest.raises(ValueError, match="values_sha256 of scipy is not that of bound"):
        fronts.fronts((("small", "a,b", "bound"), ("small", "a,b", "scipy")))
