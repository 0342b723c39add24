"""Engines that are left: at a limit, at Ctrl-C, and what they leave behind."""

import os
import threading
import time

import pytest

from modelsizer.optimizer.milp.attended import attended
from modelsizer.optimizer.milp.backends.quiet import silenced
from modelsizer.optimizer.milp.program import Outcome
from modelsizer.optimizer.tables.clock import Clock, Limits, OutOfTimeError, StoppedError
from modelsizer.problems import interrupts

DONE = Outcome(None, 1.0, finished=True, words="done")


def test_an_outcome_and_an_error_come_back() -> None:
    assert attended(lambda: DONE, Clock()) is DONE
    with pytest.raises(ZeroDivisionError):
        attended(lambda: 1 / 0, Clock())  # type: ignore[arg-type, return-value]


def test_an_engine_past_its_limit_is_left(capfd: pytest.CaptureFixture[str]) -> None:
    go = threading.Event()

    def engine() -> Outcome:
        with silenced():
            os.write(1, b"banner\n")
            go.wait(30)
        return DONE

    started = time.perf_counter()
    with pytest.raises(OutOfTimeError):
        attended(engine, Clock(Limits(0.1)))
    assert time.perf_counter() - started < 10
    os.write(1, b"answer\n")
    go.set()
    assert capfd.readouterr().out == "answer\n"


def test_an_engine_is_left_at_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    go, clock = threading.Event(), Clock()
    monkeypatch.setattr(interrupts, "count", lambda: 1)
    with pytest.raises(StoppedError, match="interrupted"):
        attended(lambda: (go.wait(30), DONE)[1], clock)
    go.set()
