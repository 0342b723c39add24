"""Evaluate one design exactly: tokens, loss, every quantity, every constraint."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from modelsizer.problems.architecture.accounting import Parameters, count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import tie_key
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.costs import ALWAYS, costs
from modelsizer.problems.designs.token_choice import TokenChoice
from modelsizer.problems.errors import require_type
from modelsizer.problems.laws.features import Features, features_of
from modelsizer.problems.laws.quality import Judged, Quality
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.inference_flops import INFERENCE
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import Inverse, OfFlops, Quantity, Settings
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, plain
from modelsizer.problems.units import exact as as_exact


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Costs and predicted loss of a design.

    Parameters
    ----------
    architecture : Architecture
    parameters : Parameters
    layout : Layout
        Parallel layout of the training: the best of those that satisfy every constraint.
    law_parameters : int
        N as counted by the loss law.
    training_flops_per_token : int
    tokens : float
        Training tokens; infinite if nothing limits them.
    loss : float
        Predicted loss, nats per token.
    shape_excess : float
        Part of the loss due to the shape.
    exact : mapping of str to Fraction or float
        Every quantity by name; all except the loss (and unlimited tokens) are exact.
    violated : tuple of str
        Keys of the violated constraints; empty if the design is feasible.
    """

    architecture: Architecture
    layout: Layout
    parameters: Parameters
    law_parameters: int
    training_flops_per_token: int
    tokens: float
    loss: float
    shape_excess: float
    exact: Mapping[str, Fraction | float]
    violated: tuple[str, ...]

    @property
    def feasible(self) -> bool:
        """Whether every constraint is satisfied."""
        return not self.violated

    @property
    def training_flops(self) -> float:
        """Training FLOPs: tokens x FLOPs per token."""
        return float(self.exact["training_flops"])

    def quantity(self, name: str) -> Number:
        """A quantity as a plain number; an integer if it is a whole count."""
        value = self.exact[name]
        if not QUANTITIES[name].affine or isinstance(value, float):
            return float(value)
        return plain(value)

    @property
    def tie_key(self) -> tuple[int, ...]:
        """Sort key for designs of equal objective; the smallest comes first."""
        return tie_key(self.architecture, self.parameters.total)


def evaluate(problem: Problem, architecture: Architecture) -> Evaluation:
    """Evaluate a design exactly and check every constraint of the problem.

    Tokens are as many as the constraints allow, or as few as they require if tokens, training FLOPs
    or a quantity proportional to them is minimised. Of several parallel layouts, the best feasible
    one is used; of equals, the preferred one.

    Parameters
    ----------
    problem : Problem
    architecture : Architecture

    Returns
    -------
    Evaluation

    Examples
    --------
    >>> from modelsizer import Problem, load_architecture
    >>> found = evaluate(Problem.load("one-h100-1e24"), load_architecture("llama-3-8b"))
    >>> found.feasible, round(found.loss, 4)
    (True, 2.0279)
    """
    require_type("problem", problem, Problem)
    require_type("architecture", architecture, Architecture)
    settings = problem.settings
    rows = [row for name, row in QUANTITIES.items() if not lacking(settings, name)]
    layouts = [lay for lay in problem.layouts if problem.split(lay).fits(architecture)]
    if not layouts:
        only = _evaluate(problem, settings, rows, architecture, problem.layouts[0])
        return replace(only, violated=(*only.violated, "training.pipeline_parallel"))
    if not _layout_matters(problem):
        return _evaluate(problem, settings, rows, architecture, layouts[0])
    found = [_evaluate(problem, settings, rows, architecture, layout) for layout in layouts]
    sign = -1 if problem.objective.sense == "maximize" else 1
    quantity = problem.objective.quantity
    return min(found, key=lambda e: (not e.feasible, sign * e.exact[quantity]))


def _layout_matters(problem: Problem) -> bool:
    asked = (*problem.budgets.limits, problem.objective.quantity)
    return any(QUANTITIES[name].by_layout for name in asked)


