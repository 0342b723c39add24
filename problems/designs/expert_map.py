"""Loss of a mixture over the activation and the granularity of its experts, at equal FLOPs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.accounting import count_parameters, layer_parts
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.models import models
from modelsizer.problems.designs.evaluation import Evaluation, architecture_features
from modelsizer.problems.laws.leverage import leverage
from modelsizer.problems.laws.mixtures import activation, granularity, mixture_of
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

Floats = NDArray[np.float64]

_STEPS = 81  # along each side
_ACTIVATION, _GRANULARITY = (1 / 512, 1.0), (1.0, 32.0)  # what is shown at least


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture by the activation and the granularity of its experts."""

    name: str
    activation: float
    granularity: float


@dataclass(frozen=True, slots=True, eq=False)
class ExpertMap:
    """Loss of a design with other experts of the same FLOPs.

    Parameters
    ----------
    activation : array of shape (A,)
        Share of the experts that a token uses, shared ones among them; ascending.
    granularity : array of shape (G,)
        2 d_model over the width of an expert; ascending.
    loss : array of shape (A, G)
        Nats a token, at the active parameters, the tokens and the other layers of the design.
    total : array of shape (A,)
        Parameters of the model.
    design : Mixture
    design_loss : float
    published : tuple of Mixture
    flops : float
        Training FLOPs at which leverage is taken.
    """

    activation: Floats
    granularity: Floats
    loss: Floats
    total: Floats
    design: Mixture
    design_loss: float
    published: tuple[Mixture, ...]
    flops: float


def expert_map(problem: Problem, design: Evaluation) -> ExpertMap:
    """Predict the loss of a design with other experts.

    A layer of experts keeps its active parameters. At another activation it has other experts in
    number, at another granularity more and narrower ones; its router is held constant, as it is
    small beside them. What the law cannot see of an architecture is as in the design.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
        A mixture of experts evaluated under the problem.

    Raises
    ------
    ValueError
        If the design has no experts, no loss, or a law that sees its experts by itself.
    """
    architecture = design.architecture
    mixed = [group for group in architecture.groups if mixture_of(group.layer.ffn) is not None]
    if not mixed:
        raise ValueError("the design has no experts")
    if design.unjudged or not np.isfinite(design.loss):
        raise ValueError(f"the design has no loss: {design.unjudged}")
    settings, law = problem.settings, problem.quality.law
    if settings.experts != "tian-2025":
        raise ValueError('loss over experts needs objective.experts = "tian-2025"')
    if "experts" in law.features:
        raise ValueError(f"{law.name} judges experts by their number alone")
    own = _mixture("", architecture)
    assert own is not None
    published = _published()
    a = np.geomspace(min(_ACTIVATION[0], own.activation), _ACTIVATION[1], _STEPS)
    ends = (min(_GRANULARITY[0], own.granularity), max(_GRANULARITY[1], own.granularity))
    g = np.geomspace(*ends, _STEPS)
    worth = np.full((len(a), len(g)), float(design.law_parameters))
    total = np.full(len(a), float(count_parameters(architecture).total))
    for group in mixed:
        mine = _mixture("", architecture, group)
        assert mine is not None
        active, held = _layer(architecture, group, a)
        as_it_is = _layer(architecture, group, np.array([mine.activation]))[1]
        total += group.count * (held - as_it_is)
        multiple = leverage(a[:, None], g, settings.leverage_flops)
        now = leverage(np.array([mine.activation]), np.array([mine.granularity]),
                       settings.leverage_flops)  # fmt: skip
        worth += group.count * (
            np.minimum(multiple * active, held[:, None]) - np.minimum(now * active, as_it_is)
        )
    quality = problem.quality.of(architecture_features(architecture, problem.quality.features))
    loss = quality.loss(worth, design.text)
    return ExpertMap(a, g, loss, total, own, design.loss, published, float(settings.leverage_flops))


def _layer(architecture: Architecture, group: LayerGroup, a: Floats) -> tuple[float, Floats]:
    """Active parameters of a layer of experts, and all of them at some activations."""
    trunk, experts = architecture.trunk, mixture_of(group.layer.ffn)
    assert experts is not None
    parts = layer_parts(group.layer, trunk)
    each = experts.expert_parameters(trunk.d_model) / experts.experts
    in_use = experts.active + experts.shared_d_ff / experts.d_ff
    return float(parts.active), parts.active + in_use * (1 / a - 1) * each


def _mixture(
    name: str, architecture: Architecture, group: LayerGroup | None = None
) -> Mixture | None:
    """A model by its experts, of one group or of the first that has any; None without experts."""
    for each in architecture.groups if group is None else (group,):
        experts = mixture_of(each.layer.ffn)
        if experts is not None:
            d_model = architecture.trunk.d_model
            return Mixture(name, float(activation(experts)), float(granularity(experts, d_model)))
    return None


def _published() -> tuple[Mixture, ...]:
    """Published mixtures, the first of several with the same experts."""
    found: dict[tuple[float, float], Mixture] = {}
    for name, model in models().items():
        mixture = _mixture(name, model.architecture)
        if mixture is not None:
            found.setdefault((mixture.activation, mixture.granularity), mixture)
    return tuple(found.values())
