"""Result of a solve, as frozen values that are validated against one another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any, Literal

from modelsizer.optimizer.tables.clock import Stop, StoppedError
from modelsizer.optimizer.warning import AnswerWarning
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.describing import design_architecture, parameters_dict
from modelsizer.problems.architecture.structures import structure_of
from modelsizer.problems.brief import named
from modelsizer.problems.designs.capacity import (
    LATENCIES,
    latency_estimates,
    serving_room,
    state_bytes,
)
from modelsizer.problems.designs.evaluated import design_words
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.designs.hyperparameters import hyperparameters
from modelsizer.problems.designs.speculated import speculated
from modelsizer.problems.designs.text import text_dict
from modelsizer.problems.designs.worth import worth
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.quantities.quantity import Sense
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.device_limits import given_as
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.space.defaults import defaults_line
from modelsizer.problems.units import Number

Status = Literal["optimal", "infeasible", "limit"]
Side = Literal["max", "min"]

PROVEN: frozenset[Stop] = frozenset({"proven", "gap"})


class NoDesignError(LookupError):
    """Raised if a result has no design."""


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """One end of a constraint and the value that the design has.

    Parameters
    ----------
    name : str
        Name of the budget, or ``training.tokens``.
    used, limit : int or float
        In `unit`.
    unit : str
    side : {"max", "min"}
    binding : bool
        Whether the design is at the limit, or a better design exists without it.
    reference : str
        ``"as MODEL [at TOKENS]"``, if the limit is that of a model.
    device : str
        Name of the accelerator, if the limit is what fits it and the problem gives none.
    """

    name: str
    used: Number
    limit: Number
    unit: str
    side: Side
    binding: bool
    reference: str = ""
    device: str = ""

    @property
    def given_as(self) -> str:
        """How the limit was given, if not as a number in a common unit; see `given_as`."""
        return given_as(self.limit, self.reference, self.device)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        found: dict[str, Any] = {
            "name": self.name,
            "used": _finite(self.used),
            "limit": self.limit,
            "unit": self.unit,
            "side": self.side,
            "binding": self.binding,
        }
        found |= {"reference": self.reference} if self.reference else {}
        return found | ({"default": True, "fits": self.device} if self.device else {})


@dataclass(frozen=True, slots=True)
class Objective:
    """Objective of a problem; `value` is None if no design is known."""

    name: str
    sense: Sense
    value: Number | None


@dataclass(frozen=True)
class Result(Tabled, Drawn):
    """Result of a solve.

    Parameters
    ----------
    problem : Problem
    solver : str
    seconds : float
    status : {"optimal", "infeasible", "limit"}
        What is proven: the design is optimal within the allowed gap, no design is feasible, or
        neither, since a limit of the solve was reached.
    stop : str
        Reason why the solve stopped.
    objective : Objective
    bound : float or None
        Proven bound on the objective of all designs of the space; None if none was proven.
    tolerance : float
        Gap at which the proof counts as complete.
    design : Evaluation or None
        Best design found; its constraints are checked in exact arithmetic.
    budgets : tuple of BudgetUse
    warnings : tuple of AnswerWarning
        The most consequential first; of an infeasible problem, the reasons.
    statistics : mapping of str to number
        Number of designs, and how many each step of the proof removed.

    Raises
    ------
    ValueError
        If the values contradict one another: an optimum without a design or with a gap above the
        tolerance, an infeasible problem with a design, a design that violates a constraint, or a
        bound on the wrong side of the objective.
    """

    problem: Problem
    solver: str
    seconds: float
    status: Status
    stop: Stop
    objective: Objective
    bound: float | None
    tolerance: float
    design: Evaluation | None = None
    budgets: tuple[BudgetUse, ...] = ()
    warnings: tuple[AnswerWarning, ...] = ()
    statistics: Mapping[str, Number] = field(default_factory=dict)

    def _words(self) -> str:
        found = "no design" if self.design is None else design_words(self.design)
        why = "" if self.status != "limit" else f" ({self.stop})"
        return f"of {named(self.problem.name)}: {self.status}{why}, {found}"

    def __post_init__(self) -> None:
        if (self.design is None) != (self.objective.value is None):
            raise ValueError("a design and its objective come together")
        if self.design is not None and not self.design.feasible:
            raise ValueError(f"the design breaks {', '.join(self.design.violated)}")
        if self.status == "optimal":
            if self.design is None or self.bound is None or self.stop not in PROVEN:
                raise ValueError("an optimum needs a design, a bound and a finished proof")
            assert self.gap is not None
            if self.gap > self.tolerance:
                raise ValueError(f"gap {self.gap} is above the tolerance {self.tolerance}")
        if self.status == "infeasible" and (self.design is not None or self.stop != "proven"):
            raise ValueError("an infeasible problem has no design, and a finished proof")
        if self.status == "limit" and self.stop == "proven":
            raise ValueError("a finished proof is no limit")
        if self.gap is not None and self.gap < 0:
            raise ValueError("the bound is on the wrong side of the objective")

    @classmethod
    def unsolved(cls, problem: Problem, solver: str, stop: Stop) -> Result:
        """Return the result of a problem that a limit left no time to begin."""
        asked = problem.objective
        value = Objective(asked.quantity, asked.sense, None)
        return cls(problem, solver, 0.0, "limit", stop, value, None, 0.0)

    @property
    def best(self) -> Evaluation:
        """The design.

        Raises
        ------
        NoDesignError
            If the result has none.
        """
        if self.design is None:
            raise NoDesignError(f"no design: the problem's status is {self.status}")
        return self.design

    def finished(self) -> Result:
        """Return this result if it is proven: what stopped early decides no larger question.

        Raises
        ------
        StoppedError
            If it stopped before the proof.
        """
        if self.stop not in PROVEN:
            raise StoppedError(self.stop)
        return self

    @property
    def gap(self) -> float | None:
        """Distance between objective and bound; None if either is unknown."""
        if self.objective.value is None or self.bound is None:
            return None
        value = float(self.objective.value)
        return self.bound - value if self.objective.sense == "maximize" else value - self.bound

    @property
    def lower_bound(self) -> float | None:
        """Lower bound on the optimum."""
        if self.objective.sense == "minimize":
            return self.bound
        return None if self.objective.value is None else float(self.objective.value)

    @property
    def chosen(self) -> Problem:
        """The problem with the settings of single values that were chosen with the design."""
        return self.problem if self.design is None else self.problem.under(self.design.layout)

    @property
    def notes(self) -> list[str]:
        """What the problem left to defaults that decide a design: one line, or none."""
        found = None if self.design is None else self.design.architecture
        of = [structure_of(found)] if found is not None and found.block in BLOCKS else None
        problem = self.chosen
        line = defaults_line(problem.space, of, problem.setups[0].training)
        return [line] if line else []

    @property
    def upper_bound(self) -> float | None:
        """Upper bound on the optimum."""
        if self.objective.sense == "maximize":
            return self.bound
        return None if self.objective.value is None else float(self.objective.value)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract, and what the answer was computed from.

        FLOPs, tokens and bytes are plain numbers; for `problem` and `provenance` see
        `modelsizer.problems.provenance.sources`.
        """
        return self.figures() | sources(self.problem)

    def figures(self) -> dict[str, Any]:
        """The keys of the JSON contract alone."""
        found: dict[str, Any] = {
            "name": self.problem.name,
            "status": self.status,
            "stop": self.stop,
            "complete": self.status != "limit",
            "solver": self.solver,
            "seconds": round(self.seconds, 6),
            "objective": {
                "name": self.objective.name,
                "sense": self.objective.sense,
                "value": _finite(self.objective.value),
            },
            "lower_bound": _finite(self.lower_bound),
            "upper_bound": _finite(self.upper_bound),
            "gap": _finite(self.gap),
        }
        if self.design is not None:
            found |= design_dict(self.problem, self.design)
            suggestions = hyperparameters(self.problem, self.design)
            found["hyperparameters"] = [each.to_dict() for each in suggestions]
        else:
            found |= dict.fromkeys(("loss", "architecture", "parameters", "tokens"))
            found |= dict.fromkeys(("choices", "loss_band"))
            found["hyperparameters"] = []
            found["training_flops"] = None
        found["budgets"] = [use.to_dict() for use in self.budgets]
        found["notes"] = self.notes
        found["warnings"] = [str(warning) for warning in self.warnings]
        found["statistics"] = dict(self.statistics)
        return found


