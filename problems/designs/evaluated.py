"""One design evaluated exactly, and which limits it breaks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from modelsizer.problems.architecture.accounting import Parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import tie_key
from modelsizer.problems.designs.token_choice import TokenChoice
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.setups import Setup
from modelsizer.problems.shown import Shown
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, format_quantity, plain
from modelsizer.problems.units import exact as as_exact

_ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Evaluation(Shown):
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

    def _words(self) -> str:
        broken = f"; breaks {', '.join(self.violated)}" if self.violated else ""
        return f"{design_words(self)}{broken}"

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
        row = QUANTITIES[name]
        if isinstance(value, float) or not (row.affine or row.form == "batch"):
            return float(value)
        return plain(value)

    @property
    def tie_key(self) -> tuple[int, ...]:
        """Sort key for designs of equal objective; the smallest comes first."""
        return tie_key(self.architecture, self.parameters.total)


def design_words(design: Evaluation) -> str:
    """Shape, size, tokens and loss of a design, in a few words."""
    of = design.architecture
    size = format_quantity(design.parameters.total, "parameters")
    tokens = "unlimited" if math.isinf(design.tokens) else format_quantity(design.tokens, "tokens")
    shape = f"{of.layers} layers x {of.trunk.d_model}"
    return f"{shape}, {size} parameters, {tokens} tokens, loss {design.loss:.4f}"


def unmet(setup: Setup, choice: TokenChoice, loss: float) -> tuple[str, ...]:
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
        ("training.tokens", setup.training.tokens),
        ("budgets.tokens", setup.limits.get("tokens")),
    ):
        if limit is not None and limit.min is not None:
            return (key,)
    return ("budgets.training_flops",)


def violations(
    setup: Setup, exact: Mapping[str, Fraction | float], flops: Fraction
) -> tuple[str, ...]:
    """Keys of the limits that a design breaks, of `flops` training FLOPs per token."""
    broken, spacings = [], {"tokens": _ONE, "training_flops": flops}
    for name, limit in setup.limits.items():
        if name == "loss" and math.isnan(exact[name]):
            continue  # no law judges the design
        spacing = spacings.get(name, Fraction(0))
        if not _keeps(limit, exact[name], spacing):
            broken.append(f"budgets.{name}")
    tokens = setup.training.tokens
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
