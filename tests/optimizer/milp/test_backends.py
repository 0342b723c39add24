"""Engines: known programs, limits, infeasibility, and no claim beyond the bound."""

from __future__ import annotations

import math
import random
from pathlib import Path

import highspy
import numpy as np
import pytest
from scipy.sparse import csr_array

from modelsizer import Problem, solve
from modelsizer.optimizer.milp.backends import pulp_adapter
from modelsizer.optimizer.milp.backends.pulp_adapter import (
    _bound_of_stopped,
    _rounded_down,
    write_program,
)
from modelsizer.optimizer.milp.engines import backend
from modelsizer.optimizer.milp.export import program_of
from modelsizer.optimizer.milp.program import Outcome, Program
from modelsizer.optimizer.tables.clock import Limits
from tests.support.fine_menus import ONE_H100

ENGINES = ("scipy", "pulp", "pulp:HiGHS")


def knapsack(items: int, rows: int, seed: int = 3) -> Program:
    """Hard enough that no engine finishes in a node."""
    r = random.Random(seed)
    cost = -np.array([r.randint(50, 99) / 100 for _ in range(items)])
    weights = np.array([[r.randint(20, 99) for _ in range(items)] for _ in range(rows)])
    return Program(
        cost,
        csr_array(weights / (15 * items)),
        np.full(rows, -np.inf),
        np.ones(rows),
        np.zeros(items),
        np.ones(items),
        np.ones(items, dtype=bool),
        tuple(f"x{i}" for i in range(items)),
        tuple(f"r{i}" for i in range(rows)),
    )


def infeasible() -> Program:
    p = knapsack(6, 2)
    return Program(p.cost, p.rows, np.array([5.0, -np.inf]), np.array([np.inf, 1.0]), p.low, p.high,
                   p.integer, p.column_names, p.row_names)  # fmt: skip


@pytest.mark.parametrize("name", ENGINES)
def test_known_optimum_and_bound(name: str) -> None:
    program = knapsack(12, 3)
    points = (np.arange(2**12)[:, None] >> np.arange(12)) & 1
    fits = (program.rows @ points.T <= program.row_high[:, None]).all(axis=0)
    best = (points[fits] @ program.cost).min()
    outcome = backend(name)(program, Limits())
    assert outcome.finished
    assert outcome.x is not None and outcome.bound is not None
    assert program.objective(outcome.x) == pytest.approx(best, abs=1e-9)
    assert outcome.bound == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("name", ENGINES)
def test_infeasible(name: str) -> None:
    outcome = backend(name)(infeasible(), Limits())
    assert outcome.bound == math.inf
    assert outcome.x is None


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("limits", [Limits(nodes=2), Limits(seconds=0.2)])
def test_a_limit_is_not_an_optimum(name: str, limits: Limits) -> None:
    """PuLP's LpStatus says Optimal here for CBC and HiGHS alike; only the bound tells."""
    program = knapsack(90, 25)
    outcome = backend(name)(program, limits)
    assert not outcome.finished
    assert outcome.bound is not None and outcome.bound > -math.inf
    if outcome.x is not None:
        assert outcome.bound < program.objective(outcome.x) - 1e-6
        assert (program.rows @ outcome.x <= program.row_high + 1e-6).all()


@pytest.mark.parametrize("digits,value", [("-1359.93", -1359.94), ("-1359.934", -1359.935),
                                          ("1.5e3", 1400.0), ("12", 11.0)])  # fmt: skip
def test_printed_bounds_are_rounded_down(digits: str, value: float) -> None:
    assert _rounded_down(digits) == pytest.approx(value)


