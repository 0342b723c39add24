"""What a live page asks, and its answers, as plain values for JSON.

A desk has three workers: one solves, one draws and explains, and one writes reports, so that no
answer waits for a picture. Each has tables of its own, which no other thread touches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from modelsizer.live.control import Control
from modelsizer.live.controls import controls
from modelsizer.live.problem_file import ProblemText
from modelsizer.live.shown_text import shown
from modelsizer.live.state import Asked, State, asked
from modelsizer.live.view import view_of
from modelsizer.live.worker import Worker
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.records import dataclass

SECONDS, EXPLAINING_SECONDS = 60.0, 5.0
"""Time limits of a view, or drawings, and of repairs, after which the page shows what is known.

What a command gives too has none, as the command has none.
"""
WriteReport = Callable[[Result, str, Asked, Clock], str]


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
    write : callable, optional
        Writes a report, from a result, the source, what was asked, and a clock; without it there
        are none.

    Raises
    ------
    ProblemError
        If there is no such file, or anything in it is wrong.
    """

    def __init__(self, source: str, write: WriteReport | None = None) -> None:
        self.source, self._write = source, write
        self._solving, self._drawing = Worker("answers"), Worker("drawings")
        self._reporting = Worker("reports")
        self._lock, self._pages = threading.Lock(), count()
        self._version: Version | None = None
        ProblemText.read(source).problem()

    def page(self) -> dict[str, Any]:
        """The data of the page: controls, and the answer of the file as it is."""
        return self._ask(self._solving, f"page {next(self._pages)}", self._page)

    def view(self, state: State, asker: str = "", *, quick: bool = False) -> dict[str, Any]:
        """What the page shows of the answer; see `Worker.result` of what is left out if quick.

        Drawings and repairs that a page still waits for are of an older state: they are stopped.
        """
        if asker:
            self._drawing.queue.stop(asker)
            self._drawing.queue.stop(f"{asker} repairs")

        def work(text: ProblemText, clock: Clock) -> dict[str, Any]:
            return self._view(text, state, clock, quick=quick)

        return self._ask(self._solving, asker, work)

    def solve(self, state: State, asker: str = "") -> dict[str, Any]:
        """The JSON of the command ``solve``."""

        def work(text: ProblemText, clock: Clock) -> dict[str, Any]:
            from modelsizer.live.solved import solved_dict

            problem = asked(text, state).problem
            return solved_dict(self._solving.solver(problem, clock, anew=True), clock)

        return self._ask(self._solving, asker, work, time_limit=None)

    def drawings(self, state: State, asker: str = "") -> dict[str, Any]:
        """The stack, the map and the front of the answer."""

        def work(text: ProblemText, clock: Clock) -> dict[str, Any]:
            from modelsizer.live.drawings import drawings

            result, _ = self._drawing.result(text.version, asked(text, state), clock)
            return drawings(result, clock)

        return self._ask(self._drawing, asker, work)

    def repairs(self, state: State, asker: str = "") -> dict[str, Any]:
        """The least repairs of an infeasible problem; none of another one."""

        def work(text: ProblemText, clock: Clock) -> dict[str, Any]:
            from modelsizer.live.offers import offers, without_offers
            from modelsizer.optimizer.explain.explain import explain

            found = explain(asked(text, state).problem, clock=clock)
            keys = {*state.plain, *self._known_keys(text)}
            made = [offer.to_dict() for offer in offers(found, keys)]
            none = "" if made or found.feasible else without_offers(found)
            return shown({"repairs": made, "complete": found.complete, "none": none})

        return self._ask(self._drawing, f"{asker} repairs", work, EXPLAINING_SECONDS)

    def toml(self, state: State, _asker: str = "") -> dict[str, Any]:
        """The problem as a file."""
        from modelsizer.text.problem_toml import problem_toml

        problem = asked(ProblemText.read(self.source), state).problem
        return {"text": f"{problem_toml(problem)}\n"}

    def config(self, state: State, framework: str, asker: str = "") -> dict[str, Any]:
        """The configuration of the answer for a framework, as `solve --export` writes it."""

        def work(text: ProblemText, clock: Clock) -> dict[str, Any]:
            from modelsizer.live.saved import config_dict

            result, _ = self._solving.result(text.version, asked(text, state), clock, quick=True)
            return config_dict(result, framework)

        return self._ask(self._solving, f"{asker} config", work)

    def report(self, state: State, asker: str = "") -> dict[str, Any]:
        """The page of the command ``report`` about the answer."""
        write = self._write

        def work(text: ProblemText, clock: Clock) -> dict[str, Any]:
            assert write is not None
            found = asked(text, state)
            result = self._reporting.solver(found.problem, clock, anew=True).solve()
            name = f"{Path(self.source).stem}.html"
            return {"name": name, "html": write(result, self.source, found, clock)}

        return self._ask(self._reporting, asker, work, time_limit=None)

    @property
    def reports(self) -> bool:
        """Whether it writes reports."""
        return self._write is not None

    def close(self, patience: float = 0.0) -> bool:
        """Stop what is asked; return whether all workers have ended."""
        ended = [worker.queue.close(patience) for worker in self._workers]
        return all(ended)

    @property
    def _workers(self) -> tuple[Worker, ...]:
        return self._solving, self._drawing, self._reporting

    def _ask(
        self,
        worker: Worker,
        asker: str,
        work: Callable[[ProblemText, Clock], dict[str, Any]],
        time_limit: float | None = SECONDS,
    ) -> dict[str, Any]:
        text = ProblemText.read(self.source)
        return worker.queue.ask(asker, lambda clock: work(text, clock), time_limit=time_limit)

    def _page(self, text: ProblemText, clock: Clock) -> dict[str, Any]:
        version, state = self._known(text, clock), State()
        found: dict[str, Any] = {
            "name": text.problem().name,
            "source": self.source,
            "version": text.version,
            "controls": [control.to_dict() for control in version.controls.values()],
            "view": self._view(text, state, clock),
            "drawings": None,
            "state": {"settings": {}, "without": []},
        }
        return shown(found)

    def _view(
        self, text: ProblemText, state: State, clock: Clock, *, quick: bool = False
    ) -> dict[str, Any]:
        found, version = asked(text, state), self._known(text, clock)
        result, whole = self._solving.result(text.version, found, clock, quick=quick)
        view = view_of(
            result, found, state, version.controls, source=self.source, version=text.version
        )
        return shown(view.to_dict() | {"more": not whole})

    def _known_keys(self, text: ProblemText) -> Collection[str]:
        """Keys of the controls, if they are made."""
        with self._lock:
            known = self._version
        return known.controls if known is not None and known.text == text else ()

    def _known(self, text: ProblemText, clock: Clock) -> Version:
        """The version of the file with its controls, made once."""
        with self._lock:
            known = self._version
        if known is None or known.text != text:
            base = asked(text, State())
            result, _ = self._solving.result(text.version, base, clock)
            known = Version(text, {c.key: c for c in controls(base.problem, result)})
            with self._lock:
                self._version = known
        return known
