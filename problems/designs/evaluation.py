"""Evaluate one design exactly: tokens, loss, every quantity, every constraint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from modelsizer.problems.architecture.accounting import Parameters, count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import tie_key
from modelsizer.problems.designs.costs import ALWAYS, costs
from modelsizer.problems.designs.token_choice import TokenChoice
from modelsizer.problems.errors import require_type
from modelsizer.problems.laws.features import architecture_features as architecture_features
from modelsizer.problems.laws.quality import Judged, Quality
from modelsizer.problems.laws.reach import Unknown, why_unjudged
from modelsizer.problems.laws.shapes import NoShape
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.inference_flops import INFERENCE
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import Inverse, OfFlops
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.splits import why_unsplit
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, plain
from modelsizer.problems.units import exact as as_exact

_ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Costs and predicted loss of a design.

    Parameters
    ----------
    architecture : Architecture
    parameters : Parameters
    layout : Layout
        Parallel layout of the training: the best of those that satisfy every constraint.
    law_parameters : int or float
        N as counted by the loss law.
    training_flops_per_token : int
        Of a token of the design's own tokenizer.
    tokens : float
        Training tokens, of the design's own tokenizer; infinite if nothing limits them.
    text : float
        The same text in tokens that the law counts: equal unless the problem gives bytes a token.
        The quantity ``"tokens"``, which limits are on.
    loss : float
        Predicted loss, nats per token that the law counts; nan if the law cannot judge the
        architecture.
    shape_excess : float
        Part of the loss due to the shape.
    exact : mapping of str to Fraction or float
        Every quantity by name; all except the loss (and unlimited tokens) are exact.
    violated : tuple of str
        Keys of the violated constraints; empty if the design is feasible.
    unjudged : str
        Why the law gives no loss, and limits on the loss are not checked; empty if it does.
    """

    architecture: Architecture
    layout: Layout
    parameters: Parameters
    law_parameters: Number
    training_flops_per_token: int
    tokens: float
    text: float
    loss: float
    shape_excess: float
    exact: Mapping[str, Fraction | float]
    violated: tuple[str, ...]
    unjudged: str = ""

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
    (True, 2.0355)
    """
    require_type("problem", problem, Problem)
    require_type("architecture", architecture, Architecture)
    return Evaluator(problem).evaluate(architecture)


class Evaluator:
    """Evaluates designs of one problem, with what does not depend on the design computed once.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: Problem) -> None:
        settings = self._settings = problem.settings
        self._problem, self._quality = problem, problem.quality
        rows = [row for name, row in QUANTITIES.items() if not lacking(settings, name)]
        self._affine = [row for row in rows if row.affine]
        self._of_flops = {
            row.name: (row.how.rate(settings), row.how.charge and row.how.charge(settings))
            for row in rows
            if isinstance(row.how, OfFlops) and row.name != "training_flops"
        }
        self._inverse = {
            row.name: (as_exact(row.how.numerator(settings)), row.how.of)
            for row in rows
            if isinstance(row.how, Inverse)
        }
        self._limits, self._target = problem.token_limits, problem.budgets.limits.get("loss")
        self._splits = [(layout, problem.split(layout)) for layout in problem.layouts]
        objective = problem.objective
        self._sought, self._sign = objective.quantity, -1 if objective.sense == "maximize" else 1
        self._fewest = self._sign > 0 and QUANTITIES[self._sought].of_tokens
        asked = (*problem.budgets.limits, self._sought)
        self._layout_matters = any(QUANTITIES[name].by_layout for name in asked)

    def evaluate(self, architecture: Architecture) -> Evaluation:
        """Evaluate one design; see `evaluate`."""
        layouts = [layout for layout, split in self._splits if split.fits(architecture)]
        if not layouts:
            only = self._evaluated(architecture, [self._splits[0][0]])
            return replace(only, violated=(*only.violated, self._unsplit(architecture)))
        return self._evaluated(architecture, layouts if self._layout_matters else layouts[:1])

    def _unsplit(self, architecture: Architecture) -> str:
        """Key of the ways that no layout can split an architecture into."""
        why = why_unsplit([split for _, split in self._splits], architecture)
        assert why is not None, "no layout fits"
        return parallel_key(self._problem, why[0])

    def _evaluated(self, architecture: Architecture, layouts: Sequence[Layout]) -> Evaluation:
        """The best evaluation under one of these layouts; the first of equals."""
        fixed = [row.name for row in self._affine if not row.by_layout]
        values = self._costs(architecture, layouts[0], [*fixed, *ALWAYS])
        found = [self._under(architecture, layout, values) for layout in layouts]
        sought = self._sought
        if sought == "loss" and found[0].unjudged:  # which falls with the tokens
            return min(found, key=lambda e: (not e.feasible, -e.text))
        return min(found, key=lambda e: (not e.feasible, self._sign * e.exact[sought]))

    def _rate(self, architecture: Architecture) -> Fraction:
        """Tokens of the design for one that the law counts."""
        rates = self._settings.tokenizer
        return _ONE if rates is None else rates.of(int(architecture.trunk.vocab_size))

    def _costs(
        self, architecture: Architecture, layout: Layout, names: Sequence[str]
    ) -> dict[str, Fraction]:
        kinds = [group.layer for group in architecture.groups]
        counts = [group.count for group in architecture.groups]
        found = costs(self._problem, architecture.trunk, kinds, layout, names)
        return {name: affine.at(counts) for name, affine in found.items()}

    def _under(
        self, architecture: Architecture, layout: Layout, fixed: Mapping[str, Fraction]
    ) -> Evaluation:
        """Evaluate a design under one layout, given the costs that no layout changes."""
        varying = [row.name for row in self._affine if row.by_layout]
        values = {**fixed, **self._costs(architecture, layout, varying)}
        n, flops = plain(values[LAW_PARAMETERS]), values[TRAINING_FLOPS_PER_TOKEN]
        exact: dict[str, Fraction | float] = {
            row.name: max(values[part] for part in row.parts) for row in self._affine
        }
        own = self._rate(architecture)
        served = values[INFERENCE] * own
        unjudged = why_unjudged(self._quality, architecture)
        quality = Quality(Unknown(), NoShape()) if unjudged else self._quality
        features = architecture_features(architecture, quality.features)
        choice = TokenChoice(
            quality.of(features),
            self._limits,
            Interval() if unjudged or self._target is None else self._target,
            n=n,
            flops=flops,
            accelerators=layout.accelerators,
            inference_flops=served,
        )
        tokens = choice.low if self._fewest and choice.low <= choice.high else choice.high
        loss = exact["loss"] = math.nan if unjudged else choice.loss_at(tokens)
        finite = math.isfinite(tokens)
        exact["tokens"] = Fraction(tokens) if finite else math.inf
        exact["training_flops"] = choice.flops(tokens, flops) if finite else math.inf
        for name, (rate, charge) in self._of_flops.items():
            cost = rate / (layout.accelerators if QUANTITIES[name].shared else 1)
            spent = exact["training_flops"] * cost if finite else math.inf
            if charge is not None and finite:
                spent += charge * served
            exact[name] = spent
        for name, (numerator, of) in self._inverse.items():
            exact[name] = numerator / exact[of]
        return Evaluation(
            architecture,
            layout,
            count_parameters(architecture),
            n,
            int(flops / own),
            float(exact["tokens"] * own) if finite and own != 1 else tokens,
            tokens,
            loss,
            math.nan if unjudged else float(quality.shape_excess(features)),
            exact,
            _violations(self._problem, exact, flops) or _unmet(self._problem, choice, loss),
            unjudged,
        )


