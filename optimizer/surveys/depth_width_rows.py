"""Shapes of nearly equal size as results: rows, excluded depths, cost of a given depth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from modelsizer.optimizer.result import Side
from modelsizer.optimizer.tables.clock import Stop
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.units import Number, exact, format_quantity

SIDE_BY_SIDE = ("kv_cache", "kv_bytes_per_token", "decode_latency", "prefill_latency",
                "serving_memory", "training_memory")  # fmt: skip
"""Costs compared between shapes."""


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """One depth, with its design nearest in size to the target.

    Parameters
    ----------
    design : Evaluation
    preferred : bool
        Whether its shape excess is least; always False if the shape law is "none".
    """

    design: Evaluation
    preferred: bool = False

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.design.architecture.layers

    @property
    def d_model(self) -> int:
        """Width."""
        return int(self.design.architecture.trunk.d_model)

    @property
    def aspect_ratio(self) -> float:
        """Width divided by depth."""
        return self.d_model / self.layers

    @property
    def parameters(self) -> int:
        """All parameters."""
        return int(self.design.parameters.total)

    def quantity(self, name: str) -> Number | None:
        """A quantity; None if the problem lacks the data to compute it, or nothing limits it.

        Tokens are the design's own, as everywhere but in limits.
        """
        if name not in self.design.exact:
            return None
        value = self.design.tokens if name == "tokens" else self.design.quantity(name)
        return value if math.isfinite(value) else None

    def to_dict(self) -> dict[str, Any]:
        """Convert the row to a mapping with the names of the JSON contract."""
        design = self.design
        return {
            "layers": self.layers,
            "d_model": self.d_model,
            "aspect_ratio": self.aspect_ratio,
            "parameters": self.parameters,
            "shape_excess": design.shape_excess,
            "loss": self.quantity("loss"),
            "tokens": self.quantity("tokens"),
            "training_flops": self.quantity("training_flops"),
            **{name: self.quantity(name) for name in SIDE_BY_SIDE},
            "architecture": design_architecture(design.architecture),
            "preferred": self.preferred,
        }


@dataclass(frozen=True, slots=True)
class BrokenLimit:
    """A constraint that a design violates.

    Parameters
    ----------
    key : str
        Key in the problem's file, such as ``"budgets.kv_cache"``.
    quantity : str
    used, limit : int or float
    side : {"max", "min"}
    """

    key: str
    quantity: str
    used: Number
    limit: Number
    side: Side

    @property
    def over(self) -> float:
        """Relative violation, used / limit - 1: 0.05 is 5 % too much, -0.05 is 5 % too little."""
        return float(self.used) / float(self.limit) - 1 if self.limit else math.inf

    def __str__(self) -> str:
        unit = QUANTITIES[self.quantity].dimension
        for digits in range(4, 16):  # until the two numbers differ as text
            used, limit = (format_quantity(v, unit, digits) for v in (self.used, self.limit))
            if used != limit:
                break
        return f"{self.key}: {used}, at {'most' if self.side == 'max' else 'least'} {limit}"


@dataclass(frozen=True, slots=True)
class Excluded:
    """A depth at which every design of the size violates a constraint.

    Parameters
    ----------
    design : Evaluation
        The design nearest in size.
    broken : tuple of BrokenLimit
        Constraints that it violates.
    """

    design: Evaluation
    broken: tuple[BrokenLimit, ...]

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.design.architecture.layers

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping with the names of the JSON contract."""
        return {
            "layers": self.layers,
            "d_model": self.design.architecture.trunk.d_model,
            "parameters": self.design.parameters.total,
            "broken": [
                {
                    "key": b.key,
                    "used": b.used if math.isfinite(b.used) else None,
                    "limit": b.limit,
                    "unit": QUANTITIES[b.quantity].dimension,
                    "side": b.side,
                }
                for b in self.broken
            ],
        }


def excluded_of(problem: Problem, architecture: Architecture) -> Excluded:
    """A design that breaks limits, and which."""
    design = evaluate(problem, architecture)
    return Excluded(design, tuple(_broken(problem, design, key) for key in design.violated))


def _broken(problem: Problem, design: Evaluation, key: str) -> BrokenLimit:
    name = key.partition(".")[2]
    limit = problem.training.tokens if key == "training.tokens" else problem.limits[name]
    assert limit is not None
    value = design.exact[name]
    if limit.max is not None and value > exact(limit.max):
        return BrokenLimit(key, name, design.quantity(name), limit.max, "max")
    assert limit.min is not None
    return BrokenLimit(key, name, design.quantity(name), limit.min, "min")


