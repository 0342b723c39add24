"""Texts of the form key=value, and values as a problem file writes them."""

from __future__ import annotations

import pytest

from modelsizer.problems.errors import ProblemError
from modelsizer.problems.key_values import (
    check_apart,
    read_pairs,
    read_value,
    split_list,
    split_pair,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e24", 1e24),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ("{min = 1, max = 2}", {"min": 1, "max": 2}),
        ('"quoted"', "quoted"),
        ("80 GB", "80 GB"),
        ("gemstones-2025", "gemstones-2025"),
        ("80 # GB", "80 # GB"),  # a comment would be lost
        ('"a # b"', "a # b"),
        ("80\nx = 1", "80\nx = 1"),
        ("1, 2", "1, 2"),
        ("9" * 5000, "9" * 5000),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_a_value_is_toml_or_else_text(text: str, value: object) -> None:
    assert read_value(text) == value
    assert type(read_value(text)) is type(value)


def test_the_first_sign_divides_key_and_value() -> None:
    assert split_pair(" law = a=b ") == ("law", "a=b")


@pytest.mark.parametrize("text", ["key", "=value", "key=", " = ", ""])
def test_a_pair_needs_key_and_value(text: str) -> None:
    assert split_pair(text) is None
    with pytest.raises(ProblemError, match=r"^--weight: "):
        read_pairs([text], "--weight")


@pytest.mark.parametrize("text", ["a=1\nb=2", "a=1\n", "a=1\r", "a=\x00", "a\x1b=1", "a=\udcff"])
def test_a_setting_is_one_line_of_text(text: str) -> None:
    with pytest.raises(ProblemError, match=r"^--set: .* write one line without it") as error:
        read_pairs([text])
    assert "\n" not in str(error.value)


def test_the_last_of_a_repeated_key_counts() -> None:
    assert read_pairs(["a.b=1", "c=x y", "a.b=2"]) == {"a.b": 2, "c": "x y"}


def test_commas_within_brackets_and_quotes_do_not_split() -> None:
    assert split_list('[1, 2], "a, b", {min = 1, max = 2}, 3') == [
        "[1, 2]", '"a, b"', "{min = 1, max = 2}", "3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("budgets.kv_cache", "budgets.kv_cache"),
        ("budgets.tokens.min", "budgets.tokens"),
        ("training.tokens", "training.tokens.max"),
    ],
)
def test_a_limit_is_not_set_and_left_out_at_once(given: str, left: str) -> None:
    with pytest.raises(ProblemError, match=f"--without {left}: --set {given} = 1"):
        check_apart({"serving.batch_size": 2, given: 1}, ["budgets.loss", left])
    check_apart({given: 1}, ["budgets.kv_cache_of_another_name", "budgets.loss"])
