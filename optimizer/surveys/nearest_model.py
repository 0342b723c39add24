"""Find the feasible design nearest to a known model."""

from __future__ import annotations

from collections.abc import Mapping
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
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.choices import BY_NAME
from modelsizer.problems.architecture.describing import part_dict
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.state_space import Mamba2
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

WORDS = ("attention", "between")
SETTINGS = (*WIDTHS, "tied_embeddings", *WORDS, "full_layers", "dense_layers")
"""Settings to compare, numbers by the size of their ratio. Full layers count where others are
between them."""
Setting = int | str


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
    changed: dict[str, tuple[Setting, Setting]]

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
        With the kinds of layer that a space may have.
    clock : Clock, optional

    Returns
    -------
    Nearest or None
        None if no design is feasible.

    Raises
    ------
    ModelsizerError
        If it has other kinds of layer.
    StoppedError
        If the time limit came before it was known.
    """
    _check_kinds(model)
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


def _nearest_of(held: KeptDesigns, was: Mapping[str, Setting]) -> KeptDesigns:
    """The designs that are nearest to some settings, all of them equally near."""
    columns = {name: held.column(name) for name in SETTINGS}
    asked = columns | {"full_layers": _beside(columns["full_layers"], columns["between"])}
    changed = np.sum([asked[name] != was[name] for name in SETTINGS], axis=0)
    own = {**was, "full_layers": was["full_layers"] or was["layers"]}
    target = logarithms(lambda name: [own[name]])
    apart = np.abs(logarithms(columns.__getitem__) - target).sum(axis=1)
    for name in ("tied_embeddings", *WORDS):
        apart += np.log(2) * (columns[name] != was[name])
    first = np.lexsort((apart, changed))
    best = changed == changed[first[0]]
    best &= np.isclose(apart, apart[first[0]], rtol=1e-12, atol=0)
    return held.take(best)


def _beside(full: Any, between: Any) -> Any:
    """Full layers beside others; 0 where all layers are full."""
    return np.where(np.asarray(between) != "", full, 0)


def _first_by_rule(scorer: Scorer, held: KeptDesigns) -> Evaluation:
    table = table_of(scorer.problem, held, scorer.names)
    row, j = np.arange(len(held)), np.zeros((len(held), 1), dtype=np.int64)
    at = by_tie_rule(table, row, j)[:1]
    return evaluated(scorer, held, at)[0]


_KINDS = (FullAttention, LatentAttention, GatedDeltaNet, Mamba2, DenseFeedForward,
          MixtureOfExperts)  # fmt: skip


def _check_kinds(model: Architecture) -> None:
    for group in model.groups:
        for part in (group.layer.attention, group.layer.ffn):
            if not isinstance(part, _KINDS):
                kind = part_dict(part)["kind"]
                raise ModelsizerError(f"--near: no space has the model's layers of kind {kind!r}")


def _settings(model: Architecture) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for name in SETTINGS:
        value = int(BY_NAME[name].of(model))
        found[name] = BY_NAME[name].words[value] if name in WORDS else value
    return found | {"full_layers": int(_beside(found["full_layers"], found["between"]))}
