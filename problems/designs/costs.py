"""Affine costs of an architecture under the settings of a problem.

`costs` applies to single architectures and to whole tables, so a solver and the answer that is
shown use the same formulas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.mixers import Count
from modelsizer.problems.architecture.structures import Structure, order_of
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.amounts import affine_costs
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.quantity import Inverse, OfFlops, Settings, values_of
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.stacks import periods
from modelsizer.problems.space.widths import Options
from modelsizer.problems.units import exact

ALWAYS = ("parameters", TRAINING_FLOPS_PER_TOKEN, LAW_PARAMETERS)
"""Costs that every question needs: for the tie rule, the tokens and the law."""


def costs(
    problem: Problem,
    trunk: Trunk,
    kinds: Sequence[Layer],
    layout: Layout,
    names: Collection[str],
    present: Sequence[Any] = (),
) -> dict[str, Affine]:
    """Compute affine quantities by name.

    Parameters
    ----------
    problem : Problem
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    layout : Layout
        Parallel layout of the training, and the setup of training and serving.
    names : collection of str
        Names of affine quantities or auxiliary costs.
    present : sequence of (bool or array of shape (W,))
        Whether there are layers of each kind; empty if there are of all.

    Returns
    -------
    dict of str to Affine
        A quantity that is the maximum of several has one entry for each, such as
        ``"training_memory.first_stage"``.
    """
    settings = problem.setup_of(layout).settings
    return affine_costs(settings, trunk, kinds, layout, names, present)


def depends_on(problem: Problem, name: str) -> tuple[object, ...]:
    """Settings that an affine cost depends on, apart from space, layout and sequence length.

    Problems with equal settings have equal costs, so tables of a cost can be reused.
    """
    reads = cost_of(name).reads
    if not problem.several:
        return values_of(problem.setups[0].settings, reads)
    return tuple(values_of(one.settings, reads) for one in problem.setups)


def alike(problem: Problem, name: str, layouts: Sequence[Layout]) -> list[int]:
    """Number layouts such that an affine cost differs in one number by the degrees alone.

    Parameters
    ----------
    problem : Problem
    name : str
    layouts : sequence of Layout

    Returns
    -------
    list of int
        From 0, in the order of first appearance.
    """
    if not problem.several:
        return [0] * len(layouts)
    of_setup = problem.setup_classes(cost_of(name).reads)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(of_setup[one.setup], len(numbers)) for one in layouts]


def computable(problem: Problem) -> list[str]:
    """Affine quantities for which every setup of the problem has enough data."""
    return [n for n, row in QUANTITIES.items() if row.affine and not problem.lacks(n)]


def flops_rate(problem: Problem, quantity: str, layout: Layout | None = None) -> Fraction:
    """Amount of a quantity per training FLOP, for quantities proportional to training FLOPs.

    Quantities divided among the accelerators in training are those of one accelerator.

    Parameters
    ----------
    problem : Problem
    quantity : str
    layout : Layout, optional
        May be left out where the problem offers one setup.

    Raises
    ------
    UnknownFigureError
        If a needed figure of the accelerator is unknown; see `lacking`.
    """
    return _of_flops(quantity).rate(settings_under(problem, layout))


def settings_under(problem: Problem, layout: Layout | None) -> Settings:
    """Settings of a layout, or the only ones of a problem without menus."""
    if layout is not None:
        return problem.setup_of(layout).settings
    assert not problem.several, "settings of which setup?"
    return problem.settings


def inference_charge(problem: Problem, quantity: str, layout: Layout | None = None) -> Fraction:
    """Amount of a quantity per inference FLOP per token, over the lifetime; see `flops_rate`."""
    charge = _of_flops(quantity).charge
    return Fraction(0) if charge is None else charge(settings_under(problem, layout))


def inverse_numerator(problem: Problem, quantity: str, layout: Layout | None = None) -> Fraction:
    """Numerator of a quantity that is a quotient: ``batch_size`` in ``batch_size / latency``."""
    how = QUANTITIES[quantity].how
    assert isinstance(how, Inverse)
    if layout is None and problem.several:
        (only,) = {how.numerator(setup.settings) for setup in problem.setups}
        return exact(only)
    return exact(how.numerator(settings_under(problem, layout)))


def _of_flops(quantity: str) -> OfFlops:
    how = QUANTITIES[quantity].how
    assert isinstance(how, OfFlops), f"{quantity} does not follow from training FLOPs"
    return how


def design_parts(
    problem: Problem, structure: Structure, widths: Mapping[str, Count]
) -> tuple[Trunk, tuple[Layer, ...]]:
    """Trunk and kinds of layer with given widths, integers or arrays."""
    return structure.parts(widths, problem.training.sequence_length)


def architecture_of(
    problem: Problem, structure: Structure, widths: Mapping[str, int], counts: Sequence[int]
) -> Architecture:
    """Architecture with given widths.

    Parameters
    ----------
    problem : Problem
    structure : Structure
    widths : mapping of str to int
        The widths of the structure.
    counts : sequence of int
        Number of layers of each kind of the structure; kinds without layers have no group.
    """
    plain = {name: int(value) for name, value in widths.items()}
    plain["tied_embeddings"] = bool(plain["tied_embeddings"])
    trunk, kinds = design_parts(problem, structure, plain)
    groups = (LayerGroup(kind, int(n)) for kind, n in zip(kinds, counts, strict=True) if n)
    space = problem.space
    tried = periods(space, structure.block) if space.full_layers is None else ()
    order = order_of(structure, counts, tried)
    return Architecture(trunk, tuple(groups), structure.block, order)


def architecture_at(problem: Problem, options: Options, row: int, j: Sequence[int]) -> Architecture:
    """Architecture at a row of a table of options, at depth indices j."""
    widths = {name: column[row] for name, column in options.widths.items()}
    counts = options.depths.counts(np.array([row]), np.asarray([j]))[0]
    return architecture_of(problem, options.structure, widths, counts)
