"""The command models: types that are read."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.problems.architecture.configs.model_types import model_types


def test_types_are_listed_with_what_stands_beside_the_text() -> None:
    found = CliRunner().invoke(app, ["models", "--types", "--json", "-"])
    rows = {row["type"]: row for row in json.loads(found.stdout)["types"]}
    assert set(rows) == set(model_types())
    assert rows["llama"] == {"type": "llama", "text": None, "vision_counted": None}
    assert rows["gemma3"] == {"type": "gemma3", "text": "gemma3_text", "vision_counted": True}
    assert rows["voxtral"]["vision_counted"] is False


def test_types_are_printed_by_kind() -> None:
    text = CliRunner().invoke(app, ["models", "--types", "--match", "gemma3"]).stdout
    assert "gemma3_text" in text.split("With vision")[0]
    assert "gemma3*" in text.split("With vision")[1]
    assert "llama" not in text
