"""Find the feasible design nearest to a known model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelsizer.optimizer.fronts.goals import Goal
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.result import design_dict
from modelsizer.optimizer.search.compare import by_tie_rule
from modelsizer.optimizer.surveys.distances import WIDTHS, logarithms
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns, table_of
from modelsizer.optimizer.surveys.near_optimal import designs_below
from modelsizer.optimizer.surveys.ordering import evaluated, one_layout_each
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.choices import BY_NAME
from modelsizer.problems.architecture.feedforward import DenseFeedForward
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.problem import Problem

SETTINGS = (*WIDTHS, "tied_embeddings")
"""Settings to compare, numbers by the size of their ratio."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The feasible design nearest to a model.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    changed : mapping of str to (was, is)
        Settings that differ from the model's.
    """

    problem: Problem
    design: Evaluation
    changed: dict[str, tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping for JSON."""
        changes = {name: {"from": was, "to": now} for name, (was, now) in self.changed.items()}
        return {"changed": changes} | design_dict(self.problem, self.design)


def nearest(problem: Problem, model: Architecture, clock: Clock | None = None) -> Nearest | None:
    """Find the feasible design that changes fewest settings, and among those the nearest.

    Distance is the sum of ``|ln(is / was)|`` over the settings; ties follow the tie rule. The block
    is the space's own: norms, biases and activations are not compared.

    Parameters
    ----------
    problem : Problem
    model : Architecture
        A dense model with one kind of layer and full attention.
    clock : Clock, optional

    Returns
    -------
    Nearest or None
        None if no design is feasible.

    Raises
    ------
    ModelsizerError
        If the model is not of that kind.
    StoppedError
        If the time limit came before it was known.
    """
    _check_plain(model)
    was = _settings(model)
    scorer = Scorer(problem, [Goal("parameters", "minimize")])
    kept: KeptDesigns | None = None
    for part in designs_below(scorer, np.inf, clock):
        if len(part):
            kept = _nearest_of(part if kept is None else KeptDesigns.join([kept, part]), was)
    if kept is None:
        return None
    design = _first_by_rule(scorer, one_layout_each(kept))
    now = _settings(design.architecture)
    return Nearest(problem, design, {n: (was[n], now[n]) for n in SETTINGS if was[n] != now[n]})


def _nearest_of(held: KeptDesigns, was: Mapping[str, int]) -> KeptDesigns:
    """The designs that are nearest to some settings, all of them equally near."""
    columns = {name: held.column(name).astype(float) for name in (*SETTINGS, "full_layers")}
    changed = np.sum([columns[name] != was[name] for name in SETTINGS], axis=0)
    target = logarithms(lambda name: [was[name]])
    apart = np.abs(logarithms(columns.__getitem__) - target).sum(axis=1)
    apart += np.log(2) * (columns["tied_embeddings"] != was["tied_embeddings"])
    first = np.lexsort((apart, changed))
    best = changed == changed[first[0]]
    best &= np.isclose(apart, apart[first[0]], rtol=1e-12, atol=0)
    return held.take(best)


def _first_by_rule(scorer: Scorer, held: KeptDesigns) -> Evaluation:
    table = table_of(scorer.problem, held, scorer.names)
    row, j = np.arange(len(held)), np.zeros((len(held), 1), dtype=np.int64)
    at = by_tie_rule(table, row, j)[:1]
    return evaluated(scorer, held, at)[0]


def _check_plain(model: Architecture) -> None:
    kinds = {group.layer for group in model.groups}
    (layer, *_) = kinds
    plain = isinstance(layer.attention, FullAttention) and isinstance(layer.ffn, DenseFeedForward)
    if len(kinds) > 1 or not plain:
        raise ModelsizerError(
            "--near: only dense models of one kind of layer with full attention can be compared"
        )


def _settings(model: Architecture) -> dict[str, int]:
    return {name: int(BY_NAME[name].of(model)) for name in (*SETTINGS, "full_layers")}
