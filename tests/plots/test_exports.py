"""`modelsizer.plots` exports functions, lazily, and says so where matplotlib is missing."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest

import modelsizer.plots.designs.landscape
import modelsizer.plots.fronts.front  # noqa: F401
from modelsizer import plots
from modelsizer.problems.errors import MissingExtraError
from tests.support.shared import ROOT


def test_every_public_name_is_a_function_that_returns_a_figure_and_says_how() -> None:
    assert list(plots.__all__) == sorted(plots.__all__) == dir(plots)
    for name in plots.__all__:
        function = getattr(plots, name)
        assert inspect.isfunction(function), name  # no module of the same name
        assert function.__doc__ and "Parameters\n" in function.__doc__, name
        assert function.__annotations__["return"] == ("None" if name == "save" else "Figure")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = plots.nothing


def test_matplotlib_is_imported_by_drawing_alone() -> None:
    code = (
        "import sys, modelsizer.plots as plots, modelsizer.pictures.registry\n"
        "[getattr(plots, name) for name in plots.__all__]\n"
        "print(any(name.startswith('matplotlib') for name in sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


def test_without_matplotlib_there_is_one_clean_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = r"drawing needs matplotlib: pip install 'modelsizer\[plots\]'"
    with pytest.raises(MissingExtraError, match=said):
        plots.tornado([("x", 1.0, 2.0, "a", "b")], 1.5)
    with pytest.raises(MissingExtraError, match=said):
        plots.rivals([("x", 1.0, True, "")])


def test_figure_functions_import_matplotlib_only_inside_their_canvas() -> None:
    """So that its absence is told by `canvas`, not by a traceback."""
    seen = 0
    for path in (ROOT / "plots").glob("*/*.py"):
        for node in ast.parse(path.read_text()).body:
            own = isinstance(node, ast.FunctionDef) and node.name == path.stem
            if not own or path.parent.name == "drawing":
                continue
            seen += 1
            for line in node.body:
                if isinstance(line, ast.Import | ast.ImportFrom):
                    assert "matplotlib" not in ast.unparse(line), path
    assert seen == len(plots.__all__) - 1  # all but `save`
