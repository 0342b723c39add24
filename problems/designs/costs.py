"""Every affine cost of an architecture under the settings of a problem, in one place.

`costs` serves one architecture and whole tables alike, so the figure that a solver bounds and
the figure that the answer shows come from the same lines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

import numpy as np
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import Count
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import ACCELERATORS as ACCELERATORS
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS as LAW_PARAMETERS
from modelsizer.problems.quantities.auxiliary import TRAINING_FLOPS_EACH as TRAINING_FLOPS_EACH
from modelsizer.problems.quantities.auxiliary import (
    TRAINING_FLOPS_PER_TOKEN as TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.auxiliary import WEIGHT_FLOPS as WEIGHT_FLOPS
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import Candidate, Inverse, OfFlops, values_of
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.widths import Options
from modelsizer.problems.units import exact

ALWAYS = ("parameters", TRAINING_FLOPS_PER_TOKEN, LAW_PARAMETERS)
"""What every question needs: the tie rule, the tokens and the law."""


def costs(
    problem: Problem,
    trunk: Trunk,
    kinds: Sequence[Layer],
    layout: Layout,
    names: Collection[str],
) -> dict[str, Affine]:
    """Affine quantities by name.

    Parameters
    ----------
    problem : Problem
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    layout : Layout
        How its training is split.
    names : collection of str
        Affine quantities, or auxiliary costs.

    Returns
    -------
    dict of str to Affine
        A quantity that is the most of several appears as those: ``"training_memory.first_stage"``.
    """
    candidate = Candidate(problem.settings, trunk, kinds, layout)
    found: dict[str, Affine] = {}
    for name in names:
        cost = cost_of(name)
        values = cost.formula(candidate)
        several = values if isinstance(values, tuple) else (values,)
        found.update(zip(cost.parts(name), several, strict=True))
    return found


def depends_on(problem: Problem, name: str) -> tuple[object, ...]:
    """What of a problem an affine cost depends on, space, layout and sequence length aside.

    Two problems that give the same have the same figures of it, so tables of it can be kept.
    """
    return values_of(problem.settings, cost_of(name).reads)


def computable(problem: Problem) -> list[str]:
    """Affine quantities that the problem says enough to compute."""
    settings = problem.settings
    return [n for n, row in QUANTITIES.items() if row.affine and not lacking(settings, n)]


def flops_rate(problem: Problem, quantity: str) -> Fraction:
    """How much one training FLOP is of a quantity that is proportional to them.

    Of one that the accelerators at work share, on one accelerator.

    Raises
    ------
    UnknownFigureError
        If a figure of the accelerator is needed that is not known; `lacking` tells.
    """
    return _of_flops(quantity).rate(problem.settings)


def inference_charge(problem: Problem, quantity: str) -> Fraction:
    """How much one inference FLOP a token is of a quantity, over the lifetime; see `flops_rate`."""
    charge = _of_flops(quantity).charge
    return Fraction(0) if charge is None else charge(problem.settings)


def inverse_numerator(problem: Problem, quantity: str) -> Fraction:
    """What a quantity is over an affine one: ``batch_size`` of ``batch_size / latency``."""
    how = QUANTITIES[quantity].how
    assert isinstance(how, Inverse)
    return exact(how.numerator(problem.settings))


def _of_flops(quantity: str) -> OfFlops:
    how = QUANTITIES[quantity].how
    assert isinstance(how, OfFlops), f"{quantity} does not follow from training FLOPs"
    return how


def design_parts(
    problem: Problem, block: str, widths: Mapping[str, Count]
) -> tuple[Trunk, tuple[Layer, ...]]:
    """Trunk and kinds of layer of some widths, integers or arrays."""
    kind = BLOCKS[block]
    tied, sequence = widths["tied_embeddings"], problem.training.sequence_length
    trunk = kind.trunk(widths["d_model"], widths["vocab_size"], tied, sequence)
    return trunk, kind.kinds(widths)


def architecture_of(
    problem: Problem, block: str, widths: Mapping[str, int], counts: Sequence[int]
) -> Architecture:
    """The architecture of some widths.

    Parameters
    ----------
    problem : Problem
    block : str
    widths : mapping of str to int
        By the names of `modelsizer.problems.architecture.choices.WIDTHS`.
    counts : sequence of int
        Layers of each kind of the block; of those with none there is no group.
    """
    plain = {name: int(value) for name, value in widths.items()}
    plain["tied_embeddings"] = bool(plain["tied_embeddings"])
    trunk, kinds = design_parts(problem, block, plain)
    groups = (LayerGroup(kind, int(n)) for kind, n in zip(kinds, counts, strict=True) if n)
    return Architecture(trunk, tuple(groups), block)


def architecture_at(problem: Problem, options: Options, row: int, j: Sequence[int]) -> Architecture:
    """The design of a row of a table of options at some depths."""
    widths = {name: column[row] for name, column in options.widths.items()}
    counts = options.depths.counts(np.array([row]), np.asarray([j]))[0]
    return architecture_of(problem, options.block, widths, counts)
