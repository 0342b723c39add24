"""The pattern of a stack of layers, and what each kind of layer costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.optimizer.result import Result
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.nearest import nearest
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.by_kind import Compared, by_kind
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.text.layers import compared_dict
from modelsizer.views.defaults import NEAREST
from modelsizer.views.view import Viewed, viewed


@dataclass(frozen=True, slots=True)
class Layers(Tabled, Drawn):
    """A design, and others beside it, by kind of layer.

    Parameters
    ----------
    of : Viewed
        The design.
    found : Compared
    """

    of: Viewed
    found: Compared

    def _words(self) -> str:
        others = counted(len(self.found.models) - 1, "other")
        own = counted(self.of.design.architecture.layers, "layer")
        return f"of {named(self.of.title)}: {own}, {others} beside"

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return self.of.assuming() | compared_dict(self.found)


def layers(
    design: Result | Architecture,
    beside: Mapping[str, Architecture] | None = None,
    *,
    problem: Problem | None = None,
    settings: Mapping[str, object] | None = None,
) -> Layers:
    """Find the pattern of a stack of layers, and what each kind of layer costs.

    Parameters
    ----------
    design : Result or Architecture
    beside : mapping of str to Architecture, optional
        Other designs, by name; by default the published models that are nearest.
    problem : Problem, optional
        That an architecture is evaluated under.
    settings : mapping, optional
        Values by dotted key, over those of the problem or by themselves.

    Returns
    -------
    Layers

    Raises
    ------
    ProblemError
        If a setting is wrong.

    Examples
    --------
    >>> from modelsizer import layers, load_architecture
    >>> found = layers(load_architecture("gemma-3-27b"), {})
    >>> list(found.found.models[0].memory)[:3]
    ['window', 'window context', 'dense']
    """
    return layers_of(viewed(design, problem, settings), beside)


def layers_of(of: Viewed, beside: Mapping[str, Architecture] | None) -> Layers:
    """A design by kind of layer, and others by name; None for the nearest published models."""
    own = of.design.architecture
    others = nearest(own, NEAREST) if beside is None else beside
    return Layers(of, by_kind(of.problem, {of.name: own, **others}))
