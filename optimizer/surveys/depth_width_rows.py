"""Shapes of nearly one size as frozen values: rows, what is left out, what a habit costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelsizer.optimizer.result import Side
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import Number, format_quantity

SIDE_BY_SIDE = ("kv_cache", "kv_bytes_per_token", "decode_latency", "prefill_latency",
                "serving_memory", "training_memory")  # fmt: skip
"""Costs that are compared between shapes."""


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """One depth: its design nearest in size to the target.

    Parameters
    ----------
    design : Evaluation
    preferred : bool
        Of least shape excess among the rows; never where the shape law is "none".
    """

    design: Evaluation
    preferred: bool = False

    @property
    def layers(self) -> int:
        """Depth."""
        return self.design.architecture.layers

    @property
    def d_model(self) -> int:
        """Width."""
        return int(self.design.architecture.trunk.d_model)

    @property
    def aspect_ratio(self) -> float:
        """Width for each layer."""
        return self.d_model / self.layers

    @property
    def parameters(self) -> int:
        """All of them."""
        return int(self.design.parameters.total)

    def quantity(self, name: str) -> Number | None:
        """A quantity; None where the problem does not say enough, or nothing limits it."""
        if name not in self.design.exact:
            return None
        value = self.design.quantity(name)
        return value if math.isfinite(value) else None

    def to_dict(self) -> dict[str, Any]:
        """Under the names of the JSON contract."""
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
            "architecture": architecture_dict(design.architecture),
            "preferred": self.preferred,
        }


@dataclass(frozen=True, slots=True)
class BrokenLimit:
    """A limit that a design breaks.

    Parameters
    ----------
    key : str
        In the words of the file, ``"budgets.kv_cache"``.
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
        """Used over the limit, less 1: 0.05 is 5 % too much, -0.05 is 5 % too little."""
        return float(self.used) / float(self.limit) - 1 if self.limit else math.inf

    def __str__(self) -> str:
        unit = QUANTITIES[self.quantity].dimension
        for digits in range(4, 16):  # until the two look different
            used, limit = (format_quantity(v, unit, digits) for v in (self.used, self.limit))
            if used != limit:
                break
        return f"{self.key}: {used}, at {'most' if self.side == 'max' else 'least'} {limit}"


@dataclass(frozen=True, slots=True)
class Excluded:
    """A depth at which every design of the size breaks a limit.

    Parameters
    ----------
    design : Evaluation
        The one nearest in size.
    broken : tuple of BrokenLimit
        What that one breaks.
    """

    design: Evaluation
    broken: tuple[BrokenLimit, ...]

    @property
    def layers(self) -> int:
        """Depth."""
        return self.design.architecture.layers

    def to_dict(self) -> dict[str, Any]:
        """Under the names of the JSON contract."""
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


@dataclass(frozen=True, slots=True)
class Habit:
    """What a depth costs over the preferred one.

    With N the parameters that the law counts, D the tokens, F the training FLOPs a token and e the
    shape excess of the habit h and of the preferred row p, D' are the tokens at which the preferred
    shape, at the habit's own N, reaches the habit's loss: ``law(N_h, D') + e_p = loss_h``. Then

        tokens_fraction = D' / D_h
        flops_fraction  = D' (F_p / N_p) / (D_h F_h / N_h)

    FLOPs a token are taken for each parameter, since the two rows differ in size within the
    tolerance; they differ between shapes of one size because scores grow with layers x d_model.

    Parameters
    ----------
    layers : int
    row : ShapeRow or None
        None where every design of that depth and size breaks a limit.
    preferred : ShapeRow or None
        None where the shape law is "none".
    excluded : Excluded or None
        What that depth breaks, where it has no row.
    excess : float or None
        Shape excess over the preferred row's, nats a token; like what follows, None where there
        is nothing to compare.
    tokens_fraction, flops_fraction : float or None
        None too where nothing limits the tokens.
    differences : mapping of str to number
        The habit's less the preferred row's, of each of `SIDE_BY_SIDE` that is known.
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
        """Under the names of the JSON contract."""
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
class DepthWidth:
    """Shapes of nearly one size.

    Parameters
    ----------
    problem : Problem
    parameters : int
        The size asked for.
    tolerance : float
        Relative, inclusive.
    rows : tuple of ShapeRow
        One for each depth that has a design within the tolerance and every limit; deepest first.
    excluded : tuple of Excluded
        Depths whose designs within the tolerance all break a limit; deepest first.
    ideal : (float, float) or None
        Real-valued d_model and layers of no excess, ``d_model^2 layers`` being that of the
        preferred row; None where the law has no such shape.
    habit : Habit or None
        Of the depth asked about.
    """

    problem: Problem
    parameters: int
    tolerance: float
    rows: tuple[ShapeRow, ...]
    excluded: tuple[Excluded, ...]
    ideal: tuple[float, float] | None
    habit: Habit | None = None

    @property
    def preferred(self) -> ShapeRow | None:
        """The row of least shape excess; None where the shape law is "none"."""
        return next((row for row in self.rows if row.preferred), None)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract; FLOPs, tokens and bytes as plain numbers."""
        ideal = None
        if self.ideal is not None:
            d_model, layers = self.ideal
            ideal = {"layers": layers, "d_model": d_model, "aspect_ratio": d_model / layers}
        return {
            "name": self.problem.name,
            "law": self.problem.law.name,
            "shape": self.problem.shape.name,
            "parameters": self.parameters,
            "tolerance": self.tolerance,
            "rows": [row.to_dict() for row in self.rows],
            "excluded": [out.to_dict() for out in self.excluded],
            "ideal": ideal,
            "habit": None if self.habit is None else self.habit.to_dict(),
        }
