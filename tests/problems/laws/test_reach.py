"""Which architectures a law judges."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from modelsizer import Problem, ProblemError, evaluate, load_architecture
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    MixtureOfExperts,
    NoFeedForward,
)
from modelsizer.problems.architecture.mixers import Several
from modelsizer.problems.architecture.state_space import Mamba2
from modelsizer.problems.laws.laws import PowerTerm
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.laws.reach import Unknown, caution, why_unjudged
from modelsizer.problems.laws.shapes import NoShape
from modelsizer.problems.laws.terms import TermLaw

PROBLEM = Problem.load("fixed-2t-tokens")
DENSE = load_architecture("llama-3-8b")


def with_layer(**parts: object) -> Architecture:
    """Llama 3 8B with other parts in half of its layers."""
    (group,) = DENSE.groups
    other = LayerGroup(replace(group.layer, **parts), 16)
    return replace(DENSE, groups=(LayerGroup(group.layer, 16), other))


def law(feature: str) -> Quality:
    terms = (
        PowerTerm(480.0, {"parameters": -0.35}, "size"),
        PowerTerm(2000.0, {"tokens": -0.37}, "data"),
        PowerTerm(0.01, {feature: 0.1}, "shape"),
    )
    return Quality(TermLaw("own", 1.8, terms), NoShape())


def test_a_dense_transformer_is_judged_without_caution() -> None:
    for name in ("llama-3-8b", "gemma-2-9b", "gpt2"):
        architecture = load_architecture(name)
        assert why_unjudged(PROBLEM.quality, architecture) == ""
        assert caution(PROBLEM.quality, architecture) == ""


@pytest.mark.parametrize("name", ["qwen3-30b-a3b", "deepseek-v3", "gpt-oss-20b", "mixtral-8x7b"])
def test_a_mixture_is_judged_by_what_its_experts_are_worth(name: str) -> None:
    architecture = load_architecture(name)
    found = [
        evaluate(PROBLEM.with_settings({"objective.experts": how}), architecture)
        for how in ("active", "tian-2025", "total")
    ]
    assert all(not each.unjudged for each in found)
    assert found[0].loss > found[1].loss > found[2].loss
    assert found[0].law_parameters == found[0].parameters.active
    assert found[2].law_parameters == found[2].parameters.total


def test_experts_that_all_work_are_worth_what_they_are() -> None:
    every = with_layer(ffn=MixtureOfExperts(1024, 8, 8))
    assert evaluate(PROBLEM, every).law_parameters == evaluate(PROBLEM, every).parameters.total


def test_a_law_that_sees_feed_forwards_gives_no_loss_of_experts() -> None:
    assert "experts" in why_unjudged(law("d_ff"), with_layer(ffn=MixtureOfExperts(1024, 8, 2)))


def test_layers_with_a_state_are_judged_with_caution() -> None:
    mamba = Mamba2(mamba_heads=128, mamba_head_dim=64, state=128, groups=8)
    for mixer in (mamba, Several((DENSE.groups[0].layer.attention, mamba))):
        hybrid = with_layer(attention=mixer)
        assert why_unjudged(PROBLEM.quality, hybrid) == ""
        assert "16 of 32 layers" in caution(PROBLEM.quality, hybrid)
        assert math.isfinite(evaluate(PROBLEM, hybrid).loss)


@pytest.mark.parametrize("feature", ["kv_heads", "kv_group", "head_dim"])
def test_a_law_that_sees_what_an_architecture_has_not_gives_no_loss(feature: str) -> None:
    latent = load_architecture("deepseek-v3").groups[0].layer.attention
    architecture = with_layer(attention=latent)
    assert "attention of another kind" in why_unjudged(law(feature), architecture)
    assert not why_unjudged(PROBLEM.quality, architecture)
    assert not why_unjudged(law(feature), DENSE)


def test_a_law_that_sees_feed_forwards_gives_no_loss_without_them() -> None:
    bare = with_layer(ffn=NoFeedForward())
    assert "without a feed-forward" in why_unjudged(law("ffn_ratio"), bare)
    assert not why_unjudged(law("ffn_ratio"), with_layer(ffn=DenseFeedForward(64)))
    assert not why_unjudged(law("d_model"), bare)


def test_an_unknown_loss_is_no_number() -> None:
    assert math.isnan(Unknown().loss(1e9, 1e12))


@pytest.mark.parametrize("head", ["none", 1])
def test_a_model_without_a_language_head_has_no_loss(head: str | int) -> None:
    classifier = replace(DENSE, trunk=replace(DENSE.trunk, head=head))
    assert "no language head" in why_unjudged(PROBLEM.quality, classifier)
    assert math.isnan(evaluate(PROBLEM, classifier).loss)


@pytest.mark.parametrize(
    ("feature", "space", "words"),
    [
        ("kv_heads", {"attention": ["grouped", "latent"], "latent": {"heads": 32}}, "latent"),
        ("head_dim", {"full_every": 4, "between": "mamba2"}, "mamba2 layers"),
        ("ffn_ratio", {"experts": {"routed": [0, 8], "active": 2, "granularity": 2}}, "experts"),
    ],
)
def test_a_space_of_what_a_law_cannot_see_is_refused_at_once(
    feature: str, space: dict[str, object], words: str
) -> None:
    tables = PROBLEM.to_dict()
    terms = [
        {"coefficient": 480.0, "parameters": -0.35},
        {"coefficient": 2000.0, "tokens": -0.37},
        {"coefficient": 0.01, feature: 0.1},
    ]
    own = {"laws": {"own": {"E": 1.8, "terms": terms}}, "objective": {"law": "own"}}
    with pytest.raises(ProblemError, match=f"objective.law: own sees .*{words}"):
        Problem.from_tables(tables | own | {"space": tables["space"] | space})
    Problem.from_tables(tables | {"space": tables["space"] | space})
    Problem.from_tables(tables | own)
