"""Notes on a table of designs of one size, and the cost of a habitual depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.heads import kv_menu
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.text.kit.words import joined

if TYPE_CHECKING:
    from modelsizer.optimizer.surveys.depth_width_rows import (
        BrokenLimit,
        DepthWidth,
        Habit,
        ShapeRow,
    )

_MOST_RANGES = 10  # of depths named in a line; the rest is in --json


def column_value(row: ShapeRow, name: str) -> Any:
    """The value of a row in a column."""
    attention = row.design.architecture.groups[0].layer
    if name == "d_ff":
        return attention.ffn.d_ff
    if name in ("kv_heads", "heads", "head_dim"):
        return getattr(attention.attention, name)
    if name in ("layers", "d_model", "aspect_ratio"):
        return getattr(row, name)
    return row.design.shape_excess if name == "shape_excess" else row.quantity(name)


def notes(found: DepthWidth, unseen: int = 0) -> list[str]:
    """Notes on the rows.

    Parameters
    ----------
    found : DepthWidth
    unseen : int
        Rows that are not shown.
    """
    lines = []
    if unseen:
        lines.append(f"{unseen} rows are not shown: --all shows them, --csv PATH writes them.")
    best = found.preferred
    if best is None:
        lines.append(
            'shape = "none" is blind to depth: every row has an excess of 0, and none is preferred.'
        )
    else:
        lines.append(
            f"* preferred by {found.problem.quality.shape_name}: least shape excess. Not "
            "least loss: sizes differ within the tolerance, and loss favours the larger."
        )
    if found.ideal is not None and best is not None:
        d_model, layers = found.ideal
        lines.append(
            f"  The ideal shape of that size, in real numbers: {layers:.1f} layers of width "
            f"{d_model:.0f}, an aspect ratio of {d_model / layers:.1f}."
        )
    lines.append("serving and train: memory of one accelerator, weights and cache or all states.")
    lines += _mixed(found)
    return lines + _left_out(found)


def _mixed(found: DepthWidth) -> list[str]:
    """Note on head geometry that varies between rows because only size selects them."""
    best = found.preferred or found.rows[0]
    space = found.problem.space
    kv_heads = None
    if space.kv_group is None:
        kv_heads = kv_menu(space, best.design.architecture.block)[1]
    offered = {"kv_heads": kv_heads, "head_dim": space.head_dim}
    varied = [
        name
        for name, menu in offered.items()
        if menu is not None
        and len(menu.numbers) > 1
        and len({column_value(row, name) for row in found.rows}) > 1
    ]
    if not varied:
        return []
    settings = " ".join(f"--set space.{name}={column_value(best, name)}" for name in varied)
    verb = "differs" if len(varied) == 1 else "differ"
    return [
        f"{' and '.join(varied)} {verb} between rows, since only nearness in size chose;",
        f"  {settings} compares depth alone.",
    ]


def _left_out(found: DepthWidth) -> list[str]:
    """For each constraint, the depths at which every design violates it."""
    if not found.excluded:
        return []
    lines = ["Left out, for every design of that depth and size breaks a limit; the nearest one:"]
    broken: dict[tuple[str, str], dict[int, BrokenLimit]] = {}
    for out in found.excluded:
        for limit in out.broken:
            broken.setdefault((limit.key, limit.side), {})[out.layers] = limit
    known = [row.layers for row in found.rows] + [out.layers for out in found.excluded]
    for (key, side), limits in broken.items():
        some = next(iter(limits.values()))
        bound = format_quantity(some.limit, QUANTITIES[some.quantity].dimension)
        depths = _ranges(sorted(limits), sorted(known))
        lines.append(
            f"  {key}, at {'most' if side == 'max' else 'least'} {bound}: "
            f"{_too_much([limit.over for limit in limits.values()])} at {depths} layers"
        )
    return lines


def _ranges(depths: Sequence[int], known: Sequence[int]) -> str:
    """Depths in words, with consecutive known depths merged into ranges such as ``86 to 89``."""
    place = {depth: i for i, depth in enumerate(known)}
    runs = [
        [depth for _, depth in run]
        for _, run in groupby(enumerate(depths), key=lambda pair: place[pair[1]] - pair[0])
    ]
    said = [f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    if len(said) > _MOST_RANGES:
        said[_MOST_RANGES - 1 :] = [f"{len(said) - _MOST_RANGES + 1} more stretches of"]
    return joined(said)


def _too_much(shares: Sequence[float]) -> str:
    """Relative violations, such as ``0.6 to 64 % too much``."""
    way = "much" if max(shares) > 0 else "little"
    sizes = sorted(100 * abs(share) for share in shares)
    if not math.isfinite(sizes[-1]):
        return f"too {way}"
    low, high = (f"{size:.2g}" if size < 10 else f"{size:.0f}" for size in (sizes[0], sizes[-1]))
    return f"{low} % too {way}" if low == high else f"{low} to {high} % too {way}"


# A habit

_SHOWN = 5e-6  # nats below which six decimals have no significant digit
_SAID = MappingProxyType(
    {
        "decode_latency": ("a decode step takes", "as long"),
        "kv_cache": ("the KV cache is", "as large"),
        "serving_memory": ("serving memory is", "as large"),
        "training_memory": ("training memory is", "as large"),
    }
)


def habit_sentence(found: DepthWidth) -> str:
    """Cost of a habitual depth relative to the preferred one."""
    habit = found.habit
    assert habit is not None
    if habit.excluded is not None:
        breaks = "; and ".join(map(str, habit.excluded.broken))
        return f"{habit.layers} layers do not fit: of that size they break {breaks}."
    if habit.preferred is None:
        return (
            f'{habit.layers} layers cost nothing that can be said: shape = "none" prefers no '
            "depth. Set objective.shape to one that does."
        )
    assert habit.row is not None and habit.excess is not None
    if habit.row.preferred:
        return f"{habit.layers} layers are the preferred depth: the habit costs nothing."
    best = habit.preferred
    return (
        f"{habit.layers} layers ({habit.row.layers} x {habit.row.d_model}) cost "
        f"{_nats(habit.excess)} nats a token more than the preferred {best.layers} x "
        f"{best.d_model}{_bought(habit)}.{_served(habit)}"
    )


def _nats(excess: float) -> str:
    return f"{excess:.6f}" if excess >= _SHOWN else format_number(excess, 2)


def _bought(habit: Habit) -> str:
    if habit.tokens_fraction is None or habit.flops_fraction is None:
        return ""
    words = (
        f": at equal parameters that shape reaches the same loss with "
        f"{100 * habit.tokens_fraction:.4g} % of the tokens and "
        f"{100 * habit.flops_fraction:.4g} % of the training FLOPs"
    )
    return words + (", since its tokens cost more" if habit.flops_fraction > 1 else "")


def _served(habit: Habit) -> str:
    """Differences in latency and memory, in words."""
    said = []
    for name, (words, same) in _SAID.items():
        if name not in habit.differences or habit.preferred is None:
            continue
        more, base = habit.differences[name], habit.preferred.quantity(name)
        if not more or not base:
            said.append(f"{words} {same}")
            continue
        amount = format_quantity(abs(more), QUANTITIES[name].dimension, 3)
        text = f"{words} {amount} ({format_number(100 * abs(more) / base, 2)} %)"
        text += " more" if more > 0 else " less"
        said.append(text + (_heads(habit) if name == "kv_cache" else ""))
    if not said:
        return ""
    return f" Beside it {joined(said)}."


def _heads(habit: Habit) -> str:
    """Head geometry by which two KV caches differ, if it does."""
    assert habit.row is not None and habit.preferred is not None
    mine, best = (
        row.design.architecture.groups[0].layer.attention for row in (habit.row, habit.preferred)
    )
    if mine.kv_values() == best.kv_values():
        return ""
    return (
        f" ({mine.kv_heads} kv heads of {mine.head_dim} against {best.kv_heads} of {best.head_dim})"
    )
