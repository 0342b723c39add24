"""The tables of a sizing problem, and what follows from them together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from modelsizer.problems import checks
from modelsizer.problems.costs.text_rates import text_rates
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.ablations import Ablations, unseen_by
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.leverage import DEFAULT_LEVERAGE_FLOPS
from modelsizer.problems.laws.own_terms import bands_of
from modelsizer.problems.laws.published import TOKEN_LAWS, token_law
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.laws.reading import PREFIX, law_named
from modelsizer.problems.laws.shapes import DEFAULT_SHAPE, ShapeLaw, shape_law
from modelsizer.problems.magnitudes import check_loss, check_magnitudes, most_parameters
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import Settings
from modelsizer.problems.requirements import references
from modelsizer.problems.requirements.budgets import BudgetsTable, new_budgets
from modelsizer.problems.requirements.objective import BUDGET, Objective
from modelsizer.problems.requirements.token_limits import TokenLimits, token_limits
from modelsizer.problems.space.counting import Counted, count_designs
from modelsizer.problems.space.layouts import Layout, layouts
from modelsizer.problems.space.options import options
from modelsizer.problems.space.splits import Split, splits
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.own_laws import LawTable
from modelsizer.problems.tables.prices import NO_PRICES, PricesTable
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.space import Space
from modelsizer.problems.tables.tables import Table
from modelsizer.problems.tables.tokenizer import Tokenizer, in_tokens
from modelsizer.problems.tables.training import Training
from modelsizer.problems.typed_tables import made


class Statement(Table):
    """What may be built, what is promised and how quality is judged, frozen and validated.

    `modelsizer.problems.problem.Problem` reads, writes and changes it, and has its parameters.
    """

    name: str = ""
    space: Space
    training: Training = made(Training)
    serving: Serving = made(Serving)
    lifetime: Lifetime = made(Lifetime)
    prices: PricesTable = NO_PRICES
    budgets: BudgetsTable = made(new_budgets)
    objective: Objective = made(Objective)
    tokenizer: Tokenizer | None = None
    laws: dict[str, LawTable] = made(dict)
    scenarios: dict[str, dict[str, Any]] = made(dict)

    def _check(self) -> None:
        for name in self.laws:
            if name in TOKEN_LAWS:
                raise ValueError(f"@laws {name!r} is the name of a law that comes with modelsizer")
        # The model is frozen, and what its space offers depends on the contexts.
        longest = max(self.training.sequence_length, self.context_length)
        self.__dict__["space"] = self.space.within(longest)
        self.__dict__.update(in_tokens(vars(self), self.tokenizer))
        self.prices.check((self.training.device, self.serving.device))
        checks.check_alternatives(self.space)
        checks.check_laws(self.objective, self.laws)
        checks.check_shape(self.objective, self.law)
        checks.check_reach(self.law, self.space)
        checks.check_experts(self.objective, self.law)
        checks.check_tokenizer(self.tokenizer, self.law, self.space)
        checks.check_inputs(self.settings, self.budgets, self.objective)
        layouts(self.training)
        for loss in (False, True):
            self.__dict__.update(references.resolved(self, loss=loss))
        limits = self.token_limits
        checks.check_tokens(limits, self.training, self.budgets, self.objective)
        check_magnitudes(self.settings, self.budgets)
        most = most_parameters(self.space, self.training.sequence_length)
        check_loss(self.law, limits, most)

    # What follows from the values

    @property
    def law(self) -> TokenLaw:
        """The token law, told of the data where it sees repeats."""
        unique = self.training.unique_tokens
        law = self._law_called(self.objective.law)
        law = law.on_data(None if unique is None else float(unique))
        return law.on_sequences(self.training.sequence_length)

    def _law_called(self, name: str) -> TokenLaw:
        if name.startswith(PREFIX):
            return law_named(name)
        return self.laws[name].law(name) if name in self.laws else token_law(name)

    def under_law(self, name: str) -> dict[str, object]:
        """Settings that judge designs by another law, and as it counts shapes and experts itself.

        Parameters
        ----------
        name : str
            As `objective.law` takes it; `with_settings` refuses one that there is not.
        """
        found: dict[str, object] = {"objective.law": name}
        try:
            law = self._law_called(name)
        except (ValueError, ProblemError):
            return found
        if law.sees_shape:
            found["objective.shape"] = "none"
        if law.experts is not None and "experts" in self.objective.model_fields_set:
            found["objective.experts"] = law.experts
        return found

    @property
    def shape(self) -> ShapeLaw:
        """The shape law; that of `objective.law` itself where it prices width or depth."""
        if (given := self.objective.shape) is not None:
            return shape_law(given)
        return shape_law("none" if self.law.sees_shape else DEFAULT_SHAPE)

    @property
    def quality(self) -> Quality:
        """The law, what it cannot see and the shape law together."""
        law = self.law
        return Quality(law, self.shape, self._ablations(law))

    def _ablations(self, law: TokenLaw) -> Ablations | None:
        if (found := bands_of(self.objective.ablations)) is None:
            return None
        bands, end = found
        return Ablations(end, self.training.sequence_length, unseen_by(law), bands)

    @property
    def context_length(self) -> int:
        """Serving context, with the default filled in."""
        return self.serving.context_length or self.training.sequence_length

    @property
    def settings(self) -> Settings:
        """What quantities are computed from, beside architecture and layout."""
        return Settings(
            self.training,
            self.serving,
            self.lifetime,
            self.context_length,
            self.law.parameter_kind,
            self.law.experts or self.objective.experts,
            self.leverage_flops,
            text_rates(self.tokenizer, self.space.vocab_size.numbers),
            self.prices,
        )

    @property
    def leverage_flops(self) -> float:
        """Training FLOPs at which the leverage of experts is taken.

        With `objective.leverage_flops = "budget"` the most that the problem allows; the default
        where it allows endlessly many, which `checks.check_leverage` refuses.
        """
        asked = self.objective.leverage_flops
        if asked != BUDGET:
            return float(asked)
        most = self.token_limits.most_flops
        return DEFAULT_LEVERAGE_FLOPS if most is None else float(most)

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Parallel layouts to choose from, the preferred ones first."""
        return layouts(self.training)

    @property
    def splits(self) -> tuple[Split, ...]:
        """What each layout asks of an architecture: ways that divide its widths and its depth."""
        return splits(self.layouts, self.serving.tensor_parallel, self.training.interleave)

    def split(self, layout: Layout) -> Split:
        """What a layout asks of an architecture."""
        return splits((layout,), self.serving.tensor_parallel, self.training.interleave)[0]

    def lacks(self, quantity: str) -> str:
        """What the file must say for a quantity to be computed, and does not; empty if nothing."""
        return lacking(self.settings, quantity)

    @property
    def token_limits(self) -> TokenLimits:
        """Limits on tokens from [training] and [budgets] together."""
        # No limit on tokens depends on what a law counts.
        settings = Settings(
            self.training,
            self.serving,
            self.lifetime,
            self.context_length,
            "total",
            prices=self.prices,
        )
        return token_limits(settings, self.budgets)

    def options(self, rows_at_once: int = 200_000) -> Iterator[tuple[Layout, Options]]:
        """Tables of every width option that the space and its rules allow, under each layout."""
        for layout in self.layouts:
            for table in options(self.space, self.split(layout), rows_at_once):
                yield layout, table

    def count_designs(self) -> int:
        """How many distinct architectures the space holds under one layout or another."""
        return self.counted.designs

    @property
    def counted(self) -> Counted:
        """Designs of the space, and pairs of a design and a layout that can split it."""
        return count_designs(self.space, self.splits)

    @property
    def least_loss(self) -> float | None:
        """The law's limit of endless size and data; None for a law that sees more than these."""
        return None if self.law.features else float(self.law.loss(math.inf, math.inf))
