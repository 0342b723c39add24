"""Saved answers, and ways to edit one."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from modelsizer import Problem, Result, solve

Path = tuple[str | int, ...]

UNVERIFIED = ("seconds", "statistics", "solver")
"""Keys that docs/reference/answers.md lists: they say how an answer was found, not what it is."""


def saved(result: Result) -> dict[str, Any]:
    """A result as a file gives it back."""
    content: dict[str, Any] = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    return content


def answer_of(
    name: str, settings: dict[str, object] | None = None, **limits: Any
) -> dict[str, Any]:
    return saved(solve(Problem.load(name, settings), **limits))


def leaves(content: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every plain value with its place; empty tables and lists too."""
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from leaves(value, (*path, key))
    elif isinstance(content, list) and content:
        for at, value in enumerate(content):
            yield from leaves(value, (*path, at))
    else:
        yield path, content


def key_of(path: Path) -> str:
    """A place in the words of a report: ``budgets[0].used``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def changed(value: Any) -> list[Any]:
    """Other values that might stand there, the likeliest first."""
    if isinstance(value, bool):
        return [not value, None, int(value)]
    if isinstance(value, int):
        return [value + 1, -value - 1, str(value), 10**30, None]
    if isinstance(value, float):
        return [value * (1 + 1e-9) + 1e-12, -value - 1, None, [value], "1"]
    if isinstance(value, str):
        return [value + "x", "", 7, {"x": value}]
    return [1.5, "x", [0]]


def put(content: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy with another value at a place."""
    found = copy.deepcopy(content)
    _parent(found, path)[path[-1]] = value
    return found


def dropped(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """A copy without a value."""
    found = copy.deepcopy(content)
    del _parent(found, path)[path[-1]]
    return found


def _parent(content: Any, path: Path) -> Any:
    for part in path[:-1]:
        content = content[part]
    return content
