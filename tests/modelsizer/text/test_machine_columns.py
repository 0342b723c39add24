"""The machines of designs in tables: what differs as columns, the rest in a sentence."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.text.machine_columns import keys_apart, machine_columns, same_machine

A = {"training.accelerator": "H100-SXM", "training.accelerators": 64, "serving.accelerator": "L4"}
B = A | {"training.accelerators": 128}


def test_what_differs_is_a_column_and_the_rest_a_sentence() -> None:
    assert keys_apart([A, B]) == ["training.accelerators"]
    assert machine_columns([A, None, B]) == [("accelerators", ["64", "", "128"])]
    said = "Each has training.accelerator H100-SXM, serving.accelerator L4."
    assert same_machine([A, B]) == said
    assert same_machine([A]).startswith("It has ") and "accelerators 64" in same_machine([A])
    assert same_machine([]) == same_machine([{}, {}]) == ""
    assert machine_columns([{}, {}]) == [] == keys_apart([])


@pytest.mark.parametrize(
    "asked",
    [
        ("rank", "--top", "3"),
        ("whatif", "--set", "budgets.training_cost=1e5,1e6"),
        ("frontier", "--over", "budgets.training_cost", "--from", "1e5", "--to", "1e6",
         "--points", "2", "--no-band"),
        ("depth-width",),
        ("pareto", "--objectives", "parameters,loss"),
    ],
    ids=lambda asked: asked[0],
)  # fmt: skip
def test_text_and_csv_name_the_machine(asked: tuple[str, ...], tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    command, *rest = asked
    found = CliRunner().invoke(app, [command, "million-dollars", *rest, "--csv", str(table)])
    assert found.exit_code == 0, found.output
    assert "H100-SXM" in found.stdout
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert {row["training.accelerator"] for row in rows} == {"H100-SXM"}
    assert all(int(row["training.accelerators"]) in (128, 512) for row in rows)
