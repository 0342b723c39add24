"""The table of limits keeps to 80 columns by the short names of quantities."""

from __future__ import annotations

from modelsizer import Problem, solve
from modelsizer.text.answer_rows import limits_table

SETTINGS = {
    "budgets.tokens_per_second_per_user": {"min": 5},
    "serving.accelerator": "H100-SXM",
    "budgets.serving_memory": "as llama-3-8b",
}


def test_long_names_are_short_only_where_they_would_not_fit() -> None:
    uses = solve(Problem.load("phone-2gb", SETTINGS)).budgets
    headings = ("", "used", "limit", "", "")
    whole = limits_table(uses, headings)
    assert [row[0] for row in whole.rows] == [use.name for use in uses]
    assert limits_table(uses, headings, 200) == whole
    narrow = limits_table(uses, headings, 60)
    assert [row[1:] for row in narrow.rows] == [row[1:] for row in whole.rows]
    assert "user_tokens/s" in [row[0] for row in narrow.rows]
    assert sum(narrow.widths) < sum(whole.widths)