@pytest.mark.parametrize("name", [*ENGINES, "auto", "bound", "exhaustive"])
@pytest.mark.parametrize("limit", [{"time_limit": 0}, {"node_limit": 0}])
def test_a_solve_that_ends_by_a_limit_is_not_optimal(name: str, limit: dict[str, float]) -> None:
    problem = Problem.load("one-h100-1e24", ONE_H100)
    tables = problem.to_dict()
    tables["space"]["vocab_size"] = list(range(128000, 128256, 16))  # many tables for enumeration
    problem = Problem.from_tables(tables)
    result = solve(problem, solver=name, **limit)  # type: ignore[arg-type]
    best = solve(problem, solver="exhaustive")
    assert result.status == "limit"
    assert result.stop in ("time", "nodes")
    assert result.design is not None and result.design.feasible
    assert result.lower_bound is not None and result.lower_bound <= best.best.loss
    assert result.gap is not None and result.gap >= 0


@pytest.mark.parametrize("name", ENGINES)
def test_a_lying_engine_is_not_believed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims of infeasibility, or of a bound above a known design, are ignored and told."""
    truth = solve(Problem.load("one-h100-1e24"), solver="exhaustive")

    def liar(program: Program, limits: Limits) -> Outcome:
        return Outcome(None, math.inf, finished=True, words="infeasible")

    monkeypatch.setattr("modelsizer.optimizer.milp.engines.backend", lambda _: liar)
    result = solve(Problem.load("one-h100-1e24"), solver=name)
    assert result.status == "optimal"
    assert result.best.architecture == truth.best.architecture
    assert any("contradicts" in str(warning) for warning in result.warnings)

    def optimist(program: Program, limits: Limits) -> Outcome:
        return Outcome(None, 1e9, finished=True, words="optimal")

    monkeypatch.setattr("modelsizer.optimizer.milp.engines.backend", lambda _: optimist)
    result = solve(Problem.load("one-h100-1e24"), solver=name)
    assert result.best.architecture == truth.best.architecture


def test_an_engine_that_proves_nothing_leaves_the_proof_to_our_own_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truth = solve(Problem.load("one-h100-1e24"), solver="exhaustive")
    mute = Outcome(None, None, finished=False, words="crashed")
    monkeypatch.setattr(
        "modelsizer.optimizer.milp.engines.backend", lambda _: lambda program, limits: mute
    )
    result = solve(Problem.load("one-h100-1e24"))
    assert result.status == "optimal"
    assert result.best.architecture == truth.best.architecture


@pytest.mark.parametrize("solver", ENGINES)
def test_interruption_gives_what_is_known(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(program: Program, limits: Limits) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setattr("modelsizer.optimizer.milp.engines.backend", lambda _: interrupted)
    result = solve(Problem.load("one-h100-1e24"), solver=solver)
    assert result.status == "limit"
    assert result.stop == "interrupted"
    assert result.design is not None and result.gap is not None


@pytest.mark.parametrize("flops", [1e24, 1e30])
@pytest.mark.parametrize("solver", [*ENGINES, "auto", "bound", "exhaustive"])
def test_raw_flops_are_no_trap(flops: float, solver: str) -> None:
    problem = Problem.load("exercise-1e24").with_settings(
        {"budgets.training_flops": flops, "budgets.tokens": {"min": 1e12, "max": 1e16}}
    )
    result = solve(problem, solver=solver)
    truth = solve(problem, solver="exhaustive")
    assert result.status == "optimal"
    assert result.best.architecture == truth.best.architecture
    assert result.best.training_flops <= flops


@pytest.mark.parametrize("name", ["nonsense", "pulp:NOPE"])
def test_unknown_solvers_are_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"known|finds"):
        solve(Problem.load("one-h100-1e24"), solver=name)


@pytest.mark.parametrize("found", [["HiGHS"], ["GLPK_CMD", "HiGHS"]])
def test_highs_takes_the_place_of_a_missing_cbc(
    found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulp_adapter, "available", lambda: found)
    problem = Problem.load("one-h100-1e24")
    result, known = solve(problem, solver="pulp"), solve(problem, solver="pulp:HiGHS")
    assert result.best.architecture == known.best.architecture
    assert [str(note) for note in result.warnings if note not in known.warnings] == [
        pulp_adapter._NO_CBC
    ]


@pytest.mark.parametrize(("name", "found"), [("pulp:CBC", ["HiGHS"]), ("pulp", ["GLPK_CMD"])])
def test_a_missing_engine_is_an_error_that_says_what_to_install(
    name: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulp_adapter, "available", lambda: found)
    with pytest.raises(ValueError, match=r"modelsizer\[cbc\].*finds: " + found[0]):
        backend(name)


def test_cbc_is_driven_without_a_note_where_it_is_found() -> None:
    if not set(pulp_adapter.available()) & {"PULP_CBC_CMD", "COIN_CMD"}:
        pytest.skip("no CBC here")
    assert backend("pulp")(knapsack(6, 2), Limits()).note == ""


def test_a_gap_asked_for_is_kept() -> None:
    problem = Problem.load("one-h100-1e24")
    best = solve(problem, solver="exhaustive").best.loss
    result = solve(problem, gap=0.01)
    assert result.status == "optimal"
    assert result.gap is not None and result.gap <= 0.01
    assert result.lower_bound is not None and result.lower_bound <= best <= result.best.loss


@pytest.mark.parametrize("ending", ["lp", "mps"])
@pytest.mark.parametrize("name", ["one-h100-1e24", "least-memory-2.15", "phone-2gb"])
def test_the_written_program_has_the_same_optimum(name: str, ending: str, tmp_path: Path) -> None:
    problem = Problem.load(name)
    path = tmp_path / f"model.{ending}"
    with path.open("wb") as file:
        write_program(program_of(problem), file, path.suffix)
    assert optimum_of_file(path) == pytest.approx(solve(problem).objective.value, rel=1e-9)


def test_an_infeasible_program_is_written_and_infeasible(tmp_path: Path) -> None:
    problem = Problem.load("one-h100-1e24").with_settings({"budgets.serving_memory": "1 GB"})
    with (tmp_path / "model.lp").open("wb") as file:
        write_program(program_of(problem), file, ".lp")
    assert optimum_of_file(tmp_path / "model.lp") is None


def optimum_of_file(path: Path) -> float | None:
    """What another tool makes of a written program."""
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.readModel(str(path))
    model.run()
    optimal = model.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(model.getObjectiveValue()) if optimal else None


STOPPED = """Continuous objective value is -20.6235 - 0.001508 seconds
Cbc0005I Partial search - best objective -20.25 (best possible {possible}), took 369 iterations and {nodes} nodes (0.20 seconds)

