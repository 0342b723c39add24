"""Text of the roofline."""

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app


@pytest.mark.parametrize("accelerators", [1, 8])
def test_too_large_is_explained_where_it_stands(accelerators: int) -> None:
    args = ["roofline", "llama-3-8b", "--set", "serving.accelerator=H100-SXM",
            "--set", f"serving.accelerators={accelerators}", "--set", "serving.context_length=32768",
            "--set", f"serving.tensor_parallel={accelerators}"]  # fmt: skip
    text = CliRunner().invoke(app, args, env={"COLUMNS": "200"}).stdout
    assert "A step takes the longer of" in text
    assert ("Too large: weights" in text) == ("too large" in text)


def test_without_a_batch_that_is_too_large_nothing_says_so() -> None:
    args = ["roofline", "smollm2-135m", "--set", "serving.accelerator=H100-SXM"]
    assert "oo large" not in CliRunner().invoke(app, args, env={"COLUMNS": "200"}).stdout
