"""What an editor completes, by jedi: without running the code, and in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelsizer as ms
from tests.support.shared import ROOT

jedi = pytest.importorskip("jedi")

HEAD = "from modelsizer import Problem, front, rank, solve\np = Problem.load('x')\nr = solve(p)\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> jedi.Project:
    """The packages as a wheel holds them."""
    folder = tmp_path_factory.mktemp("site")
    package = folder / "modelsizer"
    package.mkdir()
    for path in (ROOT / "modelsizer").iterdir():
        (package / path.name).symlink_to(path)
    for name in ("problems", "optimizer", "plots"):
        (package / name).symlink_to(ROOT / name)
    return jedi.Project(Path(folder), sys_path=[str(folder)])


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import modelsizer\nmodelsizer.", {"solve", "Problem", "plots", "front"}),
        (HEAD + "p.", {"edit", "load", "to_dict", "budgets", "serving"}),
        (HEAD + "r.", {"status", "gap", "best", "to_dict", "to_frame", "plot"}),
        (HEAD + "r.best.", {"loss", "tokens", "architecture", "quantity"}),
        (HEAD + "front(p, ['loss']).", {"complete", "points", "to_frame", "plot"}),
        (HEAD + "p.serving.", {"batch_size", "accelerator"}),
        (HEAD + "p.edit(tra", {"training="}),
    ],
)
def test_an_editor_completes_without_running(
    project: jedi.Project, code: str, names: set[str]
) -> None:
    lines = code.split("\n")
    found = jedi.Script(code, project=project).complete(len(lines), len(lines[-1]))
    assert names <= {one.name for one in found}


SCRIPT = """
from modelsizer import Problem, memory, solve
made = Problem(space={"layers": 4, "d_model": 512}, budgets={"training_flops": 1e20})
edited = made.edit(training_flops=2e24, serving={"batch_size": 8}, kv_cache=None)
result = solve(edited)
reveal_type(edited)
reveal_type(result.best.loss)
reveal_type(result.plot())
reveal_type(edited.serving.batch_size)
reveal_type(memory(result))
made.edit(trainin_flops=3)
Problem(nam="x", space={})
made.name = "y"
"""


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_type_checker_reads_the_types(project: jedi.Project, tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nmypy_path = {project.path}\n")
    found, _, _ = api.run(
        ["--config-file", str(tmp_path / "mypy.ini"), "--ignore-missing-imports",
         "--cache-dir", str(tmp_path / "cache"), str(tmp_path / "script.py")]
    )  # fmt: skip
    for kind in ("problem.Problem", '"float"', "figure.Figure", '"int"', "memory.Memory"):
        assert f"{kind.strip(chr(34))}" in found
    assert 'did you mean "training_flops"' in found and 'did you mean "name"' in found
    assert "read-only" in found and found.strip().endswith(
        "Found 3 errors in 1 file (checked 1 source file)"
    )


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("p.edit(ser", {"serving="}),
        ("p.budgets.training_f", {"training_flops"}),
        ("Serving(batch_s", {"batch_size="}),
        ("ms.so", {"solve"}),
    ],
)
def test_a_notebook_completes_values(code: str, names: set[str]) -> None:
    problem = ms.Problem.load("phone-2gb")
    known = {"p": problem, "Serving": type(problem.serving), "ms": ms}
    found = jedi.Interpreter(code, [known]).complete()
    assert names <= {one.name for one in found}
