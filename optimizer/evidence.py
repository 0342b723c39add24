"""Warnings about choices of a design that no published evidence reaches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.attention import LatentAttention
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.laws.ablations import (
    FFN_RANGE,
    FULL_EVERY,
    LEAST_WINDOW,
    RANK,
    attention,
    ffn_ratios,
    full_layers,
    window,
)
from modelsizer.problems.laws.leverage import ACTIVATION_RANGE, FLOPS_RANGE, GRANULARITY_RANGE
from modelsizer.problems.laws.mixtures import activation, granularity, mixture_of
from modelsizer.problems.problem import Problem


def beyond_evidence(problem: Problem, design: Evaluation) -> list[str]:
    """Warnings about choices outside the data behind the leverage of experts and the ablations.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    """
    if design.unjudged:
        return []
    found = chain(_leverage(problem, design.architecture), _ablations(problem, design.architecture))
    return list(dict.fromkeys(found))


def _leverage(problem: Problem, architecture: Architecture) -> Iterator[str]:
    settings = problem.settings
    if settings.experts != "tian-2025":
        return
    for group in architecture.groups:
        experts = mixture_of(group.layer.ffn)
        if experts is None:
            continue
        figures = (
            ("a share of active experts", float(activation(experts)), ACTIVATION_RANGE),
            (
                "2 d_model / expert_d_ff",
                float(granularity(experts, architecture.trunk.d_model)),
                GRANULARITY_RANGE,
            ),
            ("objective.leverage_flops", settings.leverage_flops, FLOPS_RANGE),
        )
        for name, value, range_ in figures:
            if not range_.holds(value):
                yield (
                    f"the leverage of experts was fitted on {name} from {range_.low:g} to "
                    f"{range_.high:g}; here it is {value:.4g}, an extrapolation: see what "
                    '--set objective.experts=active, and law "ludziejewski-2025", say'
                )


def _ablations(problem: Problem, architecture: Architecture) -> Iterator[str]:
    if problem.quality.ablations is None:
        return
    trained, layers = problem.training.sequence_length, architecture.layers
    ends = f"from {FFN_RANGE[0]:g} to {FFN_RANGE[1]:g}"
    for group, (ratio, _) in zip(
        architecture.groups, ffn_ratios(architecture, architecture), strict=True
    ):
        if group.layer.ffn.d_ff and not FFN_RANGE[0] <= float(ratio) <= FFN_RANGE[1]:
            yield _unknown(f"feed-forward weights of {float(ratio):.3g} times attention's", ends)
        width, mixer = window(group), attention(group)
        if width is not None and 0 < width < LEAST_WINDOW:
            yield _unknown(f"windows of {width} tokens", f"from {LEAST_WINDOW} on, without sinks")
        if width is not None and width >= trained:
            yield (
                f"a window of {width} tokens does nothing in training on sequences of {trained}: "
                "what it costs beyond the trained context is not known"
            )
        if isinstance(mixer, LatentAttention) and mixer.kv_lora_rank < RANK:
            yield _unknown(f"kv_lora_rank = {mixer.kv_lora_rank}", f"from {RANK:g} on")
    full = int(full_layers(architecture))
    if layers > FULL_EVERY * full:
        yield _unknown(
            f"{full} full layers of {layers}", f"to one in {FULL_EVERY:g}; recall suffers first"
        )


def _unknown(what: str, known: str) -> str:
    return f"no published ablation reaches {what}: they go {known}"
