"""Ways in which runs of a grid vary the law's other features: ablations, as usually done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from modelsizer.optimizer.planning.choices import varied
from modelsizer.optimizer.planning.family import Family
from modelsizer.problems.records import dataclass

DEPTH = "depth"
Shares = tuple[tuple[str, float], ...]
"""Relative position of a value in its list, first 0, last 1, by name; depths included."""
_MOST = 27  # greatest number of choices in a pattern; grids have fewer runs
_MIDDLE = 0.5


@dataclass(frozen=True, slots=True)
class Pattern:
    """Choices that runs cycle through.

    Parameters
    ----------
    name : str
        Description; empty if nothing is varied.
    shares : tuple of Shares
    """

    name: str
    shares: tuple[Shares, ...]


def patterns(family: Family) -> tuple[Pattern, ...]:
    """Ablations, one at a time and crossed: of the ends of each list, with the target's, of all."""
    own = family.choices.shares_of(family.target)
    values = {
        name: tuple(i / (many - 1) for i in range(many))
        for name in varied(family.seen)
        if (many := family.choices.many(name)) > 1
    }
    if family.shapes:
        own |= {DEPTH: _MIDDLE}
        values |= {DEPTH: (0.0, _MIDDLE, 1.0)}
    base = {name: own[name] for name in values}
    ends = dict.fromkeys(values, (0.0, 1.0))
    known = {name: tuple(sorted({0.0, base[name], 1.0})) for name in values}
    found = [] if values.keys() - {DEPTH} else [Pattern("", (_shares(base),))]
    if values:
        found += [
            Pattern("one choice at a time", _one_at_a_time(base, known)),
            Pattern("one choice at a time, each value", _one_at_a_time(base, values)),
            Pattern("choices crossed", _crossed(ends)),
            Pattern("choices crossed, the target's too", _crossed(known)),
            Pattern("choices crossed, each value", _crossed(values)),
        ]
    seen: dict[tuple[Shares, ...], Pattern] = {}
    for pattern in found:
        if 0 < len(pattern.shares) <= _MOST:
            seen.setdefault(pattern.shares, pattern)
    return tuple(seen.values())


def _shares(values: Mapping[str, float]) -> Shares:
    return tuple(values.items())


def _one_at_a_time(
    base: Mapping[str, float], values: Mapping[str, Sequence[float]]
) -> tuple[Shares, ...]:
    changed = [
        {**base, name: value}
        for name, some in values.items()
        for value in some
        if value != base[name]
    ]
    return tuple(_shares(one) for one in ({**base}, *changed))


def _crossed(values: Mapping[str, Sequence[float]]) -> tuple[Shares, ...]:
    return tuple(tuple(zip(values, one, strict=True)) for one in product(*values.values()))


def assignments(
    many: int, budgets: int, sizes: int
) -> Iterator[tuple[tuple[tuple[float, int], ...], ...]]:
    """Size, from 0 to 1, and choice of each run of each budget.

    Choices cycle over the sizes; at each budget the cycle starts one further on, or continues
    where the last one ended; or each of a few sizes has all choices.
    """
    steps = [i / (sizes - 1) for i in range(sizes)]
    shifts = (1, sizes)
    found = [
        tuple(
            tuple((step, (i + shift * j) % many) for i, step in enumerate(steps))
            for j in range(budgets)
        )
        for shift in shifts
    ]
    few = sizes // many
    if many > 1 and sizes % many == 0 and few > 1:
        row = tuple((i // many / (few - 1), i % many) for i in range(sizes))
        found.append((row,) * budgets)
    yield from dict.fromkeys(found)