@dataclass(frozen=True, slots=True)
class Habit:
    """Cost of a given depth relative to the preferred one.

    With N the parameters as counted by the law, D the tokens, F the training FLOPs per token and
    e the shape excess, of the given row h and the preferred row p, D' is the number of tokens at
    which the preferred shape, at the given row's N, reaches the given row's loss:
    ``law(N_h, D') + e_p = loss_h``. Then

        tokens_fraction = D' / D_h
        flops_fraction  = D' (F_p / N_p) / (D_h F_h / N_h)

    FLOPs per token are divided by parameters, as the two rows differ in size within the tolerance;
    the ratio differs between shapes of one size as scores are proportional to layers x d_model.

    Parameters
    ----------
    layers : int
    row : ShapeRow or None
        None if every design of that depth and size violates a constraint.
    preferred : ShapeRow or None
        None if the shape law is "none".
    excluded : Excluded or None
        Constraints violated at that depth, if it has no row.
    excess : float or None
        Shape excess minus the preferred row's, nats per token; this and the following are None if
        there is no preferred row or no row to compare.
    tokens_fraction, flops_fraction : float or None
        Also None if nothing limits the tokens.
    differences : mapping of str to number
        The given row's value minus the preferred row's, for each known one of `SIDE_BY_SIDE`.
    """

    layers: int
    row: ShapeRow | None
    preferred: ShapeRow | None
    excluded: Excluded | None
    excess: float | None
    tokens_fraction: float | None
    flops_fraction: float | None
    differences: Mapping[str, Number]

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping with the names of the JSON contract."""
        return {
            "layers": self.layers,
            "row": None if self.row is None else self.row.to_dict(),
            "preferred_layers": None if self.preferred is None else self.preferred.layers,
            "excluded": None if self.excluded is None else self.excluded.to_dict(),
            "shape_excess": self.excess,
            "tokens_fraction": self.tokens_fraction,
            "flops_fraction": self.flops_fraction,
            "differences": dict(self.differences),
        }


@dataclass(frozen=True, slots=True)
class DepthWidth(Tabled, Drawn):
    """Shapes of nearly equal size.

    Parameters
    ----------
    problem : Problem
    parameters : int
        The target size.
    tolerance : float
        Relative, inclusive.
    rows : tuple of ShapeRow
        Depths with a feasible design within the tolerance; deepest first.
    excluded : tuple of Excluded
        Depths at which all designs within the tolerance violate a constraint; deepest first.
    ideal : (float, float) or None
        Real-valued d_model and layers of zero excess with the preferred row's
        ``d_model^2 layers``; None if the law has no such shape.
    habit : Habit or None
        Comparison of the requested depth.
    stop : str
        Why it ended; "proven" if every design was looked at. Otherwise rows are of the nearest
        designs looked at, none is preferred and no depth is known to be excluded.
    """

    problem: Problem
    parameters: int
    tolerance: float
    rows: tuple[ShapeRow, ...]
    excluded: tuple[Excluded, ...]
    ideal: tuple[float, float] | None
    habit: Habit | None = None
    stop: Stop = "proven"

    def _words(self) -> str:
        size = format_quantity(self.parameters, "parameters")
        depths = counted(len(self.rows), "depth")
        return f"of {named(self.problem.name)}: {depths} of about {size} parameters"

    @property
    def complete(self) -> bool:
        """Whether every design was looked at."""
        return self.stop == "proven"

    @property
    def preferred(self) -> ShapeRow | None:
        """Row of least shape excess; None if the shape law is "none"."""
        return next((row for row in self.rows if row.preferred), None)

    def to_dict(self) -> dict[str, Any]:
        """Convert to the JSON contract; FLOPs, tokens and bytes are plain numbers."""
        ideal = None
        if self.ideal is not None:
            d_model, layers = self.ideal
            ideal = {"layers": layers, "d_model": d_model, "aspect_ratio": d_model / layers}
        return {
            "name": self.problem.name,
            "complete": self.complete,
            "stop": self.stop,
            "law": self.problem.law.name,
            "shape": self.problem.shape.name,
            "parameters": self.parameters,
            "tolerance": self.tolerance,
            "rows": [row.to_dict() for row in self.rows],
            "excluded": [out.to_dict() for out in self.excluded],
            "ideal": ideal,
            "habit": None if self.habit is None else self.habit.to_dict(),
        } | sources(self.problem)
