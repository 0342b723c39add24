"""Judge the units of parameters, tokens and FLOPs by their values.

C = 6ND (Kaplan et al. 2020, arXiv 2001.08361, section 2.1) holds within a factor of a few whatever
is counted, while units differ by a thousand: if values satisfy it in one choice of units alone,
that choice is certain. Without all three columns values are never changed, only warned of.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from modelsizer.optimizer.fitting.columns import WORDS, Column
from modelsizer.optimizer.fitting.terms import Array
from modelsizer.problems.units import format_number

SIX = 6.0
"""FLOPs per parameter and token of training: C = 6ND."""
_COUNTS = (1.0, 1e3, 1e6, 1e9, 1e12)
_UNITS: Mapping[str, tuple[float, ...]] = {
    "N": _COUNTS,
    "D": _COUNTS,
    "C": (*_COUNTS, 1e15, 1e18, 8.64e19, 1e21, 1e24),
}
"""Units that people use; 8.64e19 is a petaFLOP/s-day."""
_WITHIN: Mapping[str, tuple[float, float]] = {"N": (1e4, 1e14), "D": (1e6, 1e16)}
"""Medians of counts that are plausible."""
_TOKENS_A_PARAMETER = (0.03, 1e5)
_LOOSE = 20.0  # ratio of C to 6ND that units of a thousand do not explain
_CLOSE = 3.0  # and the largest at which a change of unit does: 1e21 / 8.64e19 is 11.6
_SPREAD = 10.0  # from the tenth to the ninetieth percentile of C over 6ND: one way to count
_TOLD_OF = 6.0
_LEAST_RUNS = 3  # to judge a unit by
_LEAST_MILLIONS = 30.0  # parameters below which billions are likelier
_UNIT_WORDS = {
    "N": "millions or billions, call the column '{name} (M)' or '{name} (B)'",
    "D": "millions or billions, call the column '{name} (M)' or '{name} (B)'",
    "C": "GFLOPs or EFLOPs, call the column '{name} (GFLOPs)' or '{name} (EFLOPs)'",
}


def settled(
    columns: Mapping[str, Column], values: Mapping[str, Array]
) -> tuple[dict[str, Column], dict[str, Array], list[str]]:
    """Columns and values in units that satisfy C = 6ND, if exactly one choice of units does.

    Parameters
    ----------
    columns : mapping of str to Column
    values : mapping of str to array, shape (runs,)
        N, and D or C or both, as read; positive.

    Returns
    -------
    columns, values : dict
        The same, but for units that the values make certain.
    notes : list of str
        What is doubtful, most serious first.
    """
    taken = dict(values)
    new = dict(columns)
    if not {"N", "D", "C"} <= set(taken):
        return new, taken, []
    ratio = taken["C"] / (SIX * taken["N"] * taken["D"])
    if 1 / _LOOSE <= np.median(ratio) <= _LOOSE and _plausible(taken):
        return new, taken, _off(new, float(np.median(ratio)))
    keys = ("N", "D", "C")
    doubtful = {"C", *_doubtful(taken)}
    units = [
        _UNITS[key] if key in doubtful and key in columns and not columns[key].unit_from else (1.0,)
        for key in keys
    ]
    choices = [
        choice
        for choice in itertools.product(*units)
        if _holds(taken, ratio, dict(zip(keys, choice, strict=True)))
    ]
    fewest = min((_changes(choice) for choice in choices), default=0)
    choices = [choice for choice in choices if _changes(choice) == fewest]
    if len(choices) != 1 or len(ratio) < _LEAST_RUNS:
        return new, taken, _off(new, float(np.median(ratio)))
    for key, factor in zip(keys, choices[0], strict=True):
        if factor != 1:
            new[key] = replace(columns[key], factor=factor, unit_from="6ND")
            taken[key] = taken[key] * factor
    return new, taken, []


def _changes(choice: Sequence[float]) -> int:
    return sum(factor != 1 for factor in choice)


def _holds(values: Mapping[str, Array], ratio: Array, by: Mapping[str, float]) -> bool:
    scaled = ratio * (by["C"] / (by["N"] * by["D"]))
    low, middle, high = np.quantile(scaled, (0.1, 0.5, 0.9))
    return bool(
        1 / _CLOSE <= middle <= _CLOSE
        and high <= _SPREAD * low
        and _plausible({key: values[key] * by[key] for key in ("N", "D")})
    )


def _doubtful(values: Mapping[str, Array]) -> set[str]:
    """Which of N and D cannot be counts as they stand; of two that do not go together, D."""
    found = {
        key for key, (least, most) in _WITHIN.items() if not least <= np.median(values[key]) <= most
    }
    low, high = _TOKENS_A_PARAMETER
    return found or (set() if low <= np.median(values["D"] / values["N"]) <= high else {"D"})


def _plausible(values: Mapping[str, Array]) -> bool:
    return not _doubtful(values)


def _off(columns: Mapping[str, Column], ratio: float) -> list[str]:
    """A note if C is far from 6ND and no unit explains it."""
    if 1 / _TOLD_OF <= ratio <= _TOLD_OF:
        return []
    name, factor = columns["C"].name, "1" if columns["C"].unit_from else "1e9"
    return [
        f"C, column {name!r}, is {format_number(ratio, 3)} x 6ND at the median: one of N, D and C "
        "is in another unit, or N counts parameters that a token does not meet (experts, "
        f'embeddings); a unit is written by hand as --columns "C={name}*{factor}"'
    ]


def implausible(columns: Mapping[str, Column], values: Mapping[str, Array]) -> list[str]:
    """Notes on parameters and tokens that cannot be counts, most serious first.

    Parameters
    ----------
    columns : mapping of str to Column
        D may be missing if tokens are C / 6N, or steps by the tokens of a batch.
    values : mapping of str to array, shape (runs,)
        N and D, in the units decided on.
    """
    said = []
    for key, (least, most) in _WITHIN.items():
        middle = float(np.median(values[key]))
        if least <= middle <= most:
            continue
        at = key if key in columns or "C" not in columns else "C"
        low, high = (format_number(float(f(values[key])), 3) for f in (np.min, np.max))
        what = WORDS[key] if at == key else "tokens, D = C / 6N,"
        remedy = _remedy(at, columns[at], values, middle > most) if at in columns else ""
        said.append(f"{what} lie within {low} and {high}: {remedy}a law is of counts")
    if said or _plausible(values):
        return said
    each = format_number(float(np.median(values["D"] / values["N"])), 3)
    return [
        f"{each} tokens a parameter at the median: parameters and tokens may be in different "
        "units; a law is of counts"
    ]


def _remedy(key: str, column: Column, values: Mapping[str, Array], too_many: bool) -> str:
    """What to write, by --columns or in the column's name."""
    name = column.name
    if column.unit_from or too_many:
        return (
            f"if the values of column {name!r} are plain {WORDS[key].removeprefix('training ')}, "
            f'write --columns "{key}={name}*1"; '
        )
    factor = format_number(_likely_factor(key, values), 4)
    return (
        f"if column {name!r} is in {_UNIT_WORDS[key].format(name=name)}, or write "
        f'--columns "{key}={name}*{factor}"; '
    )


def _likely_factor(key: str, values: Mapping[str, Array]) -> float:
    """A unit for the example of a message: the one nearest to twenty tokens a parameter."""
    if key == "N":
        return 1e9 if float(np.median(values["N"])) < _LEAST_MILLIONS else 1e6
    size = _likely_factor("N", values) if "N" in _doubtful(values) else 1.0
    each = float(np.median(values["D"] / values["N"])) / size
    units = [unit for unit in _UNITS[key] if unit >= 1e6]
    return min(units, key=lambda unit: abs(math.log(each * unit / 20)))
