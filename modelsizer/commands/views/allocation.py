"""The view allocation: shares of parameters and FLOPs by component."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelsizer.commands.app import fail, say
from modelsizer.commands.contexts import read_contexts
from modelsizer.commands.design_source import is_problem
from modelsizer.commands.views.view import Asked, Picture, Shown
from modelsizer.problems.records import dataclass
from modelsizer.views.defaults import ALLOCATED_AT

if TYPE_CHECKING:
    from modelsizer.optimizer.tables.clock import Clock, Stop
    from modelsizer.problems.architecture.architecture import Architecture


@dataclass(frozen=True, slots=True)
class _Source:
    """An architecture to allocate, its default contexts, and notes for the report."""

    architecture: Architecture
    title: str
    contexts: tuple[int, ...] = ALLOCATED_AT
    notes: tuple[str, ...] = ()
    stop: Stop = "proven"


def begin(asked: Asked) -> Callable[[Clock], Shown]:
    """Check the contexts, and return what counts the shares."""
    contexts = None if asked.context is None else read_contexts(asked.context)

    def answer(clock: Clock) -> Shown:
        from modelsizer.problems.architecture.allocation import allocate
        from modelsizer.text.allocate import allocation_csv, print_allocation

        of = _source(asked, clock)
        found = allocate(of.architecture, of.contexts if contexts is None else contexts)
        ended = {"source": asked.source, "complete": of.stop == "proven", "stop": of.stop}
        return Shown(
            ended | found.to_dict(),
            lambda console: print_allocation(console, of.title, found, of.notes),
            Picture("allocation", found, of.title),
            of.stop,
            lambda: allocation_csv(found),
        )

    return answer


def _source(asked: Asked, clock: Clock) -> _Source:
    """Return a design of a problem, or an architecture by itself, whose shares need no settings."""
    source = asked.source
    if is_problem(source) or asked.problem is not None:
        chosen = asked.design(clock)
        problem, notes = chosen.problem, list(chosen.note)
        if problem.training.flops != "exact":
            notes.append(f'The problem itself counts training FLOPs as "{problem.training.flops}".')
        title, own = asked.title(chosen), chosen.design.architecture
        return _Source(own, title, problem.contexts, tuple(notes), chosen.stop)
    if asked.settings:
        fail(f"--set: {source} is an architecture, and settings are of a problem")
    from modelsizer.problems.architecture.sources import load_architecture

    architecture = load_architecture(source, say, download=asked.download)
    return _Source(architecture, "standard input" if source == "-" else source)
