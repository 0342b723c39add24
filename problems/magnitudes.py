"""Numbers that doubles hold: no cost of a design and no loss overflows, or the input is refused.

Settings are of ordinary size (`modelsizer.problems.tables.tables`), but a limit may be any double.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np

from modelsizer.problems.architecture.accounting import parameters
from modelsizer.problems.architecture.choices import ZERO_APART
from modelsizer.problems.architecture.structures import LATENT
from modelsizer.problems.laws.features import beyond_doubles
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import LargestBatch, OfFlops, Settings
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements.budgets import Budgets
from modelsizer.problems.requirements.token_limits import TokenLimits
from modelsizer.problems.space.stacks import structures
from modelsizer.problems.tables.menus import Steps
from modelsizer.problems.tables.space import (
    DEFAULT_EXPERT_MULTIPLE,
    DEFAULT_FFN_MULTIPLE,
    DEFAULT_HEAD_DIM,
    DEFAULT_PLAIN_RATIO,
    LinearSpace,
    Space,
)
from modelsizer.problems.units import as_double, exact, format_number

MOST_FLOPS_PER_TOKEN = 10**40
"""More FLOPs than a token can take: widths, layers and contexts are at most 2^31, so the scores of
all layers are at most 2^128, and with the backward pass a few times that."""
LEAST, MOST = Fraction(1, 10**200), 10**300
"""Range of tokens and FLOPs that limits may ask for, and of costs: within that of doubles, also
per token and after a few more operations."""


def check_magnitudes(settings: Settings, budgets: Budgets) -> None:
    """Refuse limits on tokens so small or so large that a cost could not be a double.

    Also more requests than are told apart, which no design could keep.

    Raises
    ------
    ValueError
        ``"@key message"``, as those of `modelsizer.problems.checks`.
    """
    for name, limit in budgets.limits.items():
        how = QUANTITIES[name].how
        if isinstance(how, LargestBatch) and limit.min is not None and limit.min > how.most:
            raise ValueError(
                f"@budgets.{name} {limit.min:,} is too many: requests are counted to {how.most:,}"
            )
    rates = dict(_rates(settings))
    asked = {f"budgets.{name}": limit for name, limit in budgets.limits.items()}
    if settings.training.tokens is not None:
        asked["training.tokens"] = settings.training.tokens
    most: list[tuple[Fraction, str]] = []
    least: list[tuple[Fraction, str]] = []
    for key, limit in asked.items():
        name = key.partition(".")[2]
        if name != "tokens" and name not in rates:
            continue
        for ends, end in ((least, limit.min), (most, limit.max)):
            if end is None:
                continue
            bought = exact(end) / rates.get(name, 1)
            if bought < LEAST:
                what = "tokens" if name == "tokens" else "training FLOPs"
                raise ValueError(
                    f"@{key} {format_number(end)} is too small: it is {_words(bought)} {what}, "
                    "and at least "
                    f"{_words(LEAST)} are needed"
                )
            ends.append((bought * (MOST_FLOPS_PER_TOKEN if name == "tokens" else 1), key))
    for flops, key in [*([min(most)] if most else []), *least]:
        for name, rate in rates.items():
            if flops * rate > MOST:
                raise ValueError(
                    f"@{key} {as_double(exact(_end(asked[key])))} is too large: the {name} of a "
                    f"design could exceed {format_number(float(MOST))}; write less, or leave it out"
                )


def _end(limit: object) -> int | float:
    found: int | float = getattr(limit, "max", None) or getattr(limit, "min")  # noqa: B009
    return found


def _rates(settings: Settings) -> Iterator[tuple[str, Fraction]]:
    """Each quantity of training FLOPs that can be computed, and how much of it a FLOP takes."""
    for name, row in QUANTITIES.items():
        if isinstance(row.how, OfFlops) and not lacking(settings, name):
            yield name, row.how.rate(settings)


def _words(number: Fraction) -> str:
    """A number that may be smaller than any double."""
    if number and (value := as_double(number)):
        return format_number(value, 3)
    return f"1e-{len(str(number.denominator // number.numerator)) - 1}"


def fewest_tokens(limits: TokenLimits) -> float:
    """A lower bound on the most tokens of any design, infinite without limits on them."""
    ends = [limits.most, *(
        None if flops is None else flops / MOST_FLOPS_PER_TOKEN
        for flops in (limits.flops_on(1), Fraction(1) if limits.charges else None)
    )]  # fmt: skip
    known = [as_double(end) for end in ends if end is not None]
    return min(known, default=math.inf)


def loss_overflows(law: TokenLaw, limits: TokenLimits) -> bool:
    """Whether the loss of some design may be no finite number, as far as is easily known."""
    return bool(law.features) or not _finite(law, 1.0, fewest_tokens(limits))


@lru_cache(maxsize=32)  # every change of a problem asks for it, and few change the space
def most_parameters(space: Space, sequence_length: int) -> int:
    """An upper bound on the parameters of every design of a space, 0 if it offers no structure."""

    def ends(key: str, default: float) -> tuple[float, float]:
        menu = space.menu(key)
        if menu is None:
            return default, default
        if isinstance(menu, Steps):
            return float(menu.min), float(menu.max)
        return float(min(menu.entries)), float(max(menu.entries))

    d_model = ends("d_model", 1)[1]
    head_dim, heads = ends("head_dim", DEFAULT_HEAD_DIM), ends("heads", 1)
    if space.heads is None:
        heads = (1, d_model / min(head_dim))
    elif space.head_dim is None:
        head_dim = (1, d_model / min(heads))
    d_ff = ends("d_ff", 1)[1]
    if space.d_ff is None:
        ratio = ends("ffn_ratio", float(DEFAULT_PLAIN_RATIO))[1]  # the larger of the two defaults
        d_ff = ratio * d_model + ends("ffn_multiple", DEFAULT_FFN_MULTIPLE)[1]
    widths = {"d_model": d_model, "heads": max(heads), "kv_heads": max(heads),
              "head_dim": max(head_dim), "d_ff": d_ff, "vocab_size": ends("vocab_size", 1)[1],
              "tied_embeddings": 0, "window": 1}  # fmt: skip
    experts = ends("experts.d_ff", 1)[1]
    if (finest := ends("experts.granularity", 0)[0]) > 0:
        experts = 2 * d_model / finest + ends("experts.ffn_multiple", DEFAULT_EXPERT_MULTIPLE)[1]
    widths |= {
        "routed_experts": ends("experts.routed", 0)[1],
        "active_experts": 1,
        "expert_d_ff": experts,
        "shared_experts": ends("experts.shared", 0)[1],
    }
    for name in LATENT[1:]:
        widths[name] = ends(f"latent.{name}", 1)[1]
    widths["heads"] = widths["kv_heads"] = max(widths["heads"], ends("latent.heads", 1)[1])
    for name in LinearSpace.model_fields:
        widths[f"linear_{name}"] = ends(f"linear.{name}", 1)[1]
    # Arrays, since the largest widths need not divide each other; some without each such width.
    up = {name: np.array([math.ceil(value)] * (1 + len(ZERO_APART)), object) for name, value in
          widths.items()}  # fmt: skip
    for row, name in enumerate(ZERO_APART, start=1):
        up[name][row] = 0
    found = 0
    for structure in structures(space):
        trunk, kinds = structure.parts(up, sequence_length)
        held, layers = parameters(trunk, kinds), math.ceil(ends("layers", 1)[1])
        found = max(found, int(np.max(held.base + layers * sum(held.per_layer))))
    return found


def check_loss(law: TokenLaw, limits: TokenLimits, most_parameters: int) -> None:
    """Refuse a law of N and D that gives no finite loss, even for the largest model and most data.

    Raises
    ------
    ValueError
        See `check_magnitudes`.
    """
    most = math.inf if limits.most is None else as_double(limits.most)
    if most_parameters and not law.features and not _finite(law, float(most_parameters), most):
        raise ValueError(
            f"@objective.law {law.name} gives no finite loss for any design: its numbers overflow"
        )


def _finite(law: TokenLaw, parameters: float, tokens: float) -> bool:
    with beyond_doubles():
        return bool(np.isfinite(law.loss(parameters, tokens)))
