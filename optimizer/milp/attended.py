"""Run an engine so that it can be left: C++ code does not hear Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable

from modelsizer.optimizer.milp.backends.quiet import restore_output
from modelsizer.optimizer.milp.program import Outcome
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems import interrupts

_LOOK = 0.05  # seconds between two looks at the clock
_GRACE = 0.5  # seconds past its limit in which an engine may end by itself


def attended(call: Callable[[], Outcome], clock: Clock) -> Outcome:
    """Run an engine in a thread; leave it there if the clock or Ctrl-C stops the solve.

    Parameters
    ----------
    call : callable
        Without side effects but for processes that it starts, which are ended, and silenced output,
        which is restored.
    clock : Clock

    Raises
    ------
    StoppedError, KeyboardInterrupt
        If the engine was left.
    """
    outcomes: list[Outcome] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcomes.append(call())
        except BaseException as error:
            errors.append(error)

    before = interrupts.children()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK)
            if clock.interrupted or clock.late(_GRACE):
                clock.check()
    except BaseException:
        interrupts.end_children(before)
        interrupts.leave_threads()
        restore_output()
        raise
    if errors:
        raise errors[0]
    return outcomes[0]
