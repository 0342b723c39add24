"""Every affine cost of an architecture under the settings of a problem, in one place.

`costs` serves one architecture and whole tables alike, so the figure that a solver bounds and
the figure that the answer shows come from the same lines.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
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


def option_parts(problem: Problem, options: Options) -> tuple[Trunk, Layer]:
    """Trunk and layer of a table of options, its arrays in place of integers."""
    block = BLOCKS[options.block]
    o = options
    trunk = block.trunk(o.d_model, o.vocab_size, o.tied, problem.training.sequence_length)
    return trunk, block.layer(o.heads, o.kv_heads, o.head_dim, o.d_ff)


def architecture_of(
    problem: Problem,
    *,
    block: str,
    d_model: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    d_ff: int,
    vocab_size: int,
    tied_embeddings: bool,
    layers: int,
) -> Architecture:
    """The uniform architecture of some widths and a depth."""
    kind = BLOCKS[block]
    trunk = kind.trunk(d_model, vocab_size, tied_embeddings, problem.training.sequence_length)
    layer = kind.layer(heads, kv_heads, head_dim, d_ff)
    return Architecture(trunk, (LayerGroup(layer, layers),), block)
