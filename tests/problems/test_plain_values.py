"""Values from TOML and JSON: depth, digits and duplicate keys."""

from __future__ import annotations

import pytest

from modelsizer.problems.plain_values import (
    MOST_DEPTH,
    PlainValueError,
    check_plain,
    from_json,
    from_toml,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 5000 + "]" * 5000, "nested more than"),
        ("a = " + "{a = " * 50 + "1" + "}" * 50, "nested more than"),
        (".".join("a" * 10_000) + " = 1", "at most 32 parts"),
        ("[" + ".".join("a" * 10_000) + "]", "at most 32 parts"),
        ("x = 5\na.b = " + "9" * 5000, "whole number of 5,000 digits, 99999999..., is too large"),
        ("a.b = 0x" + "f" * 5000, "a.b: a value of type int that is too large to show"),
        ("a.b = 1" + "0" * 400, "a.b: 1000"),
    ],
)
def test_toml_too_deep_or_too_large_names_the_key_or_the_line(text: str, words: str) -> None:
    with pytest.raises(PlainValueError) as error:
        from_toml(text)
    assert words in str(error.value) and len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested more than"),
        ('{"a": ' * 100 + "1" + "}" * 100, "nested more than"),
        ('{"a": 1, "b": {"c": 1, "c": 1}}', "c: this key is given twice"),
        ('{"a": {"size": ' + "9" * 5000 + "}}", "size: a whole number of 5,000 digits"),
        ('{"a": 1' + "0" * 400 + "}", "a: 1000"),
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
    ],
)
def test_json_too_deep_too_large_or_with_a_key_twice(text: str, words: str) -> None:
    with pytest.raises(PlainValueError) as error:
        from_json(text)
    assert words in str(error.value) and len(str(error.value)) < 300


def test_what_is_written_is_read() -> None:
    assert from_toml("a.b.c = [1, {d = 1e308}]") == {"a": {"b": {"c": [1, {"d": 1e308}]}}}
    assert from_toml(f"{'.'.join('a' * MOST_DEPTH)} = 1")
    assert from_json('{"a": [1, 2.5, null, true, "x"]}') == {"a": [1, 2.5, None, True, "x"]}
    assert from_json("[NaN, Infinity]")[1] == float("inf")
    check_plain({"a": [float("nan"), None, object()]})


def test_keys_are_text() -> None:
    with pytest.raises(PlainValueError, match="a: the key 1 is not text"):
        check_plain({"a": {1: 2}})