def _evaluate(
    problem: Problem,
    settings: Settings,
    rows: Sequence[Quantity],
    architecture: Architecture,
    layout: Layout,
) -> Evaluation:
    """Evaluate a design under one layout, with some quantities."""
    kinds = [group.layer for group in architecture.groups]
    counts = [group.count for group in architecture.groups]
    known = [row.name for row in rows if row.affine]
    values = {
        name: affine.at(counts)
        for name, affine in costs(
            problem, architecture.trunk, kinds, layout, [*known, *ALWAYS]
        ).items()
    }
    n, flops = int(values.pop(LAW_PARAMETERS)), int(values.pop(TRAINING_FLOPS_PER_TOKEN))
    exact: dict[str, Fraction | float] = {
        name: max(values[part] for part in QUANTITIES[name].parts) for name in known
    }
    quality = problem.quality
    features = architecture_features(architecture, quality.features)
    choice = TokenChoice(
        quality.of(features),
        problem.token_limits,
        problem.budgets.limits.get("loss", Interval()),
        n=n,
        flops=flops,
        accelerators=layout.accelerators,
        inference_flops=Fraction(values[INFERENCE]),
    )
    fewest = (
        problem.objective.sense == "minimize"
        and QUANTITIES[problem.objective.quantity].of_tokens
        and choice.low <= choice.high
    )
    tokens = choice.low if fewest else choice.high
    loss = choice.loss_at(tokens)
    exact["loss"] = loss
    finite = math.isfinite(tokens)
    exact["tokens"] = Fraction(tokens) if finite else math.inf
    exact["training_flops"] = choice.flops(tokens, flops) if finite else math.inf
    for row in rows:
        how = row.how
        if isinstance(how, OfFlops) and row.name not in exact:
            cost = how.rate(settings) / (layout.accelerators if how.shared else 1)
            spent = exact["training_flops"] * cost if finite else math.inf
            if how.charge is not None and finite:
                spent += how.charge(settings) * values[INFERENCE]
            exact[row.name] = spent
    for row in rows:
        if isinstance(row.how, Inverse):
            exact[row.name] = as_exact(row.how.numerator(settings)) / exact[row.how.of]
    return Evaluation(
        architecture,
        layout,
        count_parameters(architecture),
        n,
        flops,
        tokens,
        loss,
        float(quality.shape_excess(features)),
        exact,
        _violations(problem, exact, flops) or _unmet(problem, choice, loss),
    )


def judge(quality: Quality, architecture: Architecture) -> Judged:
    """Loss of an architecture as a function of parameters and tokens."""
    return quality.of(architecture_features(architecture, quality.features))


def architecture_features(architecture: Architecture, names: Iterable[str]) -> Features:
    """Features of an architecture for laws, as numbers; widths are those of its first layers.

    Parameters
    ----------
    names : iterable of str
        Names in `modelsizer.problems.laws.features.SHAPE_FEATURES`.
    """
    return features_of(names, architecture_dict(architecture).__getitem__)


def _unmet(problem: Problem, choice: TokenChoice, loss: float) -> tuple[str, ...]:
    """Key of what no quantity shows.

    That of the least tokens, if limits on FLOPs leave slightly fewer (less than two doubles); that
    of the loss or the law, if endless tokens are needed or the loss is no finite number.
    """
    if not choice.reachable:
        return ("budgets.loss",)
    if not math.isfinite(loss):
        return ("objective.law",)
    if choice.possible:
        return ()
    for key, limit in (
        ("training.tokens", problem.training.tokens),
        ("budgets.tokens", problem.budgets.limits.get("tokens")),
    ):
        if limit is not None and limit.min is not None:
            return (key,)
    return ("budgets.training_flops",)


def _violations(
    problem: Problem, exact: Mapping[str, Fraction | float], flops: int
) -> tuple[str, ...]:
    broken = []
    for name, limit in problem.budgets.limits.items():
        spacing = {"tokens": 1, "training_flops": flops}.get(name, 0)
        if not _keeps(limit, exact[name], spacing):
            broken.append(f"budgets.{name}")
    tokens = problem.training.tokens
    if tokens is not None and not _keeps(tokens, exact["tokens"], 1):
        broken.append("training.tokens")
    return tuple(broken)


def _keeps(limit: Interval, value: Fraction | float, spacing: int) -> bool:
    """Whether a limit is satisfied, in exact arithmetic.

    Tokens are doubles; where they contribute `spacing` to the value, a lower limit between two
    doubles accepts the lower one, as otherwise a fixed number of tokens could never be met.
    """
    if isinstance(value, float):
        return limit.holds(value)
    if limit.max is not None and value > as_exact(limit.max):
        return False
    if limit.min is None or value >= as_exact(limit.min):
        return True
    if not spacing:
        return False
    above = Fraction(math.nextafter(float(value / spacing), math.inf)) * spacing
    return above >= as_exact(limit.min)
