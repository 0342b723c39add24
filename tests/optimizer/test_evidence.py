"""Warnings where a design is outside what the evidence on architectures covers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelsizer import Problem, evaluate, load_architecture, solve
from modelsizer.optimizer.evidence import beyond_evidence
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.attention import LatentAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts

PROBLEM = Problem.load("fixed-2t-tokens")
LLAMA = load_architecture("llama-3-8b")
(GROUP,) = LLAMA.groups


def warned(*groups: LayerGroup, problem: Problem = PROBLEM) -> str:
    design: Architecture = replace(LLAMA, groups=groups or LLAMA.groups)
    return " ".join(map(str, beyond_evidence(problem, evaluate(problem, design))))


def with_layer(count: int = 32, **parts: object) -> LayerGroup:
    return LayerGroup(replace(GROUP.layer, **parts), count)


def windowed(window: int, count: int) -> LayerGroup:
    return with_layer(count, attention=replace(GROUP.layer.attention, window=window))


def test_a_design_within_the_evidence_has_no_warning() -> None:
    assert warned() == ""
    assert warned(with_layer(8), windowed(1024, 24)) == ""
    assert warned(with_layer(ffn=MixtureOfExperts(2048, 64, 4))) == ""


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ((with_layer(ffn=DenseFeedForward(65536)),), "feed-forward weights "),
        ((with_layer(8), windowed(128, 24)), "windows of 128 tokens"),
        ((with_layer(2), windowed(1024, 30)), "2 full layers of 32"),
        ((with_layer(8), windowed(65536, 24)), "nothing is known beyond"),
        (
            (with_layer(attention=LatentAttention(32, 256, 64, 128, 128)),),
            "kv_lora_rank 256 (from 512)",
        ),
        ((with_layer(ffn=MixtureOfExperts(2048, 512, 2)),), "active share"),
        ((with_layer(ffn=MixtureOfExperts(256, 64, 4)),), "granularity 32 (to 16)"),
    ],
)
def test_what_is_outside_is_named(groups: tuple[LayerGroup, ...], words: str) -> None:
    assert words in warned(*groups)


def test_the_flops_of_the_leverage_are_warned_of_beyond_its_fit() -> None:
    experts = with_layer(ffn=MixtureOfExperts(2048, 64, 4))
    far = PROBLEM.with_settings({"objective.leverage_flops": 1e23})
    assert "leverage_flops 1e23 (to 3e20)" in warned(experts, problem=far)
    assert warned(experts, problem=far.with_settings({"objective.experts": "active"})) == ""
    assert warned(problem=far) == ""


def test_without_ablations_only_the_leverage_is_warned_of() -> None:
    none = PROBLEM.with_settings({"objective.ablations": "none"})
    assert warned(with_layer(8), windowed(128, 24), problem=none) == ""


def test_a_menu_of_vocabularies_is_warned_of() -> None:
    tables = {
        "space": {"layers": [8, 12], "d_model": 1024, "vocab_size": [32_000, 64_000]},
        "budgets": {"training_flops": 1e19},
    }
    problem = Problem.from_tables(tables)
    assert "space.vocab_size" in [w.key for w in solve(problem).warnings]
    fixed = solve(problem.with_settings({"space.vocab_size": 32_000}))
    assert "space.vocab_size" not in [w.key for w in fixed.warnings]