def parallel_key(problem: Problem, kind: str) -> str:
    """Key of the ways of ``"pipeline"`` or ``"tensor"`` parallelism, those of serving first."""
    served = kind == "tensor" and problem.serving.tensor_parallel > 1
    return f"{'serving' if served else 'training'}.{kind}_parallel"


def judge(quality: Quality, architecture: Architecture) -> Judged:
    """Loss of an architecture as a function of parameters and tokens."""
    return quality.of(architecture_features(architecture, quality.features))


def _unmet(problem: Problem, choice: TokenChoice, loss: float) -> tuple[str, ...]:
    """Key of what no quantity shows.

    That of the least tokens, if limits on FLOPs leave slightly fewer (less than two doubles); that
    of the loss or the law, if endless tokens are needed or the loss is no finite number.
    """
    if not choice.reachable:
        return ("budgets.loss",)
    if math.isinf(loss):
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
    problem: Problem, exact: Mapping[str, Fraction | float], flops: Fraction
) -> tuple[str, ...]:
    broken, spacings = [], {"tokens": _ONE, "training_flops": flops}
    for name, limit in problem.budgets.limits.items():
        if name == "loss" and math.isnan(exact[name]):
            continue  # no law judges the design
        spacing = spacings.get(name, Fraction(0))
        if not _keeps(limit, exact[name], spacing):
            broken.append(f"budgets.{name}")
    tokens = problem.training.tokens
    if tokens is not None and not _keeps(tokens, exact["tokens"], _ONE):
        broken.append("training.tokens")
    return tuple(broken)


def _keeps(limit: Interval, value: Fraction | float, spacing: Fraction) -> bool:
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
