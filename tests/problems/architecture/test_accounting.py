"""Parameters by component and FLOPs, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.architecture.accounting import (
    active_parameters,
    count_parameters,
    forward_flops,
    training_flops_per_token,
)
from modelsizer.problems.architecture.sources import load_architecture


def llama_3_8b() -> dict[str, int]:
    d, layers, width, kv = 4096, 32, 14336, 8 * 128
    return {
        "embedding": 128256 * d,
        "lm_head": 128256 * d,
        "attention": layers * (2 * d * d + 2 * d * kv),
        "ffn": layers * 3 * d * width,
        "norm": (2 * layers + 1) * d,
        "other": 0,
        "total": 8_030_261_248,
    }


def gpt2() -> dict[str, int]:
    """Biases of matrices with their matrices; learned positions with the embedding."""
    d, layers = 768, 12
    return {
        "embedding": (50257 + 1024) * d,
        "lm_head": 0,  # tied
        "attention": layers * (4 * d * d + 4 * d),
        "ffn": layers * (8 * d * d + 5 * d),
        "norm": (2 * layers + 1) * 2 * d,
        "other": 0,
        "total": 124_439_808,
    }


def mixtral() -> dict[str, int]:
    d, layers, width, kv = 4096, 32, 14336, 8 * 128
    expert = 3 * d * width
    return {
        "attention": layers * (2 * d * d + 2 * d * kv),
        "ffn": layers * (8 * expert + 8 * d),
        "total": 46_702_792_704,
        "active": 46_702_792_704 - layers * 6 * expert,
    }


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("llama-3-8b", llama_3_8b()), ("gpt2", gpt2()), ("mixtral-8x7b", mixtral())],
)
def test_parameters_of_published_models(name: str, wanted: dict[str, int]) -> None:
    found = count_parameters(load_architecture(name))
    for component, count in wanted.items():
        assert getattr(found, component) == count, component
    parts = ("embedding", "lm_head", "attention", "ffn", "norm", "other")
    assert sum(getattr(found, part) for part in parts) == found.total


def test_flops_by_convention() -> None:
    model = load_architecture("llama-3-8b")
    kinds, counts = model.kinds, model.counts

    def forward(convention: Any) -> int:
        return int(forward_flops(model.trunk, kinds, 4096, convention).at(counts))

    scores = 32 * 4 * 4096 * 4096
    weights = 8_030_261_248 - 128256 * 4096 - 65 * 4096
    assert forward("exact") == 2 * weights + scores
    assert forward("causal") == 2 * weights + scores // 2
    assert forward("6ND") == 2 * 8_030_261_248
    for convention in ("exact", "causal", "6ND"):
        found = training_flops_per_token(model.trunk, kinds, 4096, convention)
        assert found.at(counts) == 3 * forward(convention)


@pytest.mark.parametrize("name", ["llama-3-8b", "mixtral-8x7b", "deepseek-v3", "gpt-oss-20b"])
def test_active_parameters_are_affine_in_the_layers(name: str) -> None:
    model = load_architecture(name)
    kinds, counts = model.kinds, model.counts
    assert active_parameters(model.trunk, kinds).at(counts) == count_parameters(model).active
