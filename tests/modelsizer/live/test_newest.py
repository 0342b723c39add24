"""The queue of the live page: one thread, the newest question of each asker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from modelsizer.live.newest import ClosedError, Newest, OvertakenError
from modelsizer.optimizer.tables.clock import Clock


def in_thread(queue: Newest, asker: str, work: Callable[[Clock], object], told: list[object]) -> (
    threading.Thread
):  # fmt: skip
    def run() -> None:
        try:
            told.append(queue.ask(asker, work))
        except Exception as error:
            told.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def until(clock: Clock) -> str:
    """Work that only its clock ends."""
    while not clock.within(100.0).out_of_time:
        time.sleep(0.001)
    return "stopped"


def test_the_newest_wins_and_stops_what_runs() -> None:
    queue, told = Newest("test"), list[object]()
    first = in_thread(queue, "a", until, told)
    time.sleep(0.02)
    assert queue.ask("a", lambda _: "second") == "second"
    first.join(5)
    assert told == [OvertakenError]
    assert queue.close(5)


def test_other_askers_wait_their_turn() -> None:
    queue, told, gate = Newest("test"), list[object](), threading.Event()
    threads = [in_thread(queue, "a", lambda _: gate.wait(5), told)]
    time.sleep(0.02)
    for asker in "bcbcb":
        threads.append(in_thread(queue, asker, lambda _, name=asker: name, told))
        time.sleep(0.02)
    gate.set()
    for thread in threads:
        thread.join(5)
    assert told.count(OvertakenError) == 3
    assert {each for each in told if each is not OvertakenError} == {True, "b", "c"}
    assert queue.close(5)


def test_what_nobody_wants_any_more_is_stopped() -> None:
    queue, told = Newest("test"), list[object]()
    thread = in_thread(queue, "a", until, told)
    time.sleep(0.02)
    queue.stop("b")
    queue.stop("a")
    thread.join(5)
    assert told == [OvertakenError]
    assert queue.ask("a", lambda _: 1) == 1
    assert queue.close(5)


def test_errors_go_to_who_asked_and_the_next_is_answered() -> None:
    queue = Newest("test")
    with pytest.raises(ZeroDivisionError):
        queue.ask("a", lambda _: 1 / 0)
    assert queue.ask("a", lambda _: 1) == 1
    assert queue.close(5)
    with pytest.raises(ClosedError):
        queue.ask("a", lambda _: 1)


def test_many_threads_end_each_with_an_answer_or_an_error() -> None:
    queue, told = Newest("test"), list[object]()
    work = lambda clock: sum(not clock.out_of_time for _ in range(50))  # noqa: E731
    threads = [in_thread(queue, str(n % 5), work, told) for n in range(60)]
    for thread in threads:
        thread.join(10)
    assert len(told) == 60
    assert set(told) <= {50, OvertakenError}
    assert told.count(50) >= 5
    assert queue.close(5)
