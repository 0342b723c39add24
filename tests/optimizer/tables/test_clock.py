"""One clock for each question: its limits, its shares, and how an answer ends."""

from __future__ import annotations

import math

import pytest

from modelsizer.optimizer.tables.clock import Clock, Ending, Limits, OutOfTimeError, StoppedError
from modelsizer.problems.errors import ArgumentError


@pytest.mark.parametrize("wrong", [-1, -1e-9, math.nan, math.inf])
def test_a_time_limit_is_zero_seconds_or_more(wrong: float) -> None:
    with pytest.raises(
        ArgumentError, match=r"time_limit: must be a finite number 0 or more"
    ) as error:
        Clock.of(wrong)
    assert error.value.as_option.startswith("--time-limit: ")


def test_a_clock_without_a_limit_never_runs_out() -> None:
    clock = Clock.of(None)
    clock.check()
    assert clock.share(3) is None and not clock.out_of_time


def test_a_clock_that_has_run_out_raises_and_leaves_next_to_nothing() -> None:
    clock = Clock.of(0)
    with pytest.raises(OutOfTimeError):
        clock.check()
    assert clock.out_of_time
    assert 0 < (clock.share(2) or 0) < 0.01


def test_a_clock_within_another_has_no_more_time_than_is_left() -> None:
    assert Clock(Limits(1e6)).within(10).limits.seconds == 10
    assert (Clock(Limits(1)).within(10).limits.seconds or 0) <= 1
    share = Clock(Limits(1e6)).share(4)
    assert share is not None and 2.4e5 < share <= 2.5e5


@pytest.mark.parametrize(
    ("error", "stop"),
    [
        (OutOfTimeError(), "time"),
        (StoppedError("nodes"), "nodes"),
        (KeyboardInterrupt(), "interrupted"),
        (MemoryError(), "memory"),
    ],
)
def test_an_ending_keeps_the_reason_and_what_was_found(error: BaseException, stop: str) -> None:
    ending, found = Ending(), []
    with ending:
        found.append(1)
        raise error
    assert (found, ending.stop, ending.complete) == ([1], stop, False)


def test_an_ending_lets_other_errors_pass() -> None:
    ending = Ending()
    with pytest.raises(ValueError, match="another"), ending:
        raise ValueError("another")
    assert ending.complete
