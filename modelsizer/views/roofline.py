"""Whether memory or compute bounds serving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.optimizer.result import Result
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.brief import named
from modelsizer.problems.designs.roofline_points import Roofline, roofline_points
from modelsizer.problems.errors import ArgumentError
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.text.roofline import roofline_dict
from modelsizer.views.view import Viewed, viewed


@dataclass(frozen=True, slots=True)
class RooflineView(Tabled, Drawn):
    """A design, and others, on the roofline of an accelerator.

    Parameters
    ----------
    of : Viewed
        The design.
    found : Roofline
    """

    of: Viewed
    found: Roofline

    def _words(self) -> str:
        roof = self.found.roof
        return f"of {named(self.of.title)} on {roof.device} in {roof.precision}"

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return self.of.assuming() | roofline_dict(self.found)


def roofline(
    design: Result | Architecture,
    beside: Mapping[str, Architecture] | None = None,
    *,
    problem: Problem | None = None,
    settings: Mapping[str, object] | None = None,
) -> RooflineView:
    """Find whether memory or compute bounds decode at several batches, and prefill.

    Parameters
    ----------
    design : Result or Architecture
    beside : mapping of str to Architecture, optional
        Other designs on the same accelerators, by name.
    problem : Problem, optional
        That an architecture is evaluated under.
    settings : mapping, optional
        Values by dotted key, over those of the problem or by themselves.

    Returns
    -------
    RooflineView

    Raises
    ------
    ArgumentError
        If the settings name no accelerator.
    ProblemError
        If a setting is wrong.

    Examples
    --------
    >>> from modelsizer import load_architecture, roofline
    >>> h100 = {"serving.accelerator": "H100-SXM"}
    >>> roofline(load_architecture("llama-3-8b"), settings=h100).found.roof.device
    'H100-SXM'
    """
    of = viewed(design, problem, settings)
    if lack := of.problem.lacks("prefill_latency"):
        raise ArgumentError("settings", lack)
    return roofline_of(of, beside or {})


def roofline_of(of: Viewed, beside: Mapping[str, Architecture]) -> RooflineView:
    """A design, and others by name, on the roofline of the accelerator that its problem names."""
    found = roofline_points(of.problem, {of.name: of.design.architecture, **beside})
    assert found is not None, "no accelerator"
    return RooflineView(of, found)
