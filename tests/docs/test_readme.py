"""README and docs show only what the code prints."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import modelsizer
from modelsizer import Problem
from modelsizer.cli import app
from modelsizer.problems.quantities.rows import QUANTITIES
from tests.support.shared import ROOT

README = (ROOT / "README.md").read_text()
COSTS = (ROOT / "docs/explanation/costs.md").read_text()
PROBLEM_FILE = (ROOT / "docs/reference/problem-file.md").read_text()
FILES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = "".join(page.read_text() for page in FILES)


def folder_of(page: str) -> Path:
    """Where the commands of a page run: it says so, or at the top."""
    named = re.search(r"<!-- outputs run in: (.+) -->", page)
    return ROOT / named[1] if named else ROOT


LONG = (
    "modelsizer fit docs/runs.csv --law docs/form.toml",
    "modelsizer plan-runs exercise-1e24 --budget 1e21 --runs 36 --law docs/mylaw.toml",
    "modelsizer machines docs/machines/context-128k.toml",
    "modelsizer prices cluster.toml",
    "modelsizer explain cluster.toml",
)
"""Commands of seconds, which other pages show in default tests at less."""
SHOWN = [
    pytest.param(
        *(command, text, folder_of(page)),
        id=command,
        marks=[pytest.mark.slow] if command.startswith(LONG) else [],
    )
    for page in (file.read_text() for file in FILES)
    for command, text in re.findall(r"<!-- output: (.+?) -->\n```\n(.*?)\n```", page, re.DOTALL)
]

PYTHON = re.findall(r"<!-- prints -->\n```python\n(.*?)```\n\n```\n(.*?)```", PAGES, re.DOTALL)
"""Programs that are shown, and what they print."""


def without_time(text: str) -> str:
    """The text without seconds, the width that they take, and starts that ended within a hair."""
    text = re.sub(r"\d+ (of \d+ starts reached)", r"\1", text)
    text = re.sub(r"(solved in|complete,) [\d.]+ s", r"\1", text)
    return re.sub(
        r" +(optimal, \w+), [\d.]+ s|; [\d.]+ s\.?$|, [\d.]+ s, (?=\w+\))", r" \1", text, flags=re.M
    )


@pytest.mark.parametrize(("command", "text", "folder"), SHOWN)
def test_shown_output_is_printed(
    command: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    answer = CliRunner().invoke(app, shlex.split(command)[1:], env={"COLUMNS": "80"})
    assert answer.exit_code == 0, answer.output
    printed = "\n".join(line.rstrip() for line in answer.stdout.splitlines())
    assert without_time(printed) == without_time(text)


def test_files_shown_are_as_they_are() -> None:
    shown = re.findall(r"<!-- file: (.+?) -->\n```toml\n(.*?)```", PAGES, re.DOTALL)
    assert shown
    for name, text in shown:
        assert text == (ROOT / name).read_text(), name


def test_init_writes_the_file_of_the_tutorial(tmp_path: Path) -> None:
    tutorial = (ROOT / "docs/tutorial.md").read_text()
    (command,) = re.findall(r"^    modelsizer (init .*\\\n.*)$", tutorial, re.MULTILINE)
    path = tmp_path / "cluster.toml"
    arguments = shlex.split(command.replace("\\\n", " ").replace("cluster.toml", str(path), 1))
    answer = CliRunner().invoke(app, arguments)
    assert answer.exit_code == 0, answer.output
    written = path.read_text().replace(str(path), path.name).splitlines()
    shown = (ROOT / "docs/cluster.toml").read_text().splitlines()
    assert written[0].startswith("#:schema ")
    assert [" ".join(w.split()) for w in written[1:]] == [" ".join(s.split()) for s in shown]


def test_the_problem_file_is_one() -> None:
    text = re.findall(r"```toml\n(.*?)```", PROBLEM_FILE, re.DOTALL)[0]
    assert Problem.parse(text) == Problem.from_tables(tomllib.loads(text))


@pytest.mark.parametrize(("code", "text"), PYTHON, ids=[str(n) for n in range(len(PYTHON))])
def test_python_shown_prints_what_is_shown(
    code: str, text: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if "register_" in code:  # which lasts as long as the process
        answer = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == text
        return
    monkeypatch.chdir(ROOT)
    exec(compile(code, "shown", "exec"), {"__name__": "__main__"})
    assert capfd.readouterr().out == text


def test_every_function_is_shown() -> None:
    assert "```python\n" in README and len(PYTHON) > 3
    guide = (ROOT / "docs/how-to/python.md").read_text()
    functions = [n for n in modelsizer.__all__ if inspect.isfunction(getattr(modelsizer, n))]
    told = {n for n in functions if not n.startswith(("register_", "check_"))}
    assert told <= set(re.findall(r"`(\w+)`", guide))


def test_every_command_shown_exists() -> None:
    """With its options, in blocks of commands and in the lines of options below one."""
    group: Any = typer.main.get_command(app)
    wrong, seen = [], set()
    for block in re.findall(r"^    modelsizer .*(?:\n        .*)*", PAGES, re.MULTILINE):
        line = re.sub(r" +#.*", "", block).replace("\\\n", " ")
        name = line.split()[1]
        if name.startswith("-"):
            continue
        command = group.get_command(None, name)
        known = {text for each in command.params for text in each.opts} if command else set()
        seen.add(name)
        wrong += [line] if not known or set(re.findall(r" (--[a-z-]+)", line)) - known else []
    assert wrong == []
    assert len(seen) > 20


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 200
    assert len(re.findall("<!-- output:", README)) == 1


def test_budgets_are_listed_as_the_rows_have_them() -> None:
    ends = {None: "`max`, `min`", "max": "`max`", "min": "`min`"}
    rows = QUANTITIES.values()
    lines = [f"| `{r.name}` | {r.dimension} | {ends[r.only]} | {r.about} |" for r in rows]
    assert "|---|---|---|---|\n" + "\n".join(lines) + "\n\n" in COSTS


def test_the_budget_of_the_guide_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", COSTS, re.DOTALL)
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "True\n"


def test_the_guide_to_own_laws_shows_its_file_and_runs() -> None:
    guide = (ROOT / "docs/how-to/own-laws.md").read_text()
    (text,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert text == (ROOT / "docs/own-law.toml").read_text()
    code = "".join(re.findall(r"```python\n(.*?)```", guide, re.DOTALL))
    code += "register_law(Logs())\n"
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "4\n"


def test_paths_that_the_pages_name_exist() -> None:
    named = set(
        re.findall(r"`((?:problems|optimizer|plots|tests|benchmarks|docs)/[\w./-]+)`", PAGES)
    )
    assert len(named) > 10
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