Result - Stopped on time limit
Objective value:                -20.25
Lower bound:                    -20.25
Enumerated nodes:               {nodes}
"""


@pytest.mark.parametrize(
    ("possible", "nodes", "bound"),
    [
        ("1.1315578e+08", 0, -20.6236),  # garbage, as CBC 2.929 prints it
        ("-20.25", 0, -20.6236),
        ("-20.592169", 12, -20.59217),
        ("-20.25", 12, -20.250001),
        ("-30.0", 12, -20.6236),
    ],
)
def test_what_cbc_prints_when_stopped(possible: str, nodes: int, bound: float) -> None:
    log = STOPPED.format(possible=possible, nodes=nodes)
    found = _bound_of_stopped(log, nodes, -20.25)
    assert found == pytest.approx(bound, abs=0.011 if possible == "-20.25" and nodes else 1e-6)
    assert found is not None and found < -20.25
    assert _bound_of_stopped("", nodes, -20.25) is None


def test_rows_of_requests_at_once_have_names_of_their_own() -> None:
    """A budget on the largest batch is a row for each cost that the batch raises."""
    problem = Problem.load("one-h100-1e24").with_settings(
        {
            "serving.accelerator": "H100-SXM",
            "budgets.concurrency": {"min": 4},
            "budgets.decode_latency": "60 ms",
        }
    )
    names = program_of(problem).row_names
    assert len(set(names)) == len(names)
    assert {"budgets_concurrency_serving_memory_max"} < set(names)
