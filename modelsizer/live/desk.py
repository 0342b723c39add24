"""What a live page asks, and its answers, as plain values for JSON.

A desk has two workers: one solves, and one draws and writes reports, so that an answer never waits
for a picture. Each has tables of its own, which no other thread touches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from modelsizer.live.controls import Control, controls
from modelsizer.live.newest import Newest
from modelsizer.live.problem_file import ProblemText
from modelsizer.live.state import Asked, State, asked
from modelsizer.live.view import view_of
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

SECONDS = 60.0
"""Time limit of an answer, after which the page shows what is known by then."""


class Worker:
    """A thread that solves, and what it keeps from one question to the next.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self.queue = Newest(name)
        self._last: Solver | None = None

    def solver(self, problem: Problem, clock: Clock, *, anew: bool = False) -> Solver:
        """A solver of a problem, with the tables of earlier questions.

        The tables of a space that is listed change nothing of an answer, not even what its proof
        counts. Those of a larger one hold the boxes into which earlier searches split it: the
        answer is the same, and its proof counts others.

        Parameters
        ----------
        problem : Problem
        clock : Clock
        anew : bool
            Whether the proof must count what that of a new solver counts.
        """
        last = self._last
        if last is None or (anew and not last.store.listable(problem)):
            found = Solver(problem, clock=clock)
        elif last.store.listable(problem):
            found = Solver(problem, clock=clock, store=last.store)
        else:
            found = Solver(problem, clock=clock, after=last)
        self._last = found
        return found


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the file: its text and its controls by key."""

    text: ProblemText
    controls: Mapping[str, Control]


class Desk:
    """Answers questions about a problem file.

    Parameters
    ----------
    source : str
        Path of a file, or the name of a library problem.

    Raises
    ------
    ProblemError
        If there is no such file, or anything in it is wrong.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._solving, self._drawing = Worker("answers"), Worker("drawings")
        self._lock = threading.Lock()
        self._version: Version | None = None
        ProblemText.read(source).problem()

    def page(self) -> dict[str, Any]:
        """The data of the page: controls, and the answer of the file as it is."""
        return self._ask(self._solving, "", lambda text, clock: self._page(text, clock))

    def view(self, state: State, asker: str = "") -> dict[str, Any]:
        """What the page shows of the answer."""
        return self._ask(self._solving, asker, lambda text, clock: self._view(text, state, clock))

    def solve(self, state: State, asker: str = "") -> dict[str, Any]:
        """The JSON of the command ``solve``."""

        def work(text: ProblemText, clock: Clock) -> dict[str, Any]:
            from modelsizer.live.solved import solved_dict

            problem = asked(text, state).problem
            return solved_dict(self._solving.solver(problem, clock, anew=True), clock)

        return self._ask(self._solving, asker, work)

    def close(self, patience: float = 0.0) -> bool:
        """Stop what is asked; return whether both workers have ended."""
        ended = [worker.queue.close(patience) for worker in (self._solving, self._drawing)]
        return all(ended)

    def _ask(
        self,
        worker: Worker,
        asker: str,
        work: Callable[[ProblemText, Clock], dict[str, Any]],
        time_limit: float = SECONDS,
    ) -> dict[str, Any]:
        text = ProblemText.read(self.source)
        return worker.queue.ask(asker, lambda clock: work(text, clock), time_limit=time_limit)

    def _page(self, text: ProblemText, clock: Clock) -> dict[str, Any]:
        version, state = self._known(text, clock), State()
        return {
            "name": text.problem().name,
            "source": self.source,
            "version": text.version,
            "controls": [control.to_dict() for control in version.controls.values()],
            "view": self._view(text, state, clock),
            "drawings": None,
            "state": {"settings": {}, "without": []},
        }

    def _view(self, text: ProblemText, state: State, clock: Clock) -> dict[str, Any]:
        found = asked(text, state)
        result = self._result(found, clock)
        version = self._known(text, clock)
        view = view_of(
            result, found, state, version.controls, source=self.source, version=text.version
        )
        return view.to_dict()

    def _result(self, found: Asked, clock: Clock) -> Result:
        return self._solving.solver(found.problem, clock).solve()

    def _known(self, text: ProblemText, clock: Clock) -> Version:
        """The version of the file with its controls, made once."""
        with self._lock:
            known = self._version
        if known is None or known.text != text:
            base = text.problem()
            result = self._solving.solver(base, clock).solve()
            known = Version(text, {c.key: c for c in controls(base, result)})
            with self._lock:
                self._version = known
        return known