def _finite(value: Number | None) -> Number | None:
    return None if value is None or not math.isfinite(value) else value


def design_dict(problem: Problem, design: Evaluation) -> dict[str, Any]:
    """Plain values of a design: loss, architecture, parameters, tokens and other quantities."""
    asked, problem = problem, problem.under(design.layout)
    return {
        "loss": _finite(design.loss),
        "shape_excess": _finite(design.shape_excess),
        "law": problem.law.name,
        "shape": problem.shape.name,
        **text_dict(problem, design),
        **_worth(problem, design),
        "architecture": design_architecture(design.architecture),
        "parameters": parameters_dict(design.parameters),
        "tokens": _finite(design.tokens),
        "training_flops": _finite(design.training_flops),
        "training_flops_per_token": design.training_flops_per_token,
        "layout": design.layout.degrees | {"accelerators": design.layout.accelerators},
        **machine_dict(asked, design),
        "quantities": {
            name: _finite(design.quantity(name)) for name in design.exact if name not in _APART
        },
        **served_dict(problem, design),
    }


def machine_dict(problem: Problem, design: Evaluation) -> dict[str, Any]:
    """What was chosen of settings that offer several values, by table; empty if none does."""
    return {"machine": problem.machine(design.layout)} if problem.menus else {}


def machine_of(problem: Problem, design: Evaluation) -> dict[str, Any]:
    """The same by dotted key."""
    tables = machine_dict(problem, design).get("machine", {})
    return {f"{name}.{key}": v for name, table in tables.items() for key, v in table.items()}


def _worth(problem: Problem, design: Evaluation) -> dict[str, Any]:
    found = worth(problem, design)
    return dict.fromkeys(("choices", "loss_band")) if found is None else found.to_dict()


_APART = (
    "layers",
    "d_model",
    "loss",
    "tokens",
    "training_flops",
    "parameters",
    "non_embedding_parameters",
    "active_parameters",
)
"""Quantities that have keys of their own."""


def served_dict(problem: Problem, design: Evaluation) -> dict[str, Any]:
    """Bytes of states if it has any; latencies and memory left, if an accelerator is given."""
    states = state_bytes(problem, design.architecture)
    found: dict[str, Any] = {"state_bytes": states} if states else {}
    if (estimates := latency_estimates(problem, design.architecture)) is not None:
        found["latency"] = {name: estimates.get(name) for name in LATENCIES}
    if (drafted := speculated(problem, design.architecture)) is not None:
        found["speculation"] = drafted.to_dict()
    if (room := serving_room(problem, design)) is not None:
        found["serving"] = asdict(room)
    return found
