"""Imports run one way, start-up is light, and results refuse to contradict themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from modelsizer.optimizer.result import NoDesignError, Objective

from modelsizer import Problem, solve

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("problems", "optimizer", "plots", "modelsizer")
SOLVERS = ("pulp", "scipy.optimize", "highspy", "matplotlib", "pandas")
BACK_END_NEEDS = ("optimizer.milp.backends", "optimizer.milp.program", "optimizer.tables.clock")


def imports(path: Path) -> set[str]:
    """Modules that a file imports, wherever in it, `modelsizer.` left off."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: write whole names"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("modelsizer.") for name in found}


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("package", ["problems", "optimizer", "plots"])
def test_imports_run_one_way(package: str) -> None:
    below = {*ORDER[: ORDER.index(package) + 1]}
    for path in (ROOT / package).rglob("*.py"):
        ours = {n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)}
        for node in ours:
            if (node.module or "").split(".")[0] == "modelsizer":
                parts = (node.module or "").split(".")
                assert len(parts) > 1, path
                assert parts[1] in below, path
        assert not tops(path) & {*ORDER} - below, path


@pytest.mark.parametrize("package", ORDER)
def test_there_is_one_import_name(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in ORDER[:-1], path


def test_problems_know_no_solver_and_no_picture() -> None:
    for path in (ROOT / "problems").rglob("*.py"):
        assert not tops(path) & {"pulp", "scipy", "highspy", "matplotlib"}, path


def test_back_ends_know_no_model() -> None:
    for path in (ROOT / "optimizer" / "milp" / "backends").glob("*.py"):
        for name in imports(path):
            if name.startswith(("problems.", "optimizer.", "plots.")):
                assert name.startswith(BACK_END_NEEDS), path


def loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return set(answer.stderr.split())


def test_a_solve_from_the_command_line_loads_only_what_it_needs() -> None:
    loaded = loaded_by(
        "from typer.testing import CliRunner\nfrom modelsizer.cli import app\n"
        "answer = CliRunner().invoke(app, ['solve', 'phone-2gb'])\n"
        "assert answer.exit_code == 0"
    )
    assert "rich.table" in loaded
    assert not loaded & {*SOLVERS, "scipy"}


def test_help_loads_neither_numpy_nor_pydantic() -> None:
    loaded = loaded_by(
        "from typer.testing import CliRunner\nfrom modelsizer.cli import app\n"
        "CliRunner().invoke(app, ['--help'])"
    )
    assert "typer" in loaded
    assert not loaded & {"numpy", "pydantic", *SOLVERS}


@pytest.mark.parametrize("solver", ["auto", "bound", "exhaustive"])
def test_bounds_and_enumeration_load_no_solver(solver: str) -> None:
    loaded = loaded_by(
        "from modelsizer import Problem, solve\n"
        f"solve(Problem.load('one-h100-1e24'), solver={solver!r})"
    )
    assert "numpy" in loaded
    assert not loaded & set(SOLVERS)


RESULT = solve(Problem.load("fixed-2t-tokens"), solver="exhaustive")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"design": None, "objective": Objective("loss", "minimize", None)}, "optimum needs"),
        ({"design": None}, "come together"),
        ({"bound": None}, "optimum needs"),
        ({"stop": "time"}, "optimum needs"),
        ({"bound": 1.0}, "above the tolerance"),
        ({"bound": 3.0}, "wrong side"),
        ({"status": "infeasible"}, "infeasible problem has no design"),
        ({"status": "limit"}, "no limit"),
    ],
)
def test_results_refuse_to_contradict_themselves(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(RESULT, **change)


def test_a_design_that_breaks_a_limit_is_never_a_result() -> None:
    broken = replace(RESULT.best, violated=("budgets.parameters",))
    with pytest.raises(ValueError, match=r"breaks budgets\.parameters"):
        replace(RESULT, design=broken)


def test_asking_for_a_design_that_is_not_there_raises() -> None:
    impossible = Problem.load("fixed-2t-tokens").with_settings({"budgets.parameters": 1e6})
    result = solve(impossible)
    assert result.status == "infeasible"
    with pytest.raises(NoDesignError):
        _ = result.best
