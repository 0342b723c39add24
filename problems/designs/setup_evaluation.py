"""Exact evaluation of designs under one setup of training and serving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial

from modelsizer.problems.architecture.accounting import Parameters, count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.costs import ALWAYS, costs
from modelsizer.problems.designs.evaluated import Evaluation, unmet, violations
from modelsizer.problems.designs.later import Amounts
from modelsizer.problems.designs.token_choice import TokenChoice
from modelsizer.problems.laws.features import architecture_features
from modelsizer.problems.laws.quality import Judged, Quality
from modelsizer.problems.laws.reach import Unknown, why_unjudged
from modelsizer.problems.laws.shapes import NoShape
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.amounts import amount
from modelsizer.problems.quantities.auxiliary import (
    LAW_PARAMETERS,
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import Inverse, LargestBatch, OfFlops
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.setups import Setup
from modelsizer.problems.requirements.token_limits import TokenLimits
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, plain
from modelsizer.problems.units import exact as as_exact

_ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Known:
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


class SetupEvaluation:
    """Evaluates designs under one setup, with what does not depend on the design computed once.

    Parameters
    ----------
    problem : Problem
    setup : Setup
    quality : Quality
    fewest : bool
        Whether the fewest tokens are taken, and not the most.

    Attributes
    ----------
    limits : TokenLimits
    """

    def __init__(self, problem: Problem, setup: Setup, quality: Quality, *, fewest: bool) -> None:
        settings = self._settings = setup.settings
        self._setup = setup
        self._problem, self._quality = problem, quality
        rows = [row for name, row in QUANTITIES.items() if not lacking(settings, name)]
        self._fixed = [row for row in rows if row.affine and not row.by_layout]
        self._varying = [row for row in rows if row.affine and row.by_layout]
        self._order = [row.name for row in rows if row.affine]
        self._of_flops = {
            row.name: (row.how.rate(settings), row.how.charge and row.how.charge(settings))
            for row in rows
            if isinstance(row.how, OfFlops) and row.name != "training_flops"
        }
        self._served = any(charge is not None for _, charge in self._of_flops.values())
        self._inverse = {
            row.name: (as_exact(row.how.numerator(settings)), row.how.of)
            for row in rows
            if isinstance(row.how, Inverse)
        }
        self._batches = [row.name for row in rows if isinstance(row.how, LargestBatch)]
        self.limits, self._target = setup.token_limits, setup.limits.get("loss")
        self._fewest = fewest

    def _rate(self, architecture: Architecture) -> Fraction:
        """Tokens of the design for one that the law counts."""
        rates = self._settings.tokenizer
        return _ONE if rates is None else rates.of(int(architecture.trunk.vocab_size))

    def _costs(
        self, architecture: Architecture, layout: Layout, names: Sequence[str]
    ) -> dict[str, Fraction]:
        kinds = architecture.kinds
        counts = architecture.counts
        found = costs(self._problem, architecture.trunk, kinds, layout, names)
        return {name: affine.at(counts) for name, affine in found.items()}

    def known(self, architecture: Architecture, layout: Layout) -> Known:
        """What no layout changes."""
        names = [*(row.name for row in self._fixed), *ALWAYS]
        names += [SERVED_FLOPS_PER_TOKEN] if self._served else []
        values = self._costs(architecture, layout, names)
        unjudged = why_unjudged(self._quality, architecture)
        quality = Quality(Unknown(), NoShape()) if unjudged else self._quality
        features = architecture_features(architecture, quality.features)
        own = self._rate(architecture)
        return Known(
            architecture,
            count_parameters(architecture),
            {row.name: max(values[part] for part in row.parts) for row in self._fixed},
            plain(values[LAW_PARAMETERS]),
            values[TRAINING_FLOPS_PER_TOKEN],
            values.get(SERVED_FLOPS_PER_TOKEN, Fraction(0)),
            own,
            unjudged,
            quality.of(features),
            math.nan if unjudged else float(quality.shape_excess(features)),
        )

    def need(self, known: Known) -> float:
        """The least tokens at which a design keeps limits on the loss; 0 without such."""
        if self._target is None or known.unjudged:
            return 0.0
        free = TokenLimits(Fraction(0), None, Fraction(0), None)
        found = TokenChoice(
            known.judged, free, self._target, n=known.n, flops=known.flops, accelerators=1
        )
        return found.low

    def under(self, known: Known, layout: Layout) -> Evaluation:
        """Evaluate a design under one layout."""
        values = self._costs(known.architecture, layout, [row.name for row in self._varying])
        costs = known.exact | {
            row.name: max(values[part] for part in row.parts) for row in self._varying
        }
        exact: dict[str, Fraction | float] = {name: costs[name] for name in self._order}
        flops, served, own, unjudged = known.flops, known.served, known.own, known.unjudged
        choice = TokenChoice(
            known.judged,
            self.limits,
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
        amounts: Mapping[str, Fraction | float] = exact
        if self._batches:
            amounts = Amounts(
                exact,
                {
                    name: partial(amount, self._settings, known.architecture, layout, name)
                    for name in self._batches
                },
            )
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
            amounts,
            violations(self._setup, amounts, flops) or unmet(self._setup, choice, loss),
            unjudged,
        )
