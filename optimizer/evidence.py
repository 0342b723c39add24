"""Warnings about figures of a design that no published data reach."""

from __future__ import annotations

import math
from collections.abc import Iterator

from modelsizer.optimizer.warning import AnswerWarning, Consequence
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.attention import LatentAttention
from modelsizer.problems.designs.evaluation import Evaluation, architecture_features
from modelsizer.problems.laws.ablations import (
    FFN_RANGE,
    FULL_EVERY,
    LEAST_WINDOW,
    RANK,
    ffn_ratios,
    full_layers,
)
from modelsizer.problems.laws.laws import Range
from modelsizer.problems.laws.leverage import ACTIVATION_RANGE, FLOPS_RANGE, GRANULARITY_RANGE
from modelsizer.problems.laws.mixtures import activation, granularity, mixture_of
from modelsizer.problems.laws.stack_values import attention, base_name, window
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import format_apart


@dataclass(frozen=True, slots=True)
class Outside:
    """A figure of a design outside the range of the data behind it.

    Parameters
    ----------
    what : str
        The figure with its value, such as ``d_model 7040``.
    known : str
        The end of the range that it is beyond, such as ``to 3072``.
    factor : float
        Ratio of the figure to that end, or the reverse; above 1.
    """

    what: str
    known: str
    factor: float

    def __str__(self) -> str:
        """Both, such as ``d_model 7040 (to 3072)``."""
        return f"{self.what} ({self.known})"


def outside(range_: Range, value: float, what: str, dimension: str | None = None) -> list[Outside]:
    """The figure as `Outside`; nothing if its range holds it, or it is not finite.

    Parameters
    ----------
    range_ : Range
    value : float
    what : str
        Names the figure, with ``{}`` for its value.
    dimension : str, optional
        Of its value; a plain number by default.
    """
    if not math.isfinite(value) or range_.holds(value):
        return []
    above = range_.high is not None and value > range_.high
    end = range_.high if above else range_.low
    assert end is not None
    if dimension is None:
        here, there = f"{value:.6g}", f"{end:.6g}"
    else:
        here, there = format_apart(value, end, dimension, (3, 3))
    large, small = (value, end) if above else (end, value)
    factor = large / small if small > 0 else math.inf
    return [Outside(what.format(here), f"{'to' if above else 'from'} {there}", factor)]


def extrapolations(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    """A warning that names the laws outside their data, the farthest first, if there are any.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    """
    law, shape = problem.law, problem.shape
    kind = "" if law.parameter_kind == "total" else f"{law.parameter_kind.replace('_', '-')} "
    size = f"{{}} {kind}parameters"
    if design.parameters.experts and design.law_parameters != design.parameters.total:
        size += " by objective.experts"
    n, tokens = float(design.law_parameters), float(design.text)
    found = {law.name: outside(law.parameter_range, n, size, "parameters")}
    found[law.name] += outside(law.token_range, tokens, "{} tokens", "tokens")
    d_model, layers = design.architecture.trunk.d_model, design.architecture.layers
    seen = architecture_features(design.architecture, law.ranges)
    for name, key, range_, value in (
        *((law.name, key, law.ranges[key], seen[key]) for key in seen),
        (shape.name, "d_model", shape.d_model_range, d_model),
        (shape.name, "layers", shape.layers_range, layers),
    ):
        one = outside(range_, float(value), f"{base_name(key)} {{}}")
        found[name] = found.get(name, []) + one
    parts = [(name, figures) for name, figures in found.items() if figures]
    if not parts:
        return []
    farthest = sorted(parts, key=lambda part: -max(f.factor for f in part[1]))
    words = []
    for at, (name, figures) in enumerate(farthest):
        first, *rest = (str(figure) for figure in figures)
        fitted = first if at else first.replace("(", "(fitted ", 1)
        words.append(", ".join([f"{name}{'' if at else ' extrapolates'}: {fitted}", *rest]))
    factor = max(figure.factor for _, figures in parts for figure in figures)
    return [AnswerWarning(Consequence.EVIDENCE, "; ".join(words), "objective.law", factor)]


def beyond_evidence(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    """Warnings about choices outside the data behind the leverage of experts and the ablations.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    """
    if design.unjudged:
        return []
    architecture = design.architecture
    return [
        *_together(
            "the leverage of experts extrapolates: {}; compare objective.experts = active",
            "objective.experts",
            _leverage(problem, architecture),
        ),
        *_together(
            "no published ablation reaches {}",
            "objective.ablations",
            _ablations(problem, architecture),
        ),
        *_untrained_windows(problem, architecture),
    ]


def _together(text: str, key: str, figures: Iterator[Outside]) -> list[AnswerWarning]:
    found = {str(figure): figure for figure in figures}
    if not found:
        return []
    factor = max(figure.factor for figure in found.values())
    return [AnswerWarning(Consequence.EVIDENCE, text.format(", ".join(found)), key, factor)]


def _leverage(problem: Problem, architecture: Architecture) -> Iterator[Outside]:
    settings = problem.settings
    if settings.experts != "tian-2025" or settings.parameter_kind == "active":
        return
    for group in architecture.groups:
        experts = mixture_of(group.layer.ffn)
        if experts is None:
            continue
        ratio = float(granularity(experts, architecture.trunk.d_model))
        share = float(activation(experts))
        yield from outside(ACTIVATION_RANGE, share, "active share {}", "count")
        yield from outside(GRANULARITY_RANGE, ratio, "granularity {}", "count")
        yield from outside(
            FLOPS_RANGE, float(settings.leverage_flops), "leverage_flops {}", "count"
        )


def _ablations(problem: Problem, architecture: Architecture) -> Iterator[Outside]:
    if problem.quality.ablations is None:
        return
    layers = architecture.layers
    for group, (ratio, _) in zip(
        architecture.groups, ffn_ratios(architecture, architecture), strict=True
    ):
        if group.layer.ffn.d_ff:
            yield from outside(
                Range(*FFN_RANGE), float(ratio), "feed-forward weights {} x attention's", "count"
            )
        width, mixer = window(group), attention(group)
        if width is not None and width > 0:
            yield from outside(Range(LEAST_WINDOW), width, "windows of {} tokens")
        if isinstance(mixer, LatentAttention):
            yield from outside(Range(RANK), mixer.kv_lora_rank, "kv_lora_rank {}")
    full = int(full_layers(architecture))
    if layers > FULL_EVERY * full:
        factor = layers / (FULL_EVERY * full) if full else math.inf
        known = f"to one in {FULL_EVERY:g}; recall suffers first"
        yield Outside(f"{full} full layers of {layers}", known, factor)


def _untrained_windows(problem: Problem, architecture: Architecture) -> list[AnswerWarning]:
    trained = problem.training.sequence_length
    if problem.quality.ablations is None:
        return []
    wide = [w for group in architecture.groups if (w := window(group)) is not None and w >= trained]
    if not wide:
        return []
    text = (
        f"windows of {max(wide)} tokens do nothing in training on sequences of {trained}: nothing "
        "is known beyond"
    )
    return [AnswerWarning(Consequence.EVIDENCE, text, "space.window")]
