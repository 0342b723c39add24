"""Workers: what they return, and when they start."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.optimizer.sweeps.points import PointSolver
from modelsizer.optimizer.sweeps.workers import Spec, results, solve_run
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.errors import ModelsizerError
from tests.support.sweeps import question


def test_a_worker_hands_back_what_it_has_and_keeps_its_solver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelsizer.optimizer.sweeps.workers._LEASE", 0.0)
    made: list[PointSolver] = []
    fresh = Spec.point_solver

    def counted(spec: Spec) -> PointSolver:
        made.append(fresh(spec))
        return made[-1]

    monkeypatch.setattr(Spec, "point_solver", counted)
    spec = Spec.of(question(solver="bound"))
    rows, rest = solve_run(spec, (3, 4, 5))
    assert [row["index"] for row in rows] == [3] and rest == (4, 5)
    assert solve_run(spec, rest)[1] == (5,)
    assert len(made) == 1
    other = Spec(spec.tables, spec.axes, spec.solver, spec.time_limit, "0")
    with pytest.raises(ModelsizerError, match="install the same"):
        solve_run(other, (0,))


def test_processes_begin_once_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.optimizer.sweeps.workers._PATIENCE", 0.0)
    monkeypatch.setattr("modelsizer.optimizer.sweeps.workers._WORTH", 0.0)
    monkeypatch.setattr("modelsizer.optimizer.sweeps.workers.cores", lambda: 2)
    asked: list[tuple[list[int], int]] = []

    def stand_in(spec: Spec, order: list[int], workers: int, clock: Clock) -> Any:
        asked.append((list(order), workers))
        return spec.point_solver().under(clock).rows(order)

    monkeypatch.setattr("modelsizer.optimizer.sweeps.workers._in_processes", stand_in)
    q = question()
    found = [row["index"] for row in results(q, range(16))]
    assert asked == [(q.grid.neighbours(range(16))[1:], 2)]
    assert sorted(found) == list(range(16))
