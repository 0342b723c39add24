"""The tables of a sizing problem as they are given, and how designs are judged by them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

from modelsizer.problems.errors import ProblemError
from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.laws.ablations import Ablations, unseen_by
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.own_terms import bands_of
from modelsizer.problems.laws.published import token_law
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.laws.reading import PREFIX, law_named
from modelsizer.problems.laws.shapes import DEFAULT_SHAPE, ShapeLaw, shape_law
from modelsizer.problems.offered import Offered
from modelsizer.problems.requirements.budgets import BudgetsTable, new_budgets
from modelsizer.problems.requirements.objective import Objective
from modelsizer.problems.requirements.setups import offered
from modelsizer.problems.space.stacks import feed_forwards
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.own_laws import LawTable
from modelsizer.problems.tables.prices import NO_PRICES, PricesTable
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.space import Space
from modelsizer.problems.tables.tables import Table
from modelsizer.problems.tables.tokenizer import Tokenizer
from modelsizer.problems.tables.training import Training
from modelsizer.problems.typed_keys import Kind, made
from modelsizer.problems.value_forms import Special

SCENARIO = "scenario"
"""What the schema of the problem file calls the tables of a scenario."""
_SCENARIOS = Special(
    example={"long": {"serving.context_length": 32768}},
    made=lambda: {"type": "object", "additionalProperties": {"$ref": f"#/definitions/{SCENARIO}"}},
)


class Given(Table):
    """Tables of a sizing problem, and what follows from the values of some of them alone.

    What follows from all of them is in `modelsizer.problems.statement.Statement`.
    """

    __slots__ = ("_made",)

    _made: dict[str, Any]

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
    scenarios: Annotated[dict[str, dict[str, Any]], Kind(form=_SCENARIOS)] = made(dict)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """What is computed when it is first asked for, and is no value of the problem."""
        try:
            kept = self._made
        except AttributeError:
            kept = {}
            object.__setattr__(self, "_made", kept)
        if name not in kept:
            kept[name] = make()
        return kept[name]

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
    def contexts(self) -> tuple[int, ...]:
        """Context of training and that of serving, in tokens; once where they are equal."""
        return tuple(dict.fromkeys((self.training.sequence_length, self.context_length)))

    @property
    def menus(self) -> dict[str, Offered]:
        """Settings that offer several values, by dotted key."""
        found: dict[str, Offered] = self._once(
            "menus", lambda: offered(self.training, self.serving)
        )
        return found

    @property
    def devices(self) -> tuple[Accelerator, ...]:
        """Accelerators that are named, those of training first."""
        return (*self.training.every_device, *self.serving.every_device)

    @property
    def mixture(self) -> bool | None:
        """Whether designs of the space have layers of experts; None if some have and some not."""
        found: bool | None = self._once("mixture", self._mixture)
        return found

    def _mixture(self) -> bool | None:
        kinds = {experts for _, experts in feed_forwards(self.space)}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def mixtures(self) -> tuple[bool, ...]:
        """Whether designs have layers of experts: both, where these train at MFUs of their own."""
        if self.mixture is None and self.training.mfu is None and self.training.every_device:
            return False, True
        return (bool(self.mixture),)

    @property
    def several(self) -> bool:
        """Whether there are several setups: of menus, or of designs with and without experts."""
        found: bool = self._once("several", lambda: bool(self.menus) or len(self.mixtures) > 1)
        return found

    @property
    def least_loss(self) -> float | None:
        """The law's limit of endless size and data; None for a law that sees more than these."""
        return None if self.law.features else float(self.law.loss(math.inf, math.inf))
