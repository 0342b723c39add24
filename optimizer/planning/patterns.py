"""How runs of a grid vary what a law sees beside size and tokens, as people do: ablations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from modelsizer.optimizer.planning.choices import varied
from modelsizer.optimizer.planning.family import Family

DEPTH = "depth"
Shares = tuple[tuple[str, float], ...]
"""By name where a value lies, from the first of its list, 0, to the last, 1; depths too."""
_MOST = 27  # choices of a pattern; more than grids have runs
_MIDDLE = 0.5


@dataclass(frozen=True, slots=True)
class Pattern:
    """Choices that runs take in turn.

    Parameters
    ----------
    name : str
        In words; empty where nothing is varied.
    shares : tuple of Shares
    """

    name: str
    shares: tuple[Shares, ...]


def patterns(family: Family) -> tuple[Pattern, ...]:
    """Ablations one at a time and crossed, of the ends of each list, the target's too, and all."""
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
    """Which size, from 0 to 1, and which of many choices each run of each budget has.

    Choices go round from size to size, beginning one further on at each budget or where the last
    one ended; or each of a few sizes has all of them.
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
