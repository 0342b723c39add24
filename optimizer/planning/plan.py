"""A plan of small runs: its options and its result."""

from __future__ import annotations

import math
from typing import Any

from modelsizer.optimizer.planning.candidates import TOKENS_PER_PARAMETER, Runs
from modelsizer.optimizer.planning.information import Criterion
from modelsizer.optimizer.planning.isoflop_grid import IsoFlopGrid
from modelsizer.optimizer.planning.law_point import LawPoint
from modelsizer.optimizer.planning.prediction import Prediction, Simulated
from modelsizer.optimizer.planning.target import Target
from modelsizer.optimizer.tables.clock import Stop
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.brief import counted, named
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.units import format_quantity

RUNS = 24
LARGEST_SHARE = 0.25
"""Default largest share of the budget for one run, which limits the cost of a failed run."""
REPEATS = 1
"""Default number of runs of one config at the same tokens: another seed only measures the noise,
which is assumed known; a neighbour on the grid is nearly as informative, and tests the form too."""
AROUND = 4.0
"""Default factor by which the further sizes, at the target's FLOPs, are smaller and larger. A plan
for the target alone determines one number well but not the optimum: the law's nonlinearity then
scatters the fits more than the linear theory predicts (figures in docs/how-to/plan-runs.md)."""

_NAMED = ("head_dim", "kv_heads", "d_ff", "vocab_size")
"""Settings in which configs of one shape may differ."""


@dataclass(frozen=True)
class PlanOptions:
    """Options of a plan.

    Parameters
    ----------
    budget : float
        Training FLOPs of all runs together.
    runs : int
    criterion : {"target", "determinant"}
    largest : float or None
        Greatest FLOPs of one run; a share of the budget if at most 1.
    tokens_per_parameter : (low, high)
    smallest : float or None
        Parameters of the smallest config; by default those of the law's own data.
    repeats : int
        Greatest number of runs of one config at the same tokens.
    around : float
        The target is also predicted at sizes smaller and larger by this factor, at the same
        FLOPs; 1 for the target alone.
    simulations : int
        Repetitions of a check by simulation; 0 for none.
    seed : int
    """

    budget: float
    runs: int = RUNS
    criterion: Criterion = "target"
    largest: float | None = None
    tokens_per_parameter: tuple[float, float] = TOKENS_PER_PARAMETER
    smallest: float | None = None
    repeats: int = REPEATS
    around: float = AROUND
    simulations: int = 0
    seed: int = 0

    @property
    def largest_flops(self) -> float:
        """Greatest FLOPs of one run."""
        given = LARGEST_SHARE if self.largest is None else self.largest
        return min(self.budget, given * self.budget if given <= 1 else given)


