"""How the optimum grows with compute: exponents fitted, published, and implied by a law.

Exponents are slopes of least squares in the logarithms of a quantity and of the training FLOPs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from modelsizer.optimizer.frontiers.frontier import Frontier, Point
from modelsizer.problems.laws.laws import PowerLaw
from modelsizer.problems.laws.shapes import WidthDepthShape
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import names_of
from modelsizer.problems.records import dataclass

LEAST_POINTS = 3
"""Points below which the slope has no standard error, so that none is fitted."""


@dataclass(frozen=True, slots=True)
class Exponent:
    """A power law fitted.

    Parameters
    ----------
    quantity : str
    exponent : float
        Of training FLOPs.
    standard_error : float
        Of the exponent, by ordinary least squares. The points are exact optima, so it measures
        their deviation from one power law and the coarseness of the menus, not training noise.
    r2 : float
        Explained share of the variance of the logarithm; 1 where that is 0.
    points : int
    """

    quantity: str
    exponent: float
    standard_error: float
    r2: float
    points: int


def fit_power(quantity: str, compute: ArrayLike, values: ArrayLike) -> Exponent:
    """Fit ``value = k C^exponent`` by least squares of the logarithms.

    Parameters
    ----------
    quantity : str
    compute, values : array of shape (n,)
        Above 0.

    Raises
    ------
    ValueError
        If there are fewer than `LEAST_POINTS` points, or all at one C.
    """
    x, y = np.log(np.asarray(compute, float)), np.log(np.asarray(values, float))
    if len(x) < LEAST_POINTS or np.ptp(x) == 0:
        raise ValueError(f"an exponent needs {LEAST_POINTS} points at different FLOPs")
    x, y = x - x.mean(), y - y.mean()
    spread, total = float(x @ x), float(y @ y)
    slope = float(x @ y) / spread
    left = y - slope * x
    unexplained = float(left @ left)
    error = math.sqrt(unexplained / (len(x) - 2) / spread)
    return Exponent(quantity, slope, error, 1 - unexplained / total if total else 1.0, len(x))


def fitted(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points that no end of a menu and no other limit determines."""
    return tuple(point for point in points if point.free and point.design is not None)


def exponents(frontier: Frontier) -> tuple[Exponent, ...]:
    """Exponents of the optimum's size, tokens and shape along a frontier of compute.

    Only points at no end of a menu and not held by another limit are fitted. There are no
    exponents unless training FLOPs, or a budget proportional to them, are swept, the objective is
    the loss, and enough points are left; none of a fixed quantity; and none of depth and width
    without a shape law.

    Parameters
    ----------
    frontier : Frontier

    Returns
    -------
    tuple of Exponent
    """
    problem = frontier.problem
    designs = [point.design for point in fitted(frontier.points) if point.design is not None]
    sought = problem.objective.quantity == "loss" and frontier.setting.name in names_of("flops")
    if not sought or len(designs) < LEAST_POINTS:
        return ()
    compute = np.array([design.training_flops for design in designs])
    columns: dict[str, list[float]] = {
        "parameters": [design.parameters.total for design in designs],
        "non_embedding_parameters": [design.parameters.non_embedding for design in designs],
        "tokens": [design.tokens for design in designs],
        "tokens_per_parameter": [design.tokens / design.parameters.total for design in designs],
    }
    if problem.quality.prices_shape:
        columns["layers"] = [design.architecture.layers for design in designs]
        columns["d_model"] = [design.architecture.trunk.d_model for design in designs]
    menus = {"layers": problem.space.layers, "d_model": problem.space.d_model}
    return tuple(
        fit_power(name, compute, values)
        for name, values in columns.items()
        if name not in menus or len(menus[name].numbers) > 1
    )


# Published and implied exponents


@dataclass(frozen=True, slots=True)
class Published:
    """Exponents of training FLOPs that a paper states, or that a law implies.

    Parameters
    ----------
    source : str
    exponents : mapping of str to float
        By quantity.
    note : str
        What they describe, where that differs from the quantity's name.
    """

    source: str
    exponents: Mapping[str, float]
    note: str = ""


_TABLE_2 = "arXiv 2203.15556, table 2"
PUBLISHED = (
    Published(
        "Kaplan 2020 (arXiv 2001.08361, section 6.1)",
        {"non_embedding_parameters": 0.73, "tokens": 0.27},
        "compute at the critical batch size; tokens as Hoffmann's table 2 has them",
    ),
    Published(
        f"Hoffmann 2022, approach 1 ({_TABLE_2})",
        {"parameters": 0.50, "tokens": 0.50},
        "minimum over training curves",
    ),
    Published(
        f"Hoffmann 2022, approach 2 ({_TABLE_2})",
        {"parameters": 0.49, "tokens": 0.51},
        "isoFLOP profiles",
    ),
    Published(
        f"Hoffmann 2022, approach 3 ({_TABLE_2})",
        {"parameters": 0.46, "tokens": 0.54},
        "parametric fit",
    ),
    Published(
        "Besiroglu 2024 (arXiv 2404.10102)",
        {"parameters": 0.513, "tokens": 0.487},
        "of the refit of approach 3: 0.3658 / (0.3478 + 0.3658)",
    ),
    Published(
        "DeepSeek LLM 2024 (arXiv 2401.02954, eq. 4)",
        {"non_embedding_parameters": 0.524, "tokens": 0.476},
        "size in non-embedding FLOPs a token, scores included",
    ),
    Published(
        "Llama 3 2024 (arXiv 2407.21783, section 3.2)",
        {"tokens": 0.53},
        "0.537 in its figure 3",
    ),
)
"""Exponents as the papers state them.

Llama 3 states ``(alpha, A) = (0.53, 0.29)`` for tokens, and 16.55T tokens at 3.8e25 FLOPs, which
the two rounded figures miss (10.5T); its figure 3 has 0.537 and 0.299, which give 16.3T. No
exponent of depth or width in FLOPs was found stated: McLeish et al. 2025 (arXiv 2502.06857) draw
theirs, and Levine et al. 2020 (arXiv 2006.12467) relate depth to width, not to compute.
"""


def implied(problem: Problem) -> tuple[Published, ...]:
    """Exponents implied by a problem's own laws if C = 6ND exactly and sizes are real numbers.

    With ``A / N^alpha + B / D^beta`` least at ``N D = C / 6``, N grows as ``beta / (alpha + beta)``
    and D as ``alpha / (alpha + beta)`` (Hoffmann et al. 2022, arXiv 2203.15556, eq. 4), whatever
    the outer power. The ideal shape of a size ``P = w^2 L`` has ``w ~ P^(b / (a + 2b))``
    (`modelsizer.problems.laws.shapes.WidthDepthShape`); with P growing as N does, so does depth.
    """
    law, shape, found = problem.law, problem.shape, []
    if not isinstance(law, PowerLaw):
        return ()
    n, d = law.beta / (law.alpha + law.beta), law.alpha / (law.alpha + law.beta)
    total = law.parameter_kind == "total"
    size = "parameters" if total else "non_embedding_parameters"
    powers = {size: n, "tokens": d}
    if total:
        powers["tokens_per_parameter"] = d - n
    found.append(Published(f"{law.name}, C = 6ND", powers, "beta / (alpha + beta)"))
    if isinstance(shape, WidthDepthShape):
        width = shape.b / (shape.a + 2 * shape.b)
        of_shape = {"layers": (1 - 2 * width) * n, "d_model": width * n}
        found.append(Published(f"{shape.name}, N ~ layers x d_model^2", of_shape, "of the size"))
    return tuple(found)
