"""Commands under extreme settings: no traceback, no warning, no figure that is none."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, ProblemError
from modelsizer.cli import app
from tests.support.extreme_problems import extreme_tables

COMMANDS = ("solve", "check", "rank", "pareto", "prices", "whatif", "memory", "roofline", "allocate",
            "layers", "depth-width", "compare-laws")  # fmt: skip
NO_FIGURE = re.compile(r"(?<![\w-])[-+]?(nan|inf)(?![\w-])|\d{40}", re.IGNORECASE)
MOST_DESIGNS = 200


def _refused(constant: str) -> None:
    raise AssertionError(constant)


def check_commands(seed: int, folder: Path, commands: tuple[str, ...]) -> bool:
    """Run commands on an extreme problem; whether it is one that is read and small."""
    try:
        problem = Problem.from_tables(extreme_tables(seed))
    except ProblemError:
        return False
    if problem.count_designs() > MOST_DESIGNS:
        return False
    file = folder / f"{seed}.toml"
    file.write_text(problem.to_toml())
    for command in commands:
        for json_too in ([], ["--json", "-"]):
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                answer = CliRunner().invoke(app, [command, str(file), *json_too])
            assert answer.exit_code in (0, 1, 2), (seed, command, answer.output)
            assert "unexpected" not in answer.stderr, (seed, command, answer.stderr)
            if json_too and answer.stdout:
                json.loads(answer.stdout, parse_constant=_refused)
            elif not json_too:
                assert not NO_FIGURE.search(answer.stdout), (seed, command, answer.stdout)
    return True


def test_commands_under_extreme_settings(tmp_path: Path) -> None:
    few = ("solve", "rank", "memory", "roofline", "prices")
    assert sum(check_commands(seed, tmp_path, few) for seed in (8, 36)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 400))
def test_commands_under_extreme_settings_at_length(seed: int, tmp_path: Path) -> None:
    check_commands(seed, tmp_path, COMMANDS)