@dataclass(frozen=True)
class Plan(Tabled, Drawn):
    """A plan, its proven bound and a baseline grid.

    Parameters
    ----------
    problem : Problem
    options : PlanOptions
    point : LawPoint
    target : Target
    runs : Runs
        The runs, by FLOPs.
    prediction : Prediction
    value, bound : float
        The criterion, and its lower bound over all plans.
    candidates : Runs
        The runs selected from.
    starts : int
        Number of starts improved.
    have : int
        Number of runs already made.
    grid : IsoFlopGrid or None
    grid_prediction : Prediction or None
    simulated, grid_simulated : Simulated or None
    warnings : tuple of str
    seconds : float
    stop : str
        Why it ended; "proven" if neither the plan nor what it is compared with was cut short.
    """

    problem: Problem
    options: PlanOptions
    point: LawPoint
    target: Target
    runs: Runs
    prediction: Prediction
    value: float
    bound: float
    candidates: Runs
    starts: int
    have: int
    grid: IsoFlopGrid | None
    grid_prediction: Prediction | None
    simulated: Simulated | None
    grid_simulated: Simulated | None
    warnings: tuple[str, ...]
    seconds: float
    stop: Stop = "proven"

    def _words(self) -> str:
        flops = format_quantity(float(self.runs.flops.sum()), "FLOPs")
        runs = counted(len(self.runs.flops), "run")
        return f"of {runs}, {flops} FLOPs, for {named(self.problem.name)}"

    @property
    def complete(self) -> bool:
        """Whether neither the plan nor what it is compared with was cut short."""
        return self.stop == "proven"

    @property
    def gap(self) -> float:
        """Upper bound on the relative excess over the least possible standard deviation.

        The standard deviation is that of the predictions, or for the determinant the mean over
        coefficients.
        """
        return self._ratio(self.value)

    @property
    def grid_excess(self) -> float | None:
        """Relative excess of the grid's standard deviation over the plan's."""
        if self.grid is None:
            return None
        return (1 + self._ratio(self.grid.value)) / (1 + self.gap) - 1

    def _ratio(self, value: float) -> float:
        each = 2 * len(self.point.form.free) if self.options.criterion == "determinant" else 2
        return math.expm1(max(value - self.bound, 0.0) / each)

    def sd_of(self, value: float) -> float | None:
        """Standard deviation of predicted ln loss for a value of the criterion.

        It is the geometric mean over the target, the sizes around it and the draws; None for the
        determinant.
        """
        if self.options.criterion == "determinant":
            return None
        return self.point.noise * math.exp(value / 2)

    def file_names(self) -> dict[Architecture, str]:
        """A name for each architecture: its shape, and settings that differ within that shape."""
        found: dict[tuple[int, int], dict[Architecture, None]] = {}
        for one in self.runs.architectures:
            found.setdefault((one.layers, int(one.trunk.d_model)), {})[one] = None
        names = {}
        for (layers, width), some in found.items():
            configs = [architecture_dict(one) for one in some]
            differ = [key for key in _NAMED if len({config[key] for config in configs}) > 1]
            for one, config in zip(some, configs, strict=True):
                names[one] = "-".join(
                    [f"{layers}x{width}", *(f"{key}{config[key]}" for key in differ)]
                )
        return names

    def rows(self) -> list[dict[str, Any]]:
        """The runs as configs that can be launched."""
        found = []
        for i, one in enumerate(self.runs.architectures):
            config = architecture_dict(one)
            flops, tokens = float(self.runs.flops[i]), int(self.runs.tokens[i])
            total = int(self.runs.parameters[i])
            found.append(
                {"run": i + 1}
                | config
                | {
                    "parameters": total,
                    "tokens": tokens,
                    "training_flops": flops,
                    "share_of_budget": flops / self.options.budget,
                    "tokens_per_parameter": tokens / total,
                }
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Convert the plan to a mapping for JSON."""
        point, target, grid = self.point, self.target, self.grid
        return {
            "complete": self.complete,
            "stop": self.stop,
            "law": point.name,
            "form": point.form.name,
            "coefficients": dict(
                zip(point.form.coefficients, map(float, point.values), strict=True)
            ),
            "fixed": list(point.form.fixed),
            "draws": len(point.draws) if point.drawn else 0,
            "noise": {"sd_ln_loss": point.noise, "from": point.noise_from},
            "criterion": self.options.criterion,
            "target": {
                "parameters": target.n,
                "tokens": target.tokens,
                "layers": target.layers,
                "d_model": target.d_model,
                "training_flops": target.flops,
                "loss": self.prediction.loss,
                "around": self.options.around,
            },
            "budget": self.options.budget,
            "largest": self.options.largest_flops,
            "training_flops": float(self.runs.flops.sum()),
            "have": self.have,
            "runs": self.rows(),
            "prediction": self.prediction.to_dict(),
            "certificate": {
                "criterion": self.value,
                "lower_bound": self.bound,
                "sd_ln_loss": self.sd_of(self.value),
                "least_sd_ln_loss": self.sd_of(self.bound),
                "gap": self.gap,
                "candidates": len(self.candidates),
                "starts": self.starts,
            },
            "isoflop_grid": None
            if grid is None or self.grid_prediction is None
            else {
                "budgets": grid.budgets,
                "sizes": grid.sizes,
                "apart": grid.apart,
                "span": grid.span,
                "pattern": grid.pattern,
                "tried": grid.tried,
                "training_flops": float(grid.runs.flops.sum()),
                "criterion": grid.value,
                "excess": self.grid_excess,
                "prediction": self.grid_prediction.to_dict(),
            },
            "simulation": None
            if self.simulated is None
            else {
                "plan": _simulated(self.simulated),
                "isoflop_grid": _simulated(self.grid_simulated),
            },
            "warnings": list(self.warnings),
            "seconds": self.seconds,
        }


def _simulated(found: Simulated | None) -> dict[str, float] | None:
    if found is None:
        return None
    return {"repetitions": found.repetitions, "sd_ln_loss": found.sd, "bias": found.bias}
