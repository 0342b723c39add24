"""Text of the roofline."""

import re

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app


@pytest.mark.parametrize("accelerators", [1, 8])
def test_too_large_is_explained_where_it_stands(accelerators: int) -> None:
    args = ["roofline", "llama-3-8b", "--set", "serving.accelerator=H100-SXM",
            "--set", f"serving.accelerators={accelerators}", "--set", "serving.context_length=32768",
            "--set", f"serving.tensor_parallel={accelerators}"]  # fmt: skip
    text = CliRunner().invoke(app, args, env={"COLUMNS": "200"}).stdout
    assert "A decode step takes all of its parts one after another" in text
    assert ("Too large: weights" in text) == ("too large" in text)


def test_without_a_batch_that_is_too_large_nothing_says_so() -> None:
    args = ["roofline", "smollm2-135m", "--set", "serving.accelerator=H100-SXM"]
    assert "oo large" not in CliRunner().invoke(app, args, env={"COLUMNS": "200"}).stdout


def test_shares_of_a_step_are_of_its_time() -> None:
    """Where the longer of moving and computing counts, the other is in brackets."""
    args = ["roofline", "qwen3-30b-a3b", "--set", "serving.accelerator=H100-SXM",
            "--set", "serving.tensor_parallel=2", "--set", "serving.batch_size=64"]  # fmt: skip
    for engine, adds in (("vllm", True), ("none", False)):
        given = [*args, "--set", f"serving.engine={engine}"]
        text = CliRunner().invoke(app, given, env={"COLUMNS": "80"}).stdout
        assert max(map(len, text.splitlines())) <= 80
        rows = [row for row in text.split("share of time")[1].splitlines() if "decode," in row]
        assert len(rows) == 5
        for row in rows:
            assert ("(" in row) is not adds
            shown = re.sub(r"\(.*?\)", "", row.split(", ")[1])
            assert abs(sum(map(int, re.findall(r"(\d+) %", shown))) - 100) <= 3
