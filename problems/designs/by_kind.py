"""Serving memory and training FLOPs of an architecture by kind of layer.

Every part is that of a stack with this part alone, so the formulas are those of
`modelsizer.problems.architecture.accounting`, and the parts sum exactly to the quantities that
budgets limit.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.architecture import Architecture, Layer, Mixer
from modelsizer.problems.architecture.families import feed_forward_parts, mixer_parts
from modelsizer.problems.architecture.feedforward import NoFeedForward
from modelsizer.problems.architecture.mixers import NoAttention
from modelsizer.problems.costs.held import held_cache, held_states
from modelsizer.problems.costs.speculation import draft_cache, draft_weights
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

OUTSIDE, OTHER, DRAFT, GROWS = "outside", "other", "draft", "context"
"""Parts that are no family: embedding and head, and norms, biases and routers, and what drafts
tokens for speculation; and the ending of what a family's context costs, as in
``"window context"``: cache or states, and scores."""
WORDS = {OUTSIDE: "embedding and head", OTHER: "norms, routers", DRAFT: "draft of speculation"}
"""Words for parts that are no family."""


@dataclass(frozen=True, slots=True)
class ByKind:
    """Costs of an architecture by kind of layer.

    Parameters
    ----------
    name : str
    architecture : Architecture
    memory : mapping of str to Fraction
        Bytes of one accelerator, by family of `modelsizer.problems.architecture.families`, by
        family with ``" context"`` for its cache or states, and ``"outside"`` and ``"other"``.
    flops : mapping of str to int
        Training FLOPs of a token, by the same keys; ``" context"`` is scores, values and
        recurrences.
    """

    name: str
    architecture: Architecture
    memory: dict[str, Fraction]
    flops: dict[str, int]


@dataclass(frozen=True, slots=True)
class Compared:
    """Architectures by kind of layer under the settings of one problem.

    Parameters
    ----------
    models : tuple of ByKind
    batch, context, sequence : int
        Sequences and tokens of serving, and tokens of a sequence of training.
    accelerators : int
        Accelerators that hold the weights and caches together.
    """

    models: tuple[ByKind, ...]
    batch: int
    context: int
    sequence: int
    accelerators: int


def by_kind(problem: Problem, architectures: dict[str, Architecture]) -> Compared:
    """Divide the costs of architectures by kind of layer.

    Parameters
    ----------
    problem : Problem
        Its settings of serving and training are those of all.
    architectures : mapping of str to Architecture
        By name.
    """
    problem = problem.under(problem.layouts[0])  # of machines to choose from the preferred one
    return Compared(
        tuple(
            ByKind(name, one, _memory(problem, one), _flops(problem, one))
            for name, one in architectures.items()
        ),
        problem.serving.batch_size,
        problem.context_length,
        problem.training.sequence_length,
        problem.serving.devices,
    )


def _alone(part: Mixer) -> Layer:
    """A layer with a part of a mixer alone."""
    return Layer(part, NoFeedForward(), norms=0)


def _memory(problem: Problem, architecture: Architecture) -> dict[str, Fraction]:
    serving, trunk = problem.serving, architecture.trunk
    formats, found = serving.weights, defaultdict[str, Fraction](Fraction)
    copies, context = serving.groups, problem.context_length

    def held(layer: Layer, part: str) -> Fraction:
        size = accounting.weight_bytes_by_part(trunk, (layer,), formats, copies)[part]
        return Fraction(size.per_layer[0], size.denominator)

    for group in architecture.groups:
        for family, part in mixer_parts(group.layer):
            layer = _alone(part)
            if not group.layer.shared:
                found[family] += group.count * held(layer, "attention")
            cache = held_cache(serving, (layer,), context, serving.prefix_of(context))
            states = held_states(serving, (layer,))
            found[f"{family} {GROWS}"] += cache.plus(states).at((group.count,))
        for family, ffn in feed_forward_parts(group.layer):
            if not group.layer.shared:
                layer = Layer(NoAttention(), ffn, norms=0)
                matrices = held(layer, "ffn") + held(layer, "experts")
                found[family] += group.count * matrices
    layers = architecture.kinds
    whole = accounting.weight_bytes_by_part(trunk, layers, formats, copies)
    counts = architecture.counts
    for name, parts in {OUTSIDE: ("embedding", "head"), OTHER: ("router", "other")}.items():
        found[name] = sum((whole[part].at(counts) for part in parts), Fraction(0))
    model = trunk, layers
    prefix = serving.prefix_of(problem.context_length)
    drafted = draft_cache(serving, problem.context_length, *model, prefix=prefix)
    found[DRAFT] = draft_weights(serving, *model).plus(drafted).at(counts)
    return {name: size / serving.devices for name, size in found.items() if size}


def _flops(problem: Problem, architecture: Architecture) -> dict[str, int]:
    """Count FLOPs exactly, or with halved scores if the problem asks for it."""
    training, trunk = problem.training, architecture.trunk
    recompute = training.recompute == "full"
    convention: accounting.FlopsConvention = "causal" if training.flops == "causal" else "exact"

    def spent(layer: Layer, context: int) -> int:
        flops = accounting.training_flops_per_token(
            trunk, (layer,), context, convention, full_recompute=recompute
        )
        return int(flops.per_layer[0])

    found = defaultdict[str, int](int)
    for group in architecture.groups:
        layer, count = group.layer, group.count
        for family, part in mixer_parts(layer):
            passes = accounting.TRAINING_PASSES + recompute
            weights = passes * accounting.FLOPS_PER_WEIGHT * part.matmul_weights(trunk.d_model)
            found[family] += count * weights
            whole = spent(_alone(part), training.sequence_length)
            found[f"{family} {GROWS}"] += count * (whole - weights)
        for family, ffn in feed_forward_parts(layer):
            found[family] += count * spent(Layer(NoAttention(), ffn), 1)
    found[OUTSIDE], found[OTHER] = _outside(problem, architecture, convention)
    found[OTHER] -= sum(v for name, v in found.items() if name not in (OUTSIDE, OTHER))
    return {name: flops for name, flops in found.items() if flops}


def _outside(
    problem: Problem, architecture: Architecture, convention: accounting.FlopsConvention
) -> tuple[int, int]:
    """FLOPs outside the layers, and of all layers."""
    training, trunk = problem.training, architecture.trunk
    kinds = architecture.kinds
    whole = accounting.training_flops_per_token(
        trunk, kinds, training.sequence_length, convention,
        full_recompute=training.recompute == "full",
    )  # fmt: skip
    return int(whole.base), int(whole.at(architecture.counts) - whole.base)
