"""The Python API: every command is a function over values, and answers as the command does."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import modelsizer as ms
from modelsizer.cli import COMMANDS, app
from modelsizer.optimizer.advice import loss_advice
from modelsizer.optimizer.frontiers.exponents import exponents
from modelsizer.optimizer.result import design_dict
from modelsizer.page.sliders import NONE
from modelsizer.text.command_line import CommandLine
from modelsizer.text.explain import explanation_dict
from modelsizer.text.frontier import frontier_dict
from tests.support.shared import ROOT

TIGHT = ("phone-2gb", {"budgets.serving_memory": "100 MB"})
MYLAW = f"file:{ROOT / 'docs/mylaw.toml'}"
RUNS = ROOT / "docs/runs.csv"
H100_L40S = {"serving.accelerator": ["H100-SXM", "L40S"]}
PROVEN = {"source": "llama-3-8b", "complete": True, "stop": "proven"}
CATALOGUES = {"accelerators": "accelerators", "models": "models", "laws": "laws",
              "library": "problems"}  # fmt: skip


@cache
def solved(name: str = "fixed-2t-tokens") -> ms.Result:
    return ms.solve(ms.Problem.load(name))


def _evaluated() -> dict[str, Any]:
    problem = ms.Problem.load("one-h100-1e24")
    design = ms.evaluate(problem, ms.load_architecture("llama-3-8b"))
    more = {
        "warnings": [str(w) for w in loss_advice(problem, design)],
        "violated": list(design.violated),
    }
    return design_dict(problem, design) | more


def _frontier() -> dict[str, Any]:
    found = ms.frontier(ms.Problem.load("phone-2gb"), "budgets.training_flops", [1e21, 1e22])
    return frontier_dict(found, exponents(found))


def _whatif() -> Any:
    return ms.whatif(ms.Problem.load("phone-2gb"), {"tied": {"space.tied_embeddings": True}})


def _with_law() -> ms.Problem:
    return ms.Problem.load("phone-2gb", {"objective.law": MYLAW})


CASES: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "solve": (solved, ("solve", "fixed-2t-tokens", "--quick")),
    "near_ties": (lambda: ms.near_ties(solved()), ("solve", "fixed-2t-tokens")),
    "machines": (
        lambda: ms.machines(ms.solve(ms.Problem.load("million-dollars"))),
        ("machines", "million-dollars"),
    ),
    "rank": (
        lambda: ms.rank(ms.Problem.load("fixed-2t-tokens"), top=3),
        ("rank", "fixed-2t-tokens", "--top", "3"),
    ),
    "front": (
        lambda: ms.front(ms.Problem.load("phone-2gb"), ["loss", "layers"]),
        ("pareto", "phone-2gb", "--objectives", "loss,layers"),
    ),
    "frontier": (
        _frontier,
        ("frontier", "phone-2gb", "--from", "1e21", "--to", "1e22", "--points", "2"),
    ),
    "verify": (lambda: ms.verify(solved()), ("solve", "fixed-2t-tokens", "--verify")),
    "evaluate": (_evaluated, ("describe", "llama-3-8b", "--problem", "one-h100-1e24")),
    "explain": (
        lambda: explanation_dict(ms.explain(ms.Problem.load(*TIGHT))),
        ("explain", "phone-2gb", "--set", "budgets.serving_memory=100 MB"),
    ),
    "prices": (
        lambda: ms.prices(ms.Problem.load("phone-2gb"), budgets=["serving_memory"]),
        ("prices", "phone-2gb", "--budget", "serving_memory"),
    ),
    "whatif": (
        _whatif,
        ("whatif", "phone-2gb", "--scenario", "tied: space.tied_embeddings=true"),
    ),
    "best": (lambda: ms.best(solved(), 3), ("solve", "fixed-2t-tokens", "--best", "3", "--quick")),
    "compare_laws": (
        lambda: ms.compare_laws(
            ms.Problem.load("fixed-2t-tokens"), ["besiroglu-2024", "hoffmann-2022"]
        ),
        ("compare-laws", "fixed-2t-tokens", "--laws", "besiroglu-2024,hoffmann-2022"),
    ),
    "corners": (
        lambda: ms.corners(ms.Problem.load("fixed-2t-tokens")),
        ("solve", "fixed-2t-tokens", "--corners", "--quick"),
    ),
    "fit": (
        lambda: ms.fit(RUNS, bootstrap=0, compare=False),
        ("fit", str(RUNS), "--bootstrap", "0", "--no-compare"),
    ),
    "uncertainty": (
        lambda: ms.uncertainty(_with_law(), 20),
        ("uncertainty", "phone-2gb", "--law", MYLAW, "--draws", "20"),
    ),
    "plan_runs": (
        lambda: ms.plan_runs(ms.Problem.load("one-h100-1e24"), 1e21, 12),
        ("plan-runs", "one-h100-1e24", "--budget", "1e21", "--runs", "12"),
    ),
    "describe": (
        lambda: ms.describe(ms.load_architecture("gpt-oss-20b")),
        ("describe", "gpt-oss-20b"),
    ),
    "audit": (
        lambda: ms.audit(ms.load_architecture("llama-3-8b"), 15e12),
        ("audit", "llama-3-8b", "--tokens", "15T"),
    ),
    "memory": (
        lambda: ms.memory(solved("million-dollars"), devices=["H100-SXM", "L4"]),
        ("memory", "million-dollars", "--devices", "H100-SXM,L4"),
    ),
    "users": (
        lambda: ms.users(ms.load_architecture("llama-3-8b"), [4096], each=H100_L40S),
        ("users", "llama-3-8b", "--context", "4096", "--each", "serving.accelerator=H100-SXM,L40S"),
    ),
    "roofline": (
        lambda: ms.roofline(solved("million-dollars")),
        ("roofline", "million-dollars"),
    ),
    "layers": (lambda: ms.layers(solved()), ("layers", "fixed-2t-tokens")),
    "depth_width": (
        lambda: ms.depth_width(ms.Problem.load("phone-2gb")),
        ("depth-width", "phone-2gb"),
    ),
    "allocate": (
        lambda: PROVEN | ms.allocate(ms.load_architecture("llama-3-8b")).to_dict(),
        ("allocate", "llama-3-8b"),
    ),
    "sweep": (
        lambda: ms.sweep(
            ms.Problem.load("phone-2gb"), {"budgets.serving_memory": ["1 GB", "2 GB"]}
        ),
        ("sweep", "phone-2gb", "--set", "budgets.serving_memory=1 GB,2 GB"),
    ),
}
"""A call, and the command that gives the same."""
TEXTS = ("export", "report")
"""Functions that return text."""
FUNCTIONS = (*CASES, *TEXTS)
SECTIONS = ("Parameters", "Returns", "Raises", "Examples")
RAISE_NOTHING = ("evaluate",)
OF_SOLVE = {"verify": "verification", "evaluate": "design", "near_ties": "near_ties"}
"""Functions whose answer is one part of that of a command."""


def json_of(*arguments: str) -> dict[str, Any]:
    answer = CliRunner().invoke(app, [*arguments, "--json", "-"])
    assert answer.exit_code in (0, 1), answer.output
    return json.loads(answer.stdout)


def timeless(value: Any) -> Any:
    """The value without the seconds that a clock gave."""
    if isinstance(value, dict):
        return {k: None if k == "seconds" else timeless(v) for k, v in value.items()}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """As JSON carries it."""
    return json.loads(json.dumps(value if isinstance(value, dict) else value.to_dict()))


@pytest.mark.parametrize("name", CASES)
def test_a_function_answers_as_its_command(name: str) -> None:
    call, command = CASES[name]
    mine, theirs = plain(call()), json_of(*command)
    if name in OF_SOLVE:
        theirs = theirs[OF_SOLVE[name]]
    if name in ("best", "corners"):
        mine = plain(solved()) | mine
    assert timeless(mine) == timeless(theirs)
    assert mine.keys() == theirs.keys() and list(mine) == list(theirs)


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_catalogue_has_the_rows_of_its_command(name: str) -> None:
    found = getattr(ms, name)()
    assert found.to_dict() == json_of(CATALOGUES[name])
    assert len(found) == len(list(found)) == len(found.to_frame())
    assert all(one in found and found[one] for one in list(found)[:3])
    with pytest.raises(ms.ArgumentError, match=r"name: .*x-y-z"):
        found["x-y-z"]


def test_text_is_the_text_of_the_command() -> None:
    told = CliRunner().invoke(app, ["export", "llama-3-8b", "--to", "megatron"])
    assert ms.export(ms.load_architecture("llama-3-8b"), "megatron") == told.stdout


@pytest.mark.slow
def test_a_page_is_the_page_of_the_command() -> None:
    page = CliRunner().invoke(app, ["report", "fixed-2t-tokens", "-o", "-"])
    assert ms.report(solved(), CommandLine("fixed-2t-tokens")) == page.stdout


def test_a_page_without_a_design_is_that_of_the_command() -> None:
    none = {"budgets.serving_memory": "1 MB"}
    page = CliRunner().invoke(
        app,
        [
            "report",
            "fixed-2t-tokens",
            "--set",
            "budgets.serving_memory=1 MB",
            "--no-sliders",
            "-o",
            "-",
        ],
    )
    asked = CommandLine("fixed-2t-tokens", ("budgets.serving_memory=1 MB",))
    result = ms.solve(ms.Problem.load("fixed-2t-tokens", none))
    assert ms.report(result, asked, sliders=False) == page.stdout


def test_an_infeasible_problem_has_no_plan_and_no_winner() -> None:
    assert ms.plan_runs(ms.Problem.load(*TIGHT), 1e21) is None
    none = ms.uncertainty(ms.Problem.load(TIGHT[0], TIGHT[1] | {"objective.law": MYLAW}), 20)
    assert none.found is None
    proven = {"complete": True, "stop": "proven"}
    assert none.to_dict() == {"status": "infeasible", "draws": 20} | proven


def test_options_that_have_no_such_value_are_named_for_both_doors() -> None:
    with pytest.raises(ms.ArgumentError, match=r"^hold_out: 2 is not a share") as caught:
        ms.fit(RUNS, hold_out=2)
    assert isinstance(caught.value, ValueError)
    told = CliRunner().invoke(app, ["fit", str(RUNS), "--hold-out", "2"])
    assert told.stderr.startswith("error: --hold-out: 2.0 is not a share")


def test_a_fitted_law_is_saved_and_used(tmp_path: Path) -> None:
    found = ms.fit(RUNS, bootstrap=20)
    ms.save_law(found, tmp_path / "mine.toml")
    problem = ms.Problem.load("phone-2gb", {"objective.law": f"file:{tmp_path / 'mine.toml'}"})
    assert problem.law.name == "mine"
    assert ms.uncertainty(problem, 20).draws == 20


def test_a_solver_answers_again_and_again() -> None:
    solver = ms.Solver(ms.Problem.load("fixed-2t-tokens"))
    first, changed, again = solver.solve(), solver.solve({"space.kv_heads": 8}), solver.solve()
    assert timeless(plain(first)) == timeless(plain(again)) == timeless(plain(solved()))
    alone = ms.solve(ms.Problem.load("fixed-2t-tokens", {"space.kv_heads": 8}))
    keys = ("objective", "architecture", "tokens", "status", "gap")
    assert [plain(changed)[k] for k in keys] == [plain(alone)[k] for k in keys]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_frozen(name: str) -> None:
    if name in TEXTS:
        return
    returned = inspect.signature(getattr(ms, name)).return_annotation
    kind = returned.partition(" | ")[0]
    module = sys.modules[getattr(ms, name).__module__]
    assert dataclasses.is_dataclass(vars(module)[kind])
    assert vars(module)[kind].__dataclass_params__.frozen


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_documented(name: str) -> None:
    function = getattr(ms, name)
    assert callable(function) and function.__name__ == name
    text = inspect.getdoc(function) or ""
    lines = text.splitlines()
    missing = [s for s in SECTIONS if not re.search(rf"^{s}\n-+$", text, re.MULTILINE)]
    assert missing == (["Raises"] if name in RAISE_NOTHING else [])
    assert lines[0].endswith(".")
    described = text[: text.index("Returns\n")]
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^([\w, ]+, )?{parameter}(, [\w, ]+)? :|^{parameter}$",
                         described.replace("\n    ", "\n\t"), re.MULTILINE), parameter  # fmt: skip


@pytest.mark.parametrize(
    "name", [*FUNCTIONS, *CATALOGUES, "Problem", "Solver", "save_law", "load_architecture"]
)
def test_examples_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if name == "report":  # pictures and sliders take most of the time, and have their own tests
        monkeypatch.setattr("modelsizer.page.report.pictures", lambda *_, **__: iter(()))
        monkeypatch.setattr("modelsizer.page.report.sliders_of", lambda *_: NONE)
    value = getattr(ms, name)
    names = vars(sys.modules[value.__module__])
    found = [t for t in doctest.DocTestFinder().find(value, name, globs=dict(names)) if t.examples]
    assert found or name not in FUNCTIONS
    for test in found:
        assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_command_line_and_no_solver_crosses(name: str) -> None:
    module = Path(inspect.getfile(getattr(ms, name))).read_text()
    signature = str(inspect.signature(getattr(ms, name)))
    assert "typer" not in module and "print(" not in module
    assert not re.search(r"\b(Solver|Model|pulp|highspy)\b", signature)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n.replace("_", "-") in COMMANDS])
def test_defaults_are_those_of_the_command(name: str) -> None:
    command = getattr(importlib.import_module(f"modelsizer.commands.{name}"), name)
    theirs = inspect.signature(command).parameters
    for key, parameter in inspect.signature(getattr(ms, name)).parameters.items():
        asked = theirs.get(key)
        if asked is None or asked.default in (None, inspect.Parameter.empty):
            continue
        if key == "tokens_per_parameter":
            assert tuple(map(float, asked.default.split(","))) == parameter.default
        elif key == "tolerance":  # a text, for percents
            assert float(asked.default) == parameter.default
        elif (name, key) == ("report", "corners"):
            assert not asked.default and parameter.default is None  # what `corners` returned
        else:
            assert asked.default == parameter.default, key


# Names


def test_public_names_are_written_once_for_the_reader_of_types() -> None:
    tree = ast.parse(Path(ms.__file__).with_suffix(".pyi").read_text())
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    typed = {a.asname: node.module for node in imported for a in node.names}
    assert typed.pop("plots") == "modelsizer"
    assert typed == ms._HOMES
    assert set(ms.__all__) == set(typed)


def test_dir_shows_the_public_names_alone() -> None:
    assert dir(ms) == sorted([*ms.__all__, "plots"])
    assert all(hasattr(ms, name) for name in dir(ms))


@pytest.mark.parametrize("name", ms.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ms, name) is getattr(importlib.import_module(ms._HOMES[name]), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sovle'"):
        _ = ms.sovle


def test_no_module_shadows_a_function() -> None:
    modules = {p.stem for p in (ROOT / "modelsizer").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert not modules & set(ms.__all__)
    assert not {"problems", "optimizer", "plots"} & set(ms.__all__)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_lives_in_a_file_of_its_name(command: str) -> None:
    name = command.replace("-", "_")
    path = ROOT / "modelsizer" / "commands" / f"{name}.py"
    tree = ast.parse(path.read_text())
    public = [n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name[0] != "_"]
    assert public == [name]


# Elsewhere


def python(*arguments: str, folder: Path) -> str:
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    answer = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, env=env
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_importing_it_loads_nothing_heavy(tmp_path: Path) -> None:
    code = "import modelsizer, sys; print(*sys.modules)"
    loaded = set(python("-c", code, folder=tmp_path).split())
    assert not loaded & {"numpy", "pydantic", "typer", "rich", "scipy", "modelsizer.problems"}


NEIGHBOURS = ("optimizer", "problems", "plots", "commands", "text", "page", "cli", "report", "solve",
              "fit", "settings", "tables", "costs", "laws", "units", "errors")  # fmt: skip
"""Files that lie beside a user's script."""


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    for name in NEIGHBOURS:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the file of the user')\n")
    (tmp_path / "train.py").write_text(
        "import modelsizer\n"
        "from modelsizer import Problem, plots, report, solve\n"
        "result = solve(Problem.load('fixed-2t-tokens'), solver='exhaustive')\n"
        "print(result.status, callable(report), modelsizer.plots is plots)\n"
    )
    return tmp_path


def test_a_script_beside_files_of_our_names_works(crowded: Path) -> None:
    assert python("train.py", folder=crowded) == "optimal True True\n"


def test_so_does_the_module_as_a_command(crowded: Path) -> None:
    out = python("-m", "modelsizer", "solve", "fixed-2t-tokens", "--json", "-", folder=crowded)
    assert json.loads(out)["status"] == "optimal"


@pytest.mark.parametrize(
    "name",
    ["allocate", "audit", "best", "compare_laws", "corners", "describe", "evaluate", "explain", "export", "front",
     "frontier", "layers", "memory", "plan_runs", "prices", "rank", "report", "roofline", "solve", "sweep", "uncertainty", "users",
     "verify", "whatif", "Solver"],
)  # fmt: skip
def test_a_name_in_place_of_a_value_is_refused_with_the_remedy(name: str) -> None:
    function = getattr(ms, name)
    required = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
    ]
    with pytest.raises(ms.ModelsizerError, match=r"must be of type [\w ]+, not str; \w") as caught:
        function(*["one-h100-1e24"] * len(required))
    assert isinstance(caught.value, TypeError)
