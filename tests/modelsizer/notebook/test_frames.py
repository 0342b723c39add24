"""Tables of pandas: the rows of the JSON, typed."""

from __future__ import annotations

import json
from typing import Any

import pytest

import modelsizer as ms
from modelsizer.problems import table_files
from modelsizer.problems.shown import Tabled
from tests.support.answers import ANSWERS, answer

pandas = pytest.importorskip("pandas")

TABLED = [name for name in ANSWERS if name not in ("problem", "evaluation", "architecture",
                                                   "description", "law")]  # fmt: skip
NUMBERS = {"int64", "float64", "Int64"}


@pytest.mark.parametrize("name", TABLED)
def test_columns_are_typed(name: str) -> None:
    assert isinstance(answer(name), Tabled)
    found = answer(name).to_frame()
    assert found.columns.is_unique
    for column in found:
        held = [value for value in found[column] if value is not None and value is not pandas.NA]
        if held and all(isinstance(v, int | float) and not isinstance(v, bool) for v in held):
            assert str(found[column].dtype) in NUMBERS, column


def rows(name: str) -> tuple[Any, list[dict[str, Any]]]:
    """A table, and the rows of the JSON that it is of."""
    keys = {"result": "budgets", "ranking": "rows", "groups": "groups", "front": "points",
            "frontier": "points", "explanation": "repairs", "whatif": "scenarios", "sweep": "rows",
            "laws": "laws", "corners": "corners", "plan": "runs", "best": "designs",
            "machines": "alternatives", "drawn": "winners", "layers": "models",
            "models": "models", "accelerators": "accelerators", "allocation": "contexts"}  # fmt: skip
    return answer(name).to_frame(), answer(name).to_dict()[keys[name]]


@pytest.mark.parametrize(
    "name", ["result", "ranking", "groups", "front", "frontier", "explanation", "whatif", "sweep",
             "laws", "corners", "plan", "best", "machines", "drawn", "layers", "models", "accelerators",
             "allocation"]
)  # fmt: skip
def test_rows_and_numbers_are_those_of_the_json(name: str) -> None:
    found, listed = rows(name)
    assert len(found) == len(listed) > 0
    for at, row in enumerate(json.loads(json.dumps(listed))):
        plain = {k: v for k, v in row.items() if isinstance(v, int | float | str)}
        plain |= {k: v for k, v in row.get("architecture", {}).items() if k == "layers"}
        assert plain
        assert {k: found[k].iloc[at] for k in plain} == plain


def test_inner_tables_have_dotted_names() -> None:
    found = answer("ranking").to_frame()
    assert found["parameters.total"].tolist() == [
        design.parameters.total for design in answer("ranking").best
    ]
    assert found["quantities.serving_memory"].dtype == "int64"


def test_a_table_of_prices_has_a_row_for_each_change() -> None:
    found, (row,) = answer("prices").to_frame(), answer("prices").to_dict()["budgets"]
    assert found["change.percent"].tolist() == [change["percent"] for change in row["changes"]]
    assert set(found["name"]) == {"serving_memory"}


def test_a_fit_has_a_row_for_each_coefficient() -> None:
    found = answer("study").to_frame().set_index("coefficient")
    assert found["value"].to_dict() == answer("study").fit.coefficients
    assert found["low"].isna().all()


def test_what_has_no_rows_is_an_empty_table() -> None:
    for name in ("feasible", "infeasible", "verified"):
        assert len(answer(name).to_frame()) == 0


def test_an_integer_that_no_column_of_integers_holds_is_a_double() -> None:
    found = table_files.frame({"a": [1, 10**24], "b": [1, None], "c": [True, None], "d": ["x", 1]})
    assert [str(t) for t in found.dtypes] == ["float64", "Int64", "boolean", "object"]
    assert found["a"][1] == 1e24


def test_without_pandas_one_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ms.ModelsizerError, match=r"needs pandas: pip install 'modelsizer\[tables"):
        answer("front").to_frame()
