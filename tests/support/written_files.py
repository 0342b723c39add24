"""Every option of every command that writes a file, with a short run that writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer

from modelsizer import Problem, solve
from modelsizer.cli import app
from modelsizer.commands.paths import FILLED, WRITTEN
from modelsizer.optimizer.fitting.forms import CHINCHILLA
from tests.support.drawn_laws import drawn, law_file
from tests.support.fitting_runs import table

PROBLEM = "fixed-2t-tokens"
SHORT: dict[str, tuple[str, ...]] = {
    "solve": (PROBLEM,), "problems": ("phone-2gb",), "check": (PROBLEM,), "rank": (PROBLEM, "--top", "3"),
    "pareto": (PROBLEM, "--objectives", "parameters,loss"),
    "frontier": (PROBLEM, "--over", "budgets.serving_memory", "--points", "2", "--no-band",
                 "--from", "40 GB", "--to", "80 GB"),
    "depth-width": (PROBLEM,), "whatif": (PROBLEM, "--scenario", "more: training.tokens=3e12"),
    "explain": (PROBLEM,), "prices": ("phone-2gb",),
    "sweep": ("phone-2gb", "--set", "budgets.serving_memory=1 GB,2 GB", "--jobs", "1"),
    "report": (PROBLEM,), "allocate": ("llama-3.1-8b",), "layers": ("llama-3.1-8b",),
    "memory": (PROBLEM,), "machines": ("million-dollars",),
    "users": ("llama-3.1-8b", "--context", "8192", "--set", "serving.accelerator=H100-SXM"),
    "roofline": ("one-h100-1e24", "--set", "serving.accelerator=H100-SXM"),
    "describe": ("llama-3.1-8b", "--view", "allocation"), "audit": ("llama-3.1-8b",),
    "export": ("llama-3.1-8b",), "models": (), "laws": ("besiroglu-2024",),
    "compare-laws": ("one-h100-1e24", "--laws", "besiroglu-2024,hoffmann-2022", "--points", "2"),
    "fit": ("{folder}/runs.csv", "--bootstrap", "0"),
    "plan-runs": (PROBLEM, "--budget", "1e20", "--runs", "6"),
    "uncertainty": (PROBLEM, "--law", "{folder}/drawn.toml", "--draws", "3"),
    "verify": ("{folder}/solved.json", "--quick"), "accelerators": (),
    "gallery": ("--only", "allocation"), "schema": (), "init": ("--model", "small", "--force"),
}  # fmt: skip
"""Arguments by command."""
_VALUES = {
    "--json": "answer.json", "--csv": "table.csv", "--parquet": "table.parquet",
    "--plot": "picture.png", "--write": "program.lp", "--export": "config.json",
    "--export-dir": "configs", "FOLDER": "pictures", "PATH": "problem.toml",
}  # fmt: skip
_OUTPUTS = {"report": "page.html", "fit": "law.toml", "sweep": "points.jsonl", "export": "c.json"}


@dataclass(frozen=True, slots=True)
class Written:
    """An option that writes.

    Parameters
    ----------
    command, option : str
    name : str
        Of the file or folder, with an ending that the option takes.
    """

    command: str
    option: str
    name: str

    def arguments(self, path: Path | str) -> list[str]:
        """The option with a path."""
        before = "hf:" if self.option == "--export" else ""
        given = f"{before}{path}"
        if self.option == "PATH":
            return [given, *(["--copy", "--force"] if self.command == "problems" else [])]
        return [given] if self.option == "FOLDER" else [self.option, given]


def written() -> Iterator[Written]:
    """Every option that writes, as the commands themselves declare them."""
    for command, made in _commands().items():
        for parameter in made.params:
            if (option := _writes(parameter)) is not None:
                name = _OUTPUTS[command] if option == "--output" else _VALUES[option]
                yield Written(command, option, name)


def arguments(command: str, folder: Path) -> list[str]:
    """A short run of a command; what it reads is in the folder."""
    if command in ("fit", "uncertainty") and not (folder / "runs.csv").exists():
        columns = table(CHINCHILLA, runs=12)
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(columns), *(",".join(str(float(v)) for v in row) for row in rows)]
        (folder / "runs.csv").write_text("\n".join(lines) + "\n")
        law_file(folder / "drawn.toml", drawn(3))
    if command == "verify":
        (folder / "solved.json").write_text(_solved())
    return [command, *(text.format(folder=folder) for text in SHORT[command])]


@cache
def _solved() -> str:
    return json.dumps(solve(Problem.load(PROBLEM)).to_dict())


def _commands() -> dict[str, Any]:
    found: Any = typer.main.get_command(app)
    return dict(found.commands)


def _writes(parameter: Any) -> str | None:
    if parameter.metavar not in WRITTEN | FILLED:
        return None
    options = [name for name in parameter.opts if name.startswith("--")]
    return str(options[0] if options else parameter.metavar)
