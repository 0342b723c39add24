"""How many requests a design serves at once, by context and on several machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from modelsizer.optimizer.result import Result
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.users import Server, server
from modelsizer.problems.errors import ArgumentError
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.views.view import Viewed, viewed

CONTEXTS = (4096, 8192, 16384, 32768, 65536, 131072)
"""Tokens of each request, if none are asked for."""


@dataclass(frozen=True, slots=True)
class Users(Tabled, Drawn):
    """Requests at once.

    Parameters
    ----------
    of : Viewed
        The design.
    each : tuple of str
        Keys of the settings in which the machines differ.
    servers : tuple of Server
        One for each machine.
    """

    of: Viewed
    each: tuple[str, ...]
    servers: tuple[Server, ...]

    def _words(self) -> str:
        loads = counted(len(self.servers[0].loads), "context")
        return f"of {named(self.of.title)}: {counted(len(self.servers), 'machine')}, {loads}"

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return self.of.to_dict() | {
            "each": ", ".join(self.each) or None,
            "servers": [one.to_dict() for one in self.servers],
        }


def users(
    design: Result | Architecture,
    contexts: Sequence[int] = CONTEXTS,
    *,
    each: Mapping[str, Sequence[object]] | None = None,
    problem: Problem | None = None,
    settings: Mapping[str, object] | None = None,
) -> Users:
    """Count the users that a design serves at once, and what each of them sees and costs.

    Parameters
    ----------
    design : Result or Architecture
    contexts : sequence of int
        Tokens of each request.
    each : mapping of str to sequence, optional
        Values of settings by dotted key; every combination is a machine.
    problem : Problem, optional
        That an architecture is evaluated under.
    settings : mapping, optional
        Values by dotted key, over those of the problem or by themselves.

    Returns
    -------
    Users

    Raises
    ------
    ArgumentError
        If nothing can be counted on any machine: what is missing.
    ProblemError
        If a setting is wrong.

    Examples
    --------
    >>> from modelsizer import load_architecture, users
    >>> h100 = {"serving.accelerator": "H100-SXM"}
    >>> found = users(load_architecture("llama-3-8b"), [8192], settings=h100)
    >>> found.servers[0].loads[0].requests > 10
    True
    """
    menus = each or {}
    first = {} if isinstance(design, Result) else {key: some[0] for key, some in menus.items()}
    of = viewed(design, problem, first | dict(settings or {}))
    asked = of.problem.under(of.design.layout)
    machines = [dict(zip(menus, values, strict=True)) for values in product(*menus.values())]
    found = tuple(
        server(asked, of.design.architecture, contexts, so, ", ".join(map(str, so.values())))
        for so in machines
    )
    if all(one.lack for one in found):
        raise ArgumentError("settings", found[0].lack)
    return Users(of, tuple(menus), found)
