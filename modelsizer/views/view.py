"""What the views of a design share: the design, the settings that it is under, and names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.optimizer.one_design import one_design
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.tables.clock import Stop
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.assumptions import Assumptions
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.text.assumptions import serving_rows

OPTIMUM = "optimum"


@dataclass(frozen=True, slots=True)
class Viewed:
    """A design under single-valued settings.

    Parameters
    ----------
    name : str
        Of the design.
    problem : Problem
    design : Evaluation
    stop : str
        Why the search for it ended; ``"proven"`` if it is the optimum, or was given.
    asks_training : bool
        Whether settings of a given architecture ask for its training memory.
    idle : tuple of str
        Settings that change no figure, and why.
    """

    name: str
    problem: Problem
    design: Evaluation
    stop: Stop = "proven"
    asks_training: bool = False
    idle: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What a report is headed by."""
        return self.problem.name if self.name == OPTIMUM else self.name

    @property
    def assumed(self) -> Assumptions:
        """The settings of serving that figures hold for."""
        return Assumptions.of(self.problem)

    def rows(self) -> list[tuple[str, str]]:
        """The same in words."""
        return serving_rows(self.assumed, self.design.architecture)

    def to_dict(self) -> dict[str, Any]:
        """Whether the design is proven, for JSON."""
        return {"complete": self.stop == "proven", "stop": self.stop}

    def assuming(self) -> dict[str, Any]:
        """The same, with the settings that figures hold for."""
        return self.to_dict() | {"assumptions": self.assumed.to_dict()}


def viewed(
    design: Result | Architecture,
    problem: Problem | None = None,
    settings: Mapping[str, object] | None = None,
) -> Viewed:
    """The design of a result, or an architecture under a problem or settings alone.

    Raises
    ------
    NoDesignError
        If the result has no design.
    ProblemError
        If a setting is wrong.
    """
    require_type("design", design, Result | Architecture)
    if isinstance(design, Result):
        asked = design.chosen if not settings else design.chosen.with_settings(settings)
        return Viewed(OPTIMUM, asked, design.best, design.stop)
    name = design.block or "architecture"
    found = one_design(design, problem, settings or {})
    return Viewed(
        name, found.problem, found.design, asks_training=found.asks_training, idle=found.idle
    )
