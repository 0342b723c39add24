"""Laws, and draws of a law, as cases in which the same designs are judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelsizer.optimizer.cases import Case, CaseDesign, Cases, designs_of, named_apart
from modelsizer.optimizer.laws.regrets import Compromise, Regret, Regrets
from modelsizer.optimizer.tables.table import Floats, Ints
from modelsizer.problems.designs.evaluation import Evaluation

COMPROMISE = "compromise"
"""Name of the design that wastes least compute at most, by any law."""


def cases_of_laws(
    laws: Sequence[tuple[str, str, Evaluation | None, Regrets]], best: Compromise | None
) -> Cases | None:
    """The optimum of each law, and the compromise, by each law; None without regrets.

    Parameters
    ----------
    laws : sequence of (str, str, Evaluation or None, dict)
        Name, status, optimum and its regrets.
    best : Compromise or None
    """
    if not any(own for *_, own in laws):
        return None
    others = {} if best is None else {COMPROMISE: (best.architecture, best.parameters)}
    designs = designs_of(((name, design) for name, _, design, _ in laws), others)
    regrets = {} if best is None else {best.architecture: best.regrets}
    regrets |= {design.architecture: own for _, _, design, own in laws if design is not None}
    values = tuple(
        tuple(_loss(regrets[one.architecture].get(name)) for one in designs) for name, *_ in laws
    )
    cases = tuple(
        Case(name, status, None if design is None else design.loss)
        for name, status, design, _ in laws
    )
    return Cases("law", "loss", "minimize", cases, designs, values)


def _loss(regret: Regret | None) -> float | None:
    return None if regret is None else regret.loss


def draw_names(draws: int, corners: Sequence[str]) -> list[str]:
    """Names of the draws, at each corner if there are any."""
    readings = [f", {name}" for name in corners] or [""]
    return [f"draw {k + 1}{reading}" for reading in readings for k in range(draws)]


def cases_of_draws(
    candidates: Sequence[Evaluation],
    shown: Sequence[int],
    names: Sequence[str],
    least: Sequence[float],
    losses: Floats,
    winner: Ints,
) -> Cases:
    """Some candidates under each draw.

    Parameters
    ----------
    candidates : sequence of Evaluation
    shown : sequence of int
        Numbers of those to compare.
    names : sequence of str
        Of the K draws.
    least : sequence of float
        The least loss of any design under each draw.
    losses : array of shape (K, candidates)
    winner : array of int, shape (K,)
        Number of the candidate that is the best under each draw.
    """
    shapes = [candidates[i].architecture for i in shown]
    labels = named_apart([f"{one.layers}x{one.trunk.d_model}" for one in shapes])
    designs = tuple(
        CaseDesign(
            label,
            candidates[i].architecture,
            candidates[i].parameters.total,
            tuple(names[k] for k in np.flatnonzero(winner == i).tolist()),
        )
        for label, i in zip(labels, shown, strict=True)
    )
    cases = tuple(Case(n, "optimal", loss) for n, loss in zip(names, least, strict=True))
    values = tuple(map(tuple, losses[:, [*shown]].tolist()))
    return Cases("draw", "loss", "minimize", cases, designs, values)
