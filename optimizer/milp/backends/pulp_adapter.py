"""Adapter for PuLP 3 and 4.

PuLP 3.3 bundles CBC as ``PULP_CBC_CMD``, creates variables with ``LpVariable`` and returns no
bound. PuLP 4 (from Python 3.12) has CBC, as ``COIN_CMD``, only with its extra ``pulp[cbc]`` of
about 550 MB; it creates variables with ``problem.add_variable`` and returns ``LpSolveStats``.
Without CBC, HiGHS is used instead, with a note in the answer. In both versions, CBC's log omits the
objective's constant and rounds its bound to a few digits, and the status "Optimal" may only mean
"stopped with a solution" (PuLP 3 reports it for runs stopped by a limit). So programs have no
constant, and bounds are read from the engine itself.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from modelsizer.optimizer.milp.backends.quiet import silenced
from modelsizer.optimizer.milp.program import Backend, Outcome, Program
from modelsizer.optimizer.tables.clock import Limits
from modelsizer.problems.errors import ArgumentError, short

_CBC_NAMES = ("PULP_CBC_CMD", "COIN_CMD")
_HIGHS = "HiGHS"
_NO_CBC = "PuLP has no CBC here, so it drove HiGHS instead; for CBC: pip install 'modelsizer[cbc]'"
_CBC_RESULT = re.compile(r"^Result - (.+?)\s*$", re.MULTILINE)
_CBC_RELAXATION = re.compile(r"^Continuous objective value is (\S+)", re.MULTILINE)
_CBC_POSSIBLE = re.compile(r"\(best possible ([^)]+)\)")
_CBC_NODES = re.compile(r"^Enumerated nodes:\s+(\d+)", re.MULTILINE)
_CBC_INFEASIBLE = re.compile(r"[Ii]nfeasible", re.MULTILINE)
_FEASIBLE_POINT = 2  # highspy.SolutionStatus.kSolutionStatusFeasible
_NODE_OPTIONS = {_HIGHS: "mip_max_nodes"} | dict.fromkeys(_CBC_NAMES, "maxNodes")


def _pulp() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pulp
    return pulp


def available() -> list[str]:
    """Return the names of the solvers that PuLP finds on this machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(_pulp().listSolvers(onlyAvailable=True))


def engine(name: str | None = None) -> Backend:
    """Return a back end that uses one of PuLP's solvers.

    Parameters
    ----------
    name : str, optional
        PuLP's name of a solver (``"CBC"``, ``"HiGHS"``, ``"GLPK_CMD"`` ...). By default CBC or, if
        PuLP has no CBC, HiGHS, with a note in each outcome.

    Raises
    ------
    ArgumentError
        If PuLP does not find it on this machine.
    """
    found = available()
    wanted = _CBC_NAMES if name is None or name.upper() == "CBC" else (name,)
    chosen = next((known for known in found if known in wanted), None)
    note = ""
    if chosen is None and name is None and _HIGHS in found:
        chosen, note = _HIGHS, _NO_CBC
    if chosen is None:
        what = "CBC (pip install 'modelsizer[cbc]')" if wanted == _CBC_NAMES else short(name)
        reason = f"PuLP does not find {what} here; it finds: {', '.join(found) or 'none'}"
        raise ArgumentError("solver", reason)

    def solve_program(program: Program, limits: Limits) -> Outcome:
        return replace(_solve(chosen, program, limits), note=note)

    return solve_program


def as_pulp(program: Program) -> tuple[Any, list[Any]]:
    """Convert a program to a PuLP problem; also return its variables in the order of columns."""
    pulp = _pulp()
    problem = pulp.LpProblem("modelsizer", pulp.LpMinimize)
    add = getattr(problem, "add_variable", None) or pulp.LpVariable
    columns = [
        add(
            column,
            float(low),
            None if math.isinf(high) else float(high),
            cat="Integer" if whole else "Continuous",
        )
        for column, low, high, whole in zip(
            program.column_names, program.low, program.high, program.integer, strict=True
        )
    ]
    problem += pulp.lpSum(c * x for c, x in zip(program.cost.tolist(), columns, strict=True))
    rows = program.rows
    for i, row in enumerate(program.row_names):
        begin, end = rows.indptr[i], rows.indptr[i + 1]
        entries = zip(rows.indices[begin:end], rows.data[begin:end].tolist(), strict=True)
        sum_ = pulp.lpSum(value * columns[k] for k, value in entries)
        low, high = float(program.row_low[i]), float(program.row_high[i])
        if low == high:
            problem += sum_ == low, row
            continue
        if math.isfinite(low):
            problem += sum_ >= low, f"{row}_min" if math.isfinite(high) else row
        if math.isfinite(high):
            problem += sum_ <= high, row
    return problem, columns


def write_program(program: Program, file: IO[bytes], ending: str) -> None:
    """Write the program for other tools, as ``.lp`` or ``.mps``.

    Parameters
    ----------
    program : Program
    file : binary file
    ending : str
    """
    problem, _ = as_pulp(program)
    with tempfile.TemporaryDirectory(prefix="modelsizer-") as folder:
        path = Path(folder) / f"program{ending}"
        if ending == ".mps":
            problem.writeMPS(str(path))
        else:
            problem.writeLP(str(path), max_length=250)
        with path.open("rb") as made:
            shutil.copyfileobj(made, file)


