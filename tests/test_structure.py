"""Import order, start-up time, and consistency checks of results."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.optimizer.result import NoDesignError, Objective

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("problems", "optimizer", "plots", "modelsizer")
SOLVERS = ("pulp", "scipy.optimize", "highspy", "matplotlib", "pandas")
BACK_END_NEEDS = (
    "modelsizer.optimizer.milp.backends",
    "modelsizer.optimizer.milp.program",
    "modelsizer.optimizer.tables.clock",
    "modelsizer.problems.errors",
)


PROBLEMS = (
    "version", "visible", "brief", "shown", "records", "library", "machine", "interrupts",
    "errors", "files", "table_files", "text_files", "plain_values", "key_values", "registry", "columns", "units", "by_byte", "value_forms", "offered", "typed_keys", "typed_tables", "near_files", "reading",
    "architecture", "hardware", "laws", "tables", "space", "costs", "quantities",
    "requirements", "magnitudes", "checks", "given", "statement", "edits", "keyword_types", "problem", "docstrings", "schema", "provenance", "narrowing", "designs", "summary",
)  # fmt: skip
OPTIMIZER = (
    "tables", "bounds", "search", "milp",
    "warning", "result", "cases", "constraints", "evidence", "menu_advice", "advice", "budgets", "small_devices", "infeasible", "solver", "verification", "answers", "beside", "audit_block", "audit_space", "audit", "one_design",
    "fronts", "surveys", "sweeps", "frontiers", "prices", "explain", "fitting", "planning", "laws",
)  # fmt: skip
PLOTS = ("drawing", "designs", "fronts", "laws", "limits", "measurements")
FRONT_DOOR = (
    "first_file", "text", "views", "pictures", "live", "page", "notebook", "fitted_laws", "commands", "cli", "__main__",
)  # fmt: skip
ROOMS = dict(zip(ORDER, (PROBLEMS, OPTIMIZER, PLOTS, FRONT_DOOR), strict=True))
"""Modules and sub-packages of each package; each imports from itself and from those before it."""


@cache
def modules() -> dict[str, Path]:
    """Every module by the name that it is imported by."""
    found = {}
    for package in ORDER:
        for path in (ROOT / package).rglob("*.py"):
            parts = list(path.relative_to(ROOT).with_suffix("").parts)
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join(parts if package == "modelsizer" else ["modelsizer", *parts])] = path
    return found


def statements(within: ast.AST) -> Iterator[ast.AST]:
    """Every statement within one, and none of the many expressions, which import nothing."""
    for block in ("body", "handlers", "orelse", "finalbody", "cases"):
        found = getattr(within, block, [])
        if isinstance(found, list):  # the body of a lambda is an expression
            for node in found:
                yield node
                yield from statements(node)


@cache
def imports(path: Path) -> set[str]:
    """What a file imports, wherever in it: under TYPE_CHECKING and in functions too."""
    found = set()
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: write whole names"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tops(path: Path) -> set[str]:
    """Libraries that a file imports."""
    return {name.split(".")[0] for name in imports(path)}


@cache
def graph() -> dict[str, set[str]]:
    """The modules of ours that each module imports."""
    ours = modules()
    return {
        name: {found if found in ours else found.rpartition(".")[0] for found in imports(path)}
        & ours.keys() - {name}
        for name, path in ours.items()
    }


def test_no_imports_go_in_circles() -> None:
    assert sum(map(len, graph().values())) > len(graph()) > 200
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def place(module: str) -> tuple[str, str]:
    """Package and room of a module; the room is empty for a package itself."""
    parts = module.split(".")[1:]
    package = parts.pop(0) if parts and parts[0] in ORDER else "modelsizer"
    return package, parts[0] if parts else ""


@pytest.mark.parametrize("package", ORDER)
def test_packages_import_one_way(package: str) -> None:
    below = ORDER[: ORDER.index(package) + 1]
    for name, found in graph().items():
        if place(name)[0] == package:
            above = {other for other in found if place(other)[0] not in below}
            assert not above, name


@pytest.mark.parametrize("package", ORDER)
def test_rooms_of_a_package_import_one_way(package: str) -> None:
    rooms = ROOMS[package]
    here = {place(name)[1] for name in modules() if place(name)[0] == package} - {""}
    assert here == set(rooms), "declare each module and sub-package, in the order of imports"
    for name, found in graph().items():
        home, room = place(name)
        if home == package and room:
            below = ("", *rooms[: rooms.index(room) + 1])
            above = {n for n in found if place(n)[0] == package and place(n)[1] not in below}
            assert not above, name


def test_plots_of_one_kind_know_no_other_kind() -> None:
    for name, found in graph().items():
        package, room = place(name)
        if package == "plots" and room:  # the package itself exports from all of them
            rooms = {place(other)[1] for other in found if place(other)[0] == "plots"}
            assert rooms <= {room, "drawing"}, name


def test_packages_hold_no_code_of_their_own() -> None:
    for name, path in modules().items():
        if path.name == "__init__.py" and name not in ("modelsizer", "modelsizer.plots"):
            (only,) = ast.parse(path.read_text()).body
            assert isinstance(only, ast.Expr), name


@pytest.mark.parametrize("package", ORDER)
def test_there_is_one_import_name(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        assert not tops(path) & {*ORDER[:-1]}, path


def test_no_test_imports_a_test_and_helpers_live_in_support() -> None:
    seen = 0
    for path in (ROOT / "tests").rglob("*.py"):
        home = path.relative_to(ROOT / "tests").parts[0]
        if path.name not in ("__init__.py", "conftest.py"):
            assert (home == "support") != path.name.startswith("test_"), path
        ours = [name for name in imports(path) if name.split(".")[0] == "tests"]
        assert all(name.startswith("tests.support") for name in ours), path
        seen += len(ours)
    assert seen > 100


def test_problems_know_no_solver_and_no_picture() -> None:
    for path in (ROOT / "problems").rglob("*.py"):
        assert not tops(path) & {"pulp", "scipy", "highspy", "matplotlib"}, path


def test_back_ends_know_no_model() -> None:
    for path in (ROOT / "optimizer" / "milp" / "backends").glob("*.py"):
        for name in imports(path):
            if name.startswith("modelsizer."):
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
    assert not loaded & {*SOLVERS, "pydantic", "scipy"}


def test_help_loads_neither_numpy_nor_pydantic() -> None:
    loaded = loaded_by(
        "from typer.testing import CliRunner\nfrom modelsizer.cli import app\n"
        "CliRunner().invoke(app, ['--help'])"
    )
    assert "typer" in loaded
    assert not loaded & {"numpy", "pydantic", *SOLVERS}


def test_bounds_and_enumeration_load_no_solver() -> None:
    loaded = loaded_by(
        "from modelsizer import Problem, solve\n"
        "for solver in ('auto', 'bound', 'exhaustive'):\n"
        "    solve(Problem.load('one-h100-1e24'), solver=solver)"
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


def test_text_reaches_a_terminal_by_the_kit_only() -> None:
    """The kit makes every character visible, and lays out what it prints for any width."""
    for name, path in modules().items():
        if ".text." in name or ".commands." in name:
            printed = "console.print(" in path.read_text()
            assert not printed or ".text.kit." in name, name
