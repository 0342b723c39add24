"""Several values that ``--set`` was given without the brackets of a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelsizer.problems.errors import ProblemError

_BETWEEN = re.compile(r"\s*,\s*|\s+or\s+")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")


def with_lists(error: ProblemError, file: str, pairs: Mapping[str, object]) -> ProblemError:
    """The error, with the list to write where a key that it names takes one.

    Parameters
    ----------
    error : ProblemError
    file : str
        The problem file.
    pairs : mapping
        What `--set` sets.
    """
    from modelsizer.problems.errors import ProblemError

    lists = {
        fault.key: written
        for fault in error.faults
        if (written := _as_list(file, pairs, fault.key)) is not None
    }
    faults = [
        replace(fault, message=f"{fault.message}; several values are a list: {lists[fault.key]}")
        if fault.key in lists
        else fault
        for fault in error.faults
    ]
    return ProblemError(faults, error.source) if lists else error


def doubts(file: str, pairs: Mapping[str, object]) -> list[str]:
    """What is said of numbers such as ``64,128``, which are one number and may be meant as two."""
    return [
        f"{key}: {value} is read as one number; several are a list: {written}"
        for key, value in pairs.items()
        if isinstance(value, str)
        and _THOUSANDS.fullmatch(value)
        and (written := _as_list(file, pairs, key)) is not None
    ]


def _as_list(file: str, pairs: Mapping[str, object], key: str) -> str | None:
    """How to set the values as a list, if the problem is valid with it."""
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.key_values import read_value, write_value
    from modelsizer.problems.problem import Problem

    value = pairs.get(key)
    if not isinstance(value, str):
        return None
    parts = [part for part in _BETWEEN.split(value.strip(" []")) if part]
    if len(parts) < 2:
        return None
    items = [read_value(part) for part in parts]
    try:
        Problem.load(file, {**pairs, key: items})
    except ProblemError:
        return None
    return f"--set '{key}={write_value(items)}'"
