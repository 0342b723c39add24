"""What an answer says of its training: batch and learning rate of each law, in text and page."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, report, solve
from modelsizer.cli import app
from modelsizer.text.hyperparameters import HEADING, learning_rate, suggestion_rows

SMALL = """
[space]
layers = [20, 24]
d_model = 1024
head_dim = 64
kv_heads = 8
ffn_ratio = 3
vocab_size = 32000
[training]
tokens = 2e10
[budgets]
parameters = 5e8
"""


def test_an_answer_ends_with_suggestions() -> None:
    done = CliRunner().invoke(app, ["solve", "one-h100-1e24", "--quick"], env={"COLUMNS": "80"})
    lines = done.stdout.split(HEADING)[1].split("\n\n")[0].splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert rows == ["deepseek-2024", "steplaw-2025", "extrapolated"]
    said = " ".join(" ".join(lines).split())
    assert "above 2e19 FLOPs (deepseek-2024); above 2.2B parameters, above 100B tokens" in said
    assert done.stdout.index(HEADING) < done.stdout.index("Certificate")


def test_the_page_and_the_rows_say_the_same() -> None:
    result = solve(Problem.load("fixed-2t-tokens"))
    page = report(result, time_limit=0.1)
    assert HEADING in page
    for name, value in suggestion_rows(result.problem, result.best):
        assert name in page
        assert value in page
    small = Problem.parse(SMALL)
    first, *_, last = suggestion_rows(small, solve(small).best)
    assert first[0] == "steplaw-2025"
    assert last[0] == "extrapolated"
    assert "steplaw" not in last[1]


@pytest.mark.parametrize(
    ("value", "text"), [(3.14e-4, "3.1e-4"), (0.003, "3e-3"), (9.96e-5, "1e-4"), (0.021, "2.1e-2")]
)
def test_learning_rates_have_two_digits(value: float, text: str) -> None:
    assert learning_rate(value) == text
