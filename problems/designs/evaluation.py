"""Evaluate one design exactly: tokens, loss, every quantity, every constraint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choice_values import is_mixture
from modelsizer.problems.designs.evaluated import Evaluation as Evaluation
from modelsizer.problems.designs.layout_choice import LayoutChoice
from modelsizer.problems.designs.setup_evaluation import Known, SetupEvaluation
from modelsizer.problems.errors import require_type
from modelsizer.problems.laws.features import architecture_features as architecture_features
from modelsizer.problems.laws.quality import Judged, Quality
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.splits import fitting, why_unsplit

if TYPE_CHECKING:
    from modelsizer.problems.designs.machine_choice import MachineChoice

CLEARLY = 1e-9
"""Relative difference of two objectives that is far above their rounding."""


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
        self._problem, self._quality = problem, problem.quality
        self._layouts, self._splits = problem.layouts, problem.splits
        objective = problem.objective
        self._sought, self._sign = objective.quantity, -1 if objective.sense == "maximize" else 1
        self._fewest = self._sign > 0 and QUANTITIES[self._sought].of_tokens
        self._known: dict[int, SetupEvaluation] = {}
        self._other: Evaluator | None = None
        self._machines = _machines(problem) if problem.several else None
        first = problem.setups[0]
        self._choice = LayoutChoice(first.settings, first.limits, self._sought, self._sign)

    def _under(self, setup: int) -> SetupEvaluation:
        """Evaluation of designs under a setup."""
        if setup not in self._known:
            one = self._problem.setups[setup]
            self._known[setup] = SetupEvaluation(
                self._problem, one, self._quality, fewest=self._fewest
            )
        return self._known[setup]

    def evaluate(self, architecture: Architecture) -> Evaluation:
        """Evaluate one design; see `evaluate`."""
        mixture = is_mixture(architecture)
        if self._problem.mixture is (not mixture):
            # A design that the space does not have, such as one of another source.
            if self._other is None:
                self._other = Evaluator(self._problem.of_kind(mixture=mixture))
            return self._other.evaluate(architecture)
        if self._machines is not None:
            return self._best_machine(self._machines, architecture)
        layouts = list(compress(self._layouts, fitting(self._splits, architecture)))
        if not layouts:
            only = self._evaluated(architecture, [self._layouts[0]])
            return replace(only, violated=(*only.violated, self._unsplit(architecture)))
        return self._evaluated(architecture, layouts)

    def evaluate_under(self, architecture: Architecture, layout: Layout) -> Evaluation:
        """Evaluate one design under a layout that can split it."""
        under = self._under(layout.setup)
        return under.under(under.known(architecture, layout), layout)

    def _unsplit(self, architecture: Architecture) -> str:
        """Key of the ways that no layout can split an architecture into."""
        why = why_unsplit(self._splits, architecture)
        assert why is not None, "no layout fits"
        return parallel_key(self._problem, why[0])

    def _evaluated(self, architecture: Architecture, layouts: Sequence[Layout]) -> Evaluation:
        """The best evaluation under one of these layouts; the first of equals."""
        known = self._under(0).known(architecture, layouts[0])
        able, others = self._choice.of(architecture, layouts)
        best = self._best(known, able or others)
        assert best is not None
        return best

    def _best_machine(self, machines: MachineChoice, architecture: Architecture) -> Evaluation:
        """The best evaluation under layouts of several setups; of equals the first of these."""
        some = machines.fitting(architecture)
        unsplit = () if len(some) else (self._unsplit(architecture),)
        known: dict[int, Known] = {}
        best: Evaluation | None = None
        least: tuple[bool, Fraction | float, int] = (True, math.inf, -1)
        some = some if len(some) else np.zeros(1, dtype=np.int64)
        first = self._layouts[some[0]]
        known[first.setup] = self._under(first.setup).known(architecture, first)
        need = self._need(known[first.setup], first) if self._fewest else 0.0
        for number in machines.of(architecture, some, need):
            layout = self._layouts[number]
            under = self._under(layout.setup)
            if layout.setup not in known:
                known[layout.setup] = under.known(architecture, layout)
            found = under.under(known[layout.setup], layout)
            key = (not found.feasible, self._value(found), number)
            if best is None or key < least:
                best, least = found, key
            elif _clearly_more(key[1], least[1]) and (not least[0] or unsplit):
                break
        assert best is not None
        return replace(best, violated=(*best.violated, *unsplit)) if unsplit else best

    def _need(self, known: Known, layout: Layout) -> float:
        """Tokens that a limit on the loss asks for; 0 for none, or where no number reaches it."""
        need = self._under(layout.setup).need(known)
        return need if math.isfinite(need) else 0.0

    def _best(self, known: Known, layouts: Sequence[Layout]) -> Evaluation | None:
        best: Evaluation | None = None
        least: tuple[bool, Fraction | float] = (True, math.inf)
        for layout in layouts:
            found = self._under(0).under(known, layout)
            key = (not found.feasible, self._value(found))
            if best is None or key < least:
                best, least = found, key
            elif self._choice.falls and not least[0] and _clearly_more(key[1], least[1]):
                break  # with fewer accelerators it is worse
            if self._choice.falls and best.feasible and self._suffice(known, best, layouts[-1]):
                break
        return best

    def _suffice(self, known: Known, found: Evaluation, least: Layout) -> bool:
        """Whether even the layout of fewest accelerators limits the tokens no more than others."""
        most = self._under(0).limits.flops_on(least.accelerators)
        if most is None or not math.isfinite(found.text):
            return most is None
        return Fraction(math.nextafter(found.text, math.inf)) * known.flops <= most

    def _value(self, found: Evaluation) -> Fraction | float:
        """What is minimised; where no law judges a design, the loss falls with its tokens."""
        if self._sought == "loss" and found.unjudged:
            return -found.text
        return self._sign * found.exact[self._sought]


def _machines(problem: Problem) -> MachineChoice:
    """The choice among setups, which is loaded where there are several."""
    from modelsizer.problems.designs.machine_choice import MachineChoice

    return MachineChoice(problem)


def _clearly_more(value: Fraction | float, other: Fraction | float) -> bool:
    """Whether a value exceeds another by more than rounding."""
    return float(value) - float(other) > CLEARLY * abs(float(value))


def parallel_key(problem: Problem, kind: str) -> str:
    """Key of the ways of a kind of parallelism, as `why_unsplit` has it; those of serving first."""
    served = kind != "pipeline" and any(
        getattr(setup.serving, f"{kind}_parallel") > 1 for setup in problem.setups
    )
    return f"{'serving' if served else 'training'}.{kind}_parallel"


def judge(quality: Quality, architecture: Architecture) -> Judged:
    """Loss of an architecture as a function of parameters and tokens."""
    return quality.of(architecture_features(architecture, quality.features))
