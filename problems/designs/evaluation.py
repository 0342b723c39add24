"""Evaluate one design exactly: tokens, loss, every quantity, every constraint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import compress

from modelsizer.problems.architecture.accounting import Parameters, count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import tie_key
from modelsizer.problems.designs.costs import ALWAYS, costs
from modelsizer.problems.designs.layout_choice import LayoutChoice
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
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.splits import fitting, why_unsplit
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, plain
from modelsizer.problems.units import exact as as_exact

_ONE = Fraction(1)
CLEARLY = 1e-9
"""Relative difference of two objectives that is far above their rounding."""


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


@dataclass(frozen=True, slots=True)
class _Known:
    """What no layout changes of a design; see `Evaluation`.

    `exact` has the affine quantities, `flops` and `served` are of a token that the law counts, and
    `own` are the tokens of the design for one of these.
    """

    architecture: Architecture
    parameters: Parameters
    exact: dict[str, Fraction]
    n: Number
    flops: Fraction
    served: Fraction
    own: Fraction
    unjudged: str
    judged: Judged
    excess: float


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
        self._fixed = [row for row in rows if row.affine and not row.by_layout]
        self._varying = [row for row in rows if row.affine and row.by_layout]
        self._order = [row.name for row in rows if row.affine]
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
        self._layouts, self._splits = problem.layouts, problem.splits
        objective = problem.objective
        self._sought, self._sign = objective.quantity, -1 if objective.sense == "maximize" else 1
        self._fewest = self._sign > 0 and QUANTITIES[self._sought].of_tokens
        self._choice = LayoutChoice(settings, problem.budgets.limits, self._sought, self._sign)

    def evaluate(self, architecture: Architecture) -> Evaluation:
        """Evaluate one design; see `evaluate`."""
        layouts = list(compress(self._layouts, fitting(self._splits, architecture)))
        if not layouts:
            only = self._evaluated(architecture, [self._layouts[0]])
            return replace(only, violated=(*only.violated, self._unsplit(architecture)))
        return self._evaluated(architecture, layouts)

    def _unsplit(self, architecture: Architecture) -> str:
        """Key of the ways that no layout can split an architecture into."""
        why = why_unsplit(self._splits, architecture)
        assert why is not None, "no layout fits"
        return parallel_key(self._problem, why[0])

    def _evaluated(self, architecture: Architecture, layouts: Sequence[Layout]) -> Evaluation:
        """The best evaluation under one of these layouts; the first of equals."""
        known = self._known(architecture, layouts[0])
        able, every = self._choice.of(architecture, layouts)
        best = self._best(known, able)
        if best is None or not best.feasible:
            best = self._best(known, every)
        assert best is not None
        return best

    def _best(self, known: _Known, layouts: Sequence[Layout]) -> Evaluation | None:
        best: Evaluation | None = None
        least: tuple[bool, Fraction | float] = (True, math.inf)
        for layout in layouts:
            found = self._under(known, layout)
            key = (not found.feasible, self._value(found))
            if best is None or key < least:
                best, least = found, key
            elif self._choice.falls and not least[0] and _clearly_more(key[1], least[1]):
                break  # with fewer accelerators it is worse
            if self._choice.falls and best.feasible and self._suffice(known, best, layouts[-1]):
                break
        return best

    def _suffice(self, known: _Known, found: Evaluation, least: Layout) -> bool:
        """Whether even the layout of fewest accelerators limits the tokens no more than others."""
        most = self._limits.flops_on(least.accelerators)
        if most is None or not math.isfinite(found.text):
            return most is None
        return Fraction(math.nextafter(found.text, math.inf)) * known.flops <= most

    def _value(self, found: Evaluation) -> Fraction | float:
        """What is minimised; where no law judges a design, the loss falls with its tokens."""
        if self._sought == "loss" and found.unjudged:
            return -found.text
        return self._sign * found.exact[self._sought]

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

    def _known(self, architecture: Architecture, layout: Layout) -> _Known:
        """What no layout changes."""
        names = [*(row.name for row in self._fixed), *ALWAYS]
        values = self._costs(architecture, layout, names)
        unjudged = why_unjudged(self._quality, architecture)
        quality = Quality(Unknown(), NoShape()) if unjudged else self._quality
        features = architecture_features(architecture, quality.features)
        own = self._rate(architecture)
        return _Known(
            architecture,
            count_parameters(architecture),
            {row.name: max(values[part] for part in row.parts) for row in self._fixed},
            plain(values[LAW_PARAMETERS]),
            values[TRAINING_FLOPS_PER_TOKEN],
            values[INFERENCE] * own,
            own,
            unjudged,
            quality.of(features),
            math.nan if unjudged else float(quality.shape_excess(features)),
        )

    def _under(self, known: _Known, layout: Layout) -> Evaluation:
        """Evaluate a design under one layout."""
        values = self._costs(known.architecture, layout, [row.name for row in self._varying])
        costs = known.exact | {
            row.name: max(values[part] for part in row.parts) for row in self._varying
        }
        exact: dict[str, Fraction | float] = {name: costs[name] for name in self._order}
        flops, served, own, unjudged = known.flops, known.served, known.own, known.unjudged
        choice = TokenChoice(
            known.judged,
            self._limits,
            Interval() if unjudged or self._target is None else self._target,
            n=known.n,
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
            known.architecture,
            layout,
            known.parameters,
            known.n,
            int(flops / own),
            float(exact["tokens"] * own) if finite and own != 1 else tokens,
            tokens,
            loss,
            known.excess,
            exact,
            _violations(self._problem, exact, flops) or _unmet(self._problem, choice, loss),
            unjudged,
        )


def _clearly_more(value: Fraction | float, other: Fraction | float) -> bool:
    """Whether a value exceeds another by more than rounding."""
    return float(value) - float(other) > CLEARLY * abs(float(value))


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