def _solve(name: str, program: Program, limits: Limits) -> Outcome:
    pulp = _pulp()
    problem, columns = as_pulp(program)
    with tempfile.TemporaryDirectory(prefix="modelsizer-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log = Path(folder) / "log"
        options: dict[str, Any] = {"msg": False, "gapRel": 0.0, "gapAbs": 0.0}
        if name in _CBC_NAMES:
            options["logPath"] = str(log)
        if limits.seconds is not None:
            options["timeLimit"] = max(limits.seconds, 0.0)
        if limits.nodes is not None and name in _NODE_OPTIONS:
            options[_NODE_OPTIONS[name]] = limits.nodes
        try:
            solver = pulp.getSolver(name, **options)
        except TypeError:  # a solver without gap options
            solver = pulp.getSolver(name, msg=False)
        failure = ""
        try:
            with silenced():
                answer = problem.solve(solver)
        except KeyError as error:
            # PuLP 3.3 does not know HiGHS' status for a node limit; the engine has the results.
            if getattr(problem, "solverModel", None) is None:
                raise
            answer, failure = None, f"unknown status {error}"
        except pulp.PulpSolverError as error:
            return Outcome(None, None, finished=False, words=str(error))
        text = log.read_text(errors="replace") if log.exists() else ""
    x = _values(columns)
    if name == _HIGHS:
        return _of_highs(problem.solverModel, x, failure)
    if name in _CBC_NAMES:
        return _of_cbc(text, program, x)
    return _of_others(problem, answer, program, x)


def _values(columns: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    values = [column.value() for column in columns]
    if any(value is None for value in values):
        return None
    return np.array(values, dtype=float)


def _of_highs(model: Any, x: Any, failure: str) -> Outcome:
    """Read the outcome from HiGHS; only the point is from PuLP, which sorts columns by name."""
    info = model.getInfo()
    words = failure or str(model.modelStatusToString(model.getModelStatus()))
    infeasible = "nfeasible" in words and "nbounded" not in words
    bound = math.inf if infeasible else float(info.mip_dual_bound)
    if bound == -math.inf or math.isnan(bound):
        return Outcome(None, None, finished=False, words=words)
    has_point = int(info.primal_solution_status) == _FEASIBLE_POINT
    finished = infeasible or words == "Optimal"
    nodes = max(int(info.mip_node_count), 0)
    return Outcome(x if has_point else None, bound, finished, words, nodes)


def _rounded_down(digits: str) -> float:
    """Return the smallest number that is printed as these digits."""
    value = float(digits)
    mantissa = digits.lower().split("e")[0].lstrip("+-")
    places = len(mantissa.split(".")[1]) if "." in mantissa else 0
    exponent = int(digits.lower().split("e")[1]) if "e" in digits.lower() else 0
    return value - 10.0 ** (exponent - places)


def _of_cbc(log: str, program: Program, x: Any) -> Outcome:
    result = _CBC_RESULT.search(log)
    nodes = _CBC_NODES.search(log)
    count = int(nodes[1]) if nodes else 0
    if result is None:
        if _CBC_INFEASIBLE.search(log):
            return Outcome(None, math.inf, finished=True, words="Infeasible")
        return Outcome(None, None, finished=False, words="CBC told no result")
    words = result[1]
    if words == "Optimal solution found" and x is not None:
        return Outcome(x, program.objective(x), finished=True, words=words, nodes=count)
    if "nfeasible" in words:
        return Outcome(None, math.inf, finished=True, words=words, nodes=count)
    stopped_with_point = x is not None and "No feasible solution found" not in log
    point = x if stopped_with_point else None
    best = math.inf if point is None else program.objective(point)
    return Outcome(
        point, _bound_of_stopped(log, count, best), finished=False, words=words, nodes=count
    )


def _bound_of_stopped(log: str, nodes: int, best: float) -> float | None:
    """Return the bound that CBC proved before a limit stopped it.

    If stopped before its first node, the CBC of PuLP 4 (2.929, "Devel") prints uninitialised memory
    as "best possible" (1.1e8 for a minimum of -20.25) and its incumbent as "Lower bound". So the
    value of the first linear relaxation is used, and "best possible" only once nodes were
    enumerated and if it lies between that value and the incumbent.
    """
    relaxation = _CBC_RELAXATION.findall(log)
    if not relaxation:
        return None
    bound = _rounded_down(relaxation[-1])
    possible = _CBC_POSSIBLE.findall(log)
    if nodes and possible and bound <= (claim := _rounded_down(possible[-1])) < best:
        return claim
    return bound


def _of_others(problem: Any, answer: Any, program: Program, x: Any) -> Outcome:
    """Read the outcome of any other engine: PuLP 4 has its bound, PuLP 3 only its status."""
    pulp = _pulp()
    stats = answer if hasattr(answer, "has_solution") else None
    status = int(stats.status) if stats is not None else int(problem.status)
    claims = status == 1
    if stats is None:
        claims = claims and problem.sol_status == pulp.constants.LpSolutionOptimal
    if status == -1:
        return Outcome(None, math.inf, finished=True, words="Infeasible")
    bound = getattr(stats, "best_bound", None)
    if bound is None and claims and x is not None:
        bound = program.objective(x)
    return Outcome(x, bound, claims, f"status {status}")
