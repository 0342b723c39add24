"""Keyword settings: tables as mappings, limits by name, None for what is left out."""

from __future__ import annotations

import copy
import doctest
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

from modelsizer.problems.errors import ArgumentError, ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.reading import library, table_keys
from tests.support import keyword_types

H100 = {"serving.accelerator": "H100-SXM", "prices.H100-SXM": 2}


def problem(name: str = "one-h100-1e24", **settings: Any) -> Problem:
    return Problem.load(name, settings)


@pytest.mark.parametrize("name", library())
def test_nothing_changes_where_nothing_is_said(name: str) -> None:
    base = problem(name)
    assert base.edit() == base
    tables = {k: getattr(base, k) for k in ("space", "training", "serving", "objective")}
    assert base.edit(**tables) == base


@pytest.mark.parametrize(
    ("keywords", "settings"),
    [
        ({"training_flops": 2e24}, {"budgets.training_flops": 2e24}),
        ({"training_flops": np.float64(2e24)}, {"budgets.training_flops": 2e24}),
        ({"budgets": {"kv_cache": "8 GB"}}, {"budgets.kv_cache": "8 GB"}),
        ({"tokens": {"min": 1e12}}, {"budgets.tokens": {"min": 1e12}}),
        ({"serving": {"batch_size": 8, "kv_bytes": 1}}, {"serving.batch_size": 8, "serving.kv_bytes": 1}),
        ({"space": {"layers": {"min": 8, "max": 64, "step": 8}}}, {"space.layers": {"min": 8, "max": 64, "step": 8}}),
        ({"name": "x", "training": {"tokens": 1e13}}, {"name": "x", "training.tokens": 1e13}),
        ({"serving": {"accelerator": "h100-sxm"}, "prices": {"h100-sxm": 3}}, {"serving.accelerator": "H100-SXM", "prices.H100-SXM": 3}),
        ({"objective": {"law": "hoffmann-2022"}}, {"objective.law": "hoffmann-2022"}),
    ],
)  # fmt: skip
def test_keywords_are_dotted_settings(keywords: dict[str, Any], settings: dict[str, Any]) -> None:
    assert problem().edit(**keywords) == problem().with_settings(settings)


def test_a_scenario_may_have_any_name() -> None:
    base = problem()
    found = base.edit(scenarios={"a.b": {"serving": {"batch_size": 2}}})
    assert set(found.scenarios) == {*base.scenarios, "a.b"}
    assert found.scenario("a.b").serving.batch_size == 2


def test_none_leaves_a_key_or_a_table_out() -> None:
    base = problem()
    assert base.edit(kv_cache=None) == base.without("budgets.kv_cache")
    assert base.edit(kv_cache=None).edit(kv_cache=None) == base.edit(kv_cache=None)
    assert base.edit(serving={"batch_size": None}).serving.batch_size == 1
    assert base.edit(budgets=None, training={"tokens": 1e12}).budgets.limits == {}
    assert base.edit(budgets=None, training_flops=1e24).budgets.said == ("training_flops",)


def test_a_limit_of_an_accelerator_is_lifted() -> None:
    base = problem(**H100).edit(serving_memory=None)
    assert base == problem(**H100).without("budgets.serving_memory")
    assert "serving_memory" not in base.limits


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"traning_flops": 1}, r"traning_flops: .*\(did you mean training_flops\?\)"),
        ({"servng": {}}, r"servng: .*\(did you mean serving\?\)"),
        ({"batch_size": 8}, r"batch_size: .*write serving=\{'batch_size': \.\.\.\}"),
        ({"microbatchsize": 8}, r"\(did you mean training=\{'microbatch_size': \.\.\.\}\?\)"),
        ({"tensor_parallel": 8}, r"write training=\{'tensor_parallel': .* or serving="),
        ({"zzz": 1}, r"zzz: is no table and no limit; tables: space, training"),
        ({"serving": 3}, r"serving: 3 is not a table"),
        ({"tokens": 1, "budgets": {"tokens": 2}}, r"tokens: is given twice"),
    ],
)
def test_wrong_keywords_say_what_would_be_right(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        problem().edit(**keywords)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"serving": {"batch_sise": 8}}, r"serving\.batch_sise: unknown key \(did you mean batch_size"),
        ({"training_flops": "many"}, r"budgets\.training_flops: 'many' is not a number of FLOPs"),
        ({"serving": {3: 4}}, "3 is not text"),
        ({"space": None}, "space: this key is required"),
        ({"name": 3}, "name: 3 is not text"),
    ],
)  # fmt: skip
def test_wrong_keys_and_values_are_those_of_the_file(
    keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProblemError, match=message):
        problem().edit(**keywords)


def test_the_example_runs() -> None:
    (test,) = doctest.DocTestFinder().find(Problem.edit, "edit", globs={})
    assert test.examples and doctest.DocTestRunner().run(test).failed == 0


def test_types_of_keywords_are_those_of_the_tables() -> None:
    assert keyword_types.PATH.read_text() == keyword_types.text()
    keywords = inspect.signature(Problem.edit).parameters
    assert set(table_keys(Problem)) <= set(keywords)
    assert set(Problem.model_fields) == set(keywords) - {"self", "limits"}


@pytest.mark.parametrize("name", ["space", "serving", "training", "objective", "budgets"])
def test_the_signature_of_a_table_shows_its_keys(name: str) -> None:
    kind = type(getattr(problem(), name))
    shown = inspect.signature(kind)
    assert set(shown.parameters) == set(kind.model_fields)
    assert "Kind(" not in str(shown) and "Several(" not in str(shown)


def test_a_problem_is_made_of_tables() -> None:
    tables = problem().to_dict()
    assert Problem(**tables) == Problem(**dict(problem())) == problem()
    assert pickle.loads(pickle.dumps(Problem(**tables))) == copy.deepcopy(problem()) == problem()
    with pytest.raises(ProblemError, match=r"budgets.kv_cash: unknown key \(did you mean kv_cache"):
        Problem(**tables | {"budgets": {"kv_cash": 1}})
    with pytest.raises(ProblemError, match="space: this key is required"):
        Problem(name="x")  # type: ignore[call-arg]
    with pytest.raises(ProblemError, match="space: 3 is not a table"):
        Problem(space=3)  # type: ignore[arg-type]


def test_the_signature_of_a_problem_shows_its_tables() -> None:
    shown = inspect.signature(Problem).parameters
    assert next(iter(shown)) == "space" and shown["space"].default is inspect.Parameter.empty
    assert str(shown["training"].default) == "<factory>" and shown["tokenizer"].default is None
