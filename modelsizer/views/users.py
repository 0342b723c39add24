"""How many requests a design serves at once, by context and on several machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from modelsizer.optimizer.result import Result
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.assumptions import Assumptions
from modelsizer.problems.designs.users import Server, server
from modelsizer.problems.errors import ArgumentError
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.text.assumptions import serving_rows
from modelsizer.views.defaults import USERS_AT
from modelsizer.views.view import Viewed, viewed


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
    assumed : tuple of Assumptions
        What the figures of each hold for.
    """

    of: Viewed
    each: tuple[str, ...]
    servers: tuple[Server, ...]
    assumed: tuple[Assumptions, ...]

    def _words(self) -> str:
        loads = counted(len(self.servers[0].loads), "context")
        return f"of {named(self.of.title)}: {counted(len(self.servers), 'machine')}, {loads}"

    @property
    def lack(self) -> str:
        """What is missing to count anything on any machine; empty if something is known."""
        return self.servers[0].lack if all(one.lack for one in self.servers) else ""

    @property
    def memory_alone(self) -> list[str]:
        """Machines whose steps count what they move and not what they compute."""
        pairs = zip(self.servers, self.assumed, strict=True)
        return [one.name for one, so in pairs if one.name and not one.lack and so.memory_alone]

    def rows(self) -> list[tuple[str, str]]:
        """The settings that the figures of all machines hold for, in words."""
        architecture = self.of.design.architecture
        rows, *others = (serving_rows(one, architecture) for one in self.assumed)
        return [row for row in rows if row[0] != "load" and all(row in other for other in others)]

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return self.of.to_dict() | {
            "each": ", ".join(self.each) or None,
            "servers": [one.to_dict() for one in self.servers],
        }


def users(
    design: Result | Architecture,
    contexts: Sequence[int] = USERS_AT,
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
    machines = [dict(zip(menus, values, strict=True)) for values in product(*menus.values())]
    named_so = [(", ".join(map(str, so.values())), so) for so in machines]
    found = users_of(of, contexts, tuple(menus), named_so)
    if found.lack:
        raise ArgumentError("settings", found.lack)
    return found


def users_of(
    of: Viewed,
    contexts: Sequence[int],
    each: tuple[str, ...],
    machines: Sequence[tuple[str, Mapping[str, object]]],
) -> Users:
    """The users of a design on machines, each a name and the settings in which it differs."""
    problem = of.problem.under(of.design.layout)
    architecture = of.design.architecture
    servers = (server(problem, architecture, contexts, so, name) for name, so in machines)
    assumed = tuple(Assumptions.of(problem.with_settings(so)) for _, so in machines)
    return Users(of, each, tuple(servers), assumed)
