"""Fewest tokens that reach a loss, for laws without a closed form.

The answer is that of 64 halvings of the range of ln D, to the last digit. Most of these compare
points with a root that is already known to 12 digits, so it is found first, and halving starts
next to it. The root is that of ``ln (loss - loss of endless tokens)``, which is linear in ln D for
a power law and nearly so for others, by secants kept between points on both sides of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from modelsizer.problems.laws.features import Floats

LARGEST_LN_TOKENS = 200.0  # e^200 tokens are more than any budget pays for
BISECTIONS = 64  # halves 200 to below the spacing of doubles
_SKIPPED = 46  # halvings whose points are exact, being multiples of 200 / 2^46
_SECANTS = 12
_CLOSE = 1e-12  # in ln D
_FIRST = 24.0, 30.0  # ln D of 3e10 and 1e13 tokens, between which most answers are
_SLOPE = -0.3  # in ln D until two points give one: about -beta of published laws
_APART = 1e-6  # points nearer to one another than this determine no slope
_NOISE = 2e-14  # relative rounding of a loss, with a margin


def fewest_tokens(loss: Callable[[Floats], Floats], target: Floats) -> Floats:
    """Find the fewest tokens with at most some loss.

    Parameters
    ----------
    loss : callable
        From tokens, shape (...), to the loss, which does not rise.
    target : array of shape (...)

    Returns
    -------
    tokens : array of shape (...)
        Infinite where no number of tokens reaches the target.
    """
    most = np.full(np.shape(target), LARGEST_LN_TOKENS)
    floor = loss(np.exp(most))
    reached = floor <= target
    if not np.any(reached):
        return np.full(np.shape(target), np.inf)
    low, high, first = _cells(loss, target, floor, reached)
    for _ in range(first, BISECTIONS):
        middle = (low + high) / 2
        if (~np.asarray(reached) | (middle <= low) | (middle >= high)).all():
            break
        enough = loss(np.exp(middle)) <= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reached, np.exp(high), np.inf)


def _cells(
    loss: Callable[[Floats], Floats], target: Floats, floor: Floats, reached: Floats
) -> tuple[Floats, Floats, int]:
    """Return what some number of halvings leaves of the range of ln D, and that number."""
    whole = np.zeros(np.shape(target)), np.full(np.shape(target), LARGEST_LN_TOKENS), 0
    with np.errstate(all="ignore"):
        root, slope = _root(loss, target, floor)
        reach = np.where(reached, _NOISE * np.abs(target / slope) + 2 * _CLOSE, 0.0)
        widest = float(np.max(reach, initial=_CLOSE))
        if not widest < 1:
            return whole
        number = min(_SKIPPED, int(np.log2(LARGEST_LN_TOKENS / (2 * widest))))
        side = LARGEST_LN_TOKENS / 2**number
        # A cell ends between the two points at most once, and is halved there.
        ends = [np.floor(np.where(reached, root + sign * reach, 0.0) / side) for sign in (-1, 1)]
        least, most = (loss(np.exp(root + sign * reach)) for sign in (1, -1))
        apart = _NOISE * np.abs(target) / 2
        sure = (least < target - apart) & (most > target + apart) & (ends[0] >= 0)
        sure &= (ends[1] - ends[0] <= 1) & (ends[1] < 2.0**number)
        if not (sure | ~np.asarray(reached)).all():
            return whole
        right = (ends[1] > ends[0]) & ~(loss(np.exp(ends[1] * side)) <= target)
        cell = np.where(right, ends[1], ends[0])
    return cell * side, (cell + 1) * side, number


def _root(loss: Callable[[Floats], Floats], target: Floats, floor: Floats) -> tuple[Floats, Floats]:
    """Return about where a law meets the target, in ln D, and its slope there."""

    def above(at: Floats) -> Floats:
        """Logarithm of how far the loss is from its least, over how far the target is."""
        found: Floats = np.log((loss(np.exp(at)) - floor) / (target - floor))
        return found

    low, high = np.zeros(np.shape(target)), np.full(np.shape(target), LARGEST_LN_TOKENS)
    before, at = (low + first for first in _FIRST)
    value, slope = above(before), low + _SLOPE
    for _ in range(_SECANTS):
        last, value = value, above(at)
        low, high = np.where(value > 0, at, low), np.where(value > 0, high, at)
        fresh = (value - last) / (at - before)
        slope = np.where((np.abs(at - before) > _APART) & (fresh < 0), fresh, slope)
        step = at - value / slope
        step = np.where((step > low) & (step < high), step, (low + high) / 2)
        before, at = at, np.where(np.abs(value / slope) < _CLOSE, at, step)
        if not (np.abs(at - before) > _CLOSE).any():
            break
    return at, slope * (target - floor)
