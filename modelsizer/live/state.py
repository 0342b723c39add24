"""The state of a live page: what differs from the file, as it is asked over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from modelsizer.live.problem_file import ProblemText
from modelsizer.live.typed_text import typed
from modelsizer.optimizer.constraints import is_limit
from modelsizer.optimizer.laws.corners import overlays
from modelsizer.problems.errors import ProblemError, did_you_mean, short
from modelsizer.problems.key_values import check_apart, one_line, read_value
from modelsizer.problems.problem import Problem
from modelsizer.problems.reading import flattened
from modelsizer.problems.records import dataclass
from modelsizer.text.command_line import CommandLine

CORNER, SCENARIO = "corner", "scenario"
"""Keys of a state that stand for several settings: of a corner, and of a scenario of the file."""
MOST_KEYS = 1000
"""Settings of a state; a problem file has some hundred."""


@dataclass(frozen=True, slots=True)
class State:
    """What is asked of a problem file beside what it says.

    Parameters
    ----------
    settings : mapping of str to value
        By dotted key; also `CORNER` and `SCENARIO`. A text is read as ``--set KEY=TEXT`` reads it.
    without : tuple of str
        Limits that are left out.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: object) -> State:
        """Read the state of a request: ``{"settings": {key: value}, "without": [key]}``.

        Raises
        ------
        ProblemError
            If it is none.
        """
        if not isinstance(body, Mapping):
            raise ProblemError.of("", f'{short(body)} is not {{"settings": {{key: value}}}}')
        settings, without = body.get("settings", {}), body.get("without", [])
        if not isinstance(settings, Mapping):
            raise ProblemError.of("settings", f"{short(settings)} is not a table of values by key")
        if not isinstance(without, list) or not all(isinstance(key, str) for key in without):
            raise ProblemError.of("without", f"{short(without)} is not a list of keys")
        if len(settings) + len(without) > MOST_KEYS:
            raise ProblemError.of("", f"more than {MOST_KEYS:,} settings are not read")
        return cls({str(k): _read(str(k), v) for k, v in settings.items()}, tuple(without))

    @property
    def plain(self) -> dict[str, object]:
        """The settings that are keys of the file."""
        return {k: v for k, v in self.settings.items() if k not in (CORNER, SCENARIO)}


def _read(key: str, value: object) -> object:
    """A value, which may be the text that someone typed."""
    one_line(key, "settings")
    if not isinstance(value, str):
        return value
    return read_value(one_line(value, key).strip())


@dataclass(frozen=True, slots=True)
class Asked:
    """A state whose corner and scenario are written out, and its problem.

    Parameters
    ----------
    problem : Problem
    settings : mapping of str to value
        With those of the corner and the scenario.
    without : tuple of str
    """

    problem: Problem
    settings: Mapping[str, object]
    without: tuple[str, ...]

    @property
    def pairs(self) -> tuple[str, ...]:
        """The settings as ``--set`` takes them; limits that are numbers without quotes."""
        return tuple(f"{key}={_typed(key, value)}" for key, value in self.settings.items())

    def command_line(self, source: str) -> CommandLine:
        """The same asked of a file, or of a problem of the library, on the command line."""
        return CommandLine(source, self.pairs, self.without)


def _typed(key: str, value: object) -> str:
    if isinstance(value, str) and is_limit(key):
        read = read_value(value)
        if isinstance(read, int | float) and not isinstance(read, bool):
            return value.strip()
    return typed(value)


def asked(text: ProblemText, state: State) -> Asked:
    """The problem of a state: of the file with ``--set`` and ``--without``, as commands read it.

    Raises
    ------
    ProblemError
        If a key or value is wrong.
    """
    settings = {**_scenario(text, state), **state.plain}
    check_apart(settings, state.without)
    problem = text.problem(settings)
    if state.without:
        problem = problem.without(*state.without)
    if (corner := state.settings.get(CORNER)) is not None:
        change = _corner(problem, corner)
        settings |= change
        problem = text.problem(settings)
        problem = problem.without(*state.without) if state.without else problem
    return Asked(problem, settings, state.without)


def _scenario(text: ProblemText, state: State) -> dict[str, object]:
    """Settings of the scenario that is asked for, but those that the state has others of."""
    name = state.settings.get(SCENARIO)
    if name is None:
        return {}
    base = text.problem()
    if not isinstance(name, str) or name not in base.scenarios:
        known = ", ".join(base.scenarios) or "none"
        raise ProblemError.of(SCENARIO, f"no scenario {short(name)}; known: {known}")
    mine = [f"{key}." for key in (*state.plain, *state.without)]
    found = flattened(base.scenarios[name])
    return {k: v for k, v in found.items() if not any(f"{k}.".startswith(own) for own in mine)}


def corners_of(problem: Problem) -> dict[str, dict[str, object]]:
    """Settings of each corner of a problem, by its name, as plain values."""
    return {
        name: {key: _plain(value) for key, value in change.items()}
        for name, change in overlays(problem)
    }


def _corner(problem: Problem, name: object) -> dict[str, object]:
    known = corners_of(problem)
    if not isinstance(name, str) or name not in known:
        hint = did_you_mean(str(name), known)
        raise ProblemError.of(CORNER, f"no corner {short(name)}{hint}; known: {', '.join(known)}")
    return known[name]


def _plain(value: Any) -> object:
    return value.to_table() if hasattr(value, "to_table") else value
