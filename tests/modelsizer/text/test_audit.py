"""The report of an audit."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app


@pytest.mark.parametrize(
    ("model", "shown"),
    [pytest.param("mixtral-8x7b", True, marks=pytest.mark.slow), ("llama-3-8b", False)],
)
def test_active_parameters_are_shown_of_mixtures(model: str, shown: bool) -> None:
    found = CliRunner().invoke(app, ["audit", model, "--tokens", "1T"], env={"COLUMNS": "80"})
    assert found.exit_code == 0, found.output
    assert any(line.startswith("active_parameters") for line in found.stdout.splitlines()) is shown
