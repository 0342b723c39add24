"""Differences between a saved answer and what is computed now, one for each figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelsizer.problems.records import dataclass

SAME, TINY = 1e-12, 1e-15
"""How near two doubles must be, relative and absolute: machines round powers differently in the
last place. Integers, text and booleans must be equal."""
MISSING = "the answer lacks it"
UNKNOWN = "no figure of an answer"


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of an answer that is not what it should be.

    Parameters
    ----------
    key : str
        Where it stands, such as ``"budgets[0].used"``.
    stored, found : value of JSON
        As the answer has it, and as it is computed now.
    why : str
        What is wrong, where the two values do not say it.
    """

    key: str
    stored: Any = None
    found: Any = None
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"key": self.key, "stored": self.stored, "found": self.found, "why": self.why}


def differences(stored: Any, found: Any, key: str = "") -> Iterator[Difference]:
    """Compare two values of JSON, figure by figure.

    Parameters
    ----------
    stored, found : value of JSON
    key : str
        Where they stand.

    Yields
    ------
    Difference
    """
    if isinstance(stored, Mapping) and isinstance(found, Mapping):
        prefix = f"{key}." if key else ""
        for name, value in found.items():
            if name in stored:
                yield from differences(stored[name], value, f"{prefix}{name}")
            else:
                yield Difference(f"{prefix}{name}", None, value, MISSING)
        for name in stored:
            if name not in found:
                yield Difference(f"{prefix}{name}", stored[name], None, UNKNOWN)
    elif _is_list(stored) and _is_list(found):
        for at, (mine, theirs) in enumerate(zip(stored, found, strict=False)):
            yield from differences(mine, theirs, f"{key}[{at}]")
        for at in range(len(stored), len(found)):
            yield Difference(f"{key}[{at}]", None, found[at], MISSING)
        for at in range(len(found), len(stored)):
            yield Difference(f"{key}[{at}]", stored[at], None, UNKNOWN)
    elif not same(stored, found):
        yield Difference(key, stored, found)


def same(stored: Any, found: Any) -> bool:
    """Whether two plain values are equal, doubles up to their last places."""
    if isinstance(stored, bool) or isinstance(found, bool):
        return stored is found
    if not (isinstance(stored, int | float) and isinstance(found, int | float)):
        return type(stored) is type(found) and bool(stored == found)
    if stored == found:
        return True
    if isinstance(stored, int) and isinstance(found, int):
        return False
    try:
        return math.isclose(stored, found, rel_tol=SAME, abs_tol=TINY)
    except OverflowError:  # an integer beyond all doubles
        return False


def count_figures(content: Any) -> int:
    """The number of plain values in a value of JSON."""
    if isinstance(content, Mapping):
        return sum(map(count_figures, content.values()))
    return sum(map(count_figures, content)) if _is_list(content) else 1


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
