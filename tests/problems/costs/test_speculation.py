"""Speculation: expected tokens, what drafts them, and published speed-ups."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from modelsizer.problems.architecture.models import models
from modelsizer.problems.costs.latency import decode_branches
from modelsizer.problems.costs.speculation import draft_cache, draft_weights
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.speculated import speculated
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.speculation import Speculation
from modelsizer.problems.typed_keys import TableError

V3 = models()["deepseek-v3"].architecture
MTP: dict[str, Any] = {"kind": "mtp", "length": 1, "acceptance": 0.85}
DRAFT: dict[str, Any] = {"kind": "draft", "length": 4, "acceptance": 0.7, "model": "qwen3-0.6b"}
FP8 = {"accelerator": "H200-SXM", "tensor_parallel": 8, "weight_bits": 8, "compute": "fp8"}


def test_expected_tokens() -> None:
    """Leviathan et al. 2023 (arXiv 2211.17192), equation 1 and figure 2: 0.8 and 5 give 3.7."""
    assert (
        round(float(Speculation(kind="mtp", length=5, acceptance=0.8).expected_tokens), 2) == 3.69
    )
    assert Speculation(kind="mtp", length=2, acceptance=0.5).expected_tokens == Fraction(7, 4)
    assert Speculation(kind="mtp", length=8, acceptance=1).expected_tokens == 9
    assert Speculation(kind="mtp", length=8, acceptance=0).expected_tokens == 1


@pytest.mark.parametrize(("batch", "published"), [(1, 1.8), (32, 1.5)])
def test_published_speed_ups(batch: int, published: float) -> None:
    """DeepSeek-V3 on 8 H200: 1.8 x at batch 1, 1.5 x at 32 (SGLang, docs, "DeepSeek usage").

    The paper has 1.8 x too, of 85 to 90 % accepted (arXiv 2412.19437, section 5.4.3).
    """
    settings = {f"serving.{key}": value for key, value in FP8.items()}
    problem = standalone_problem(
        V3, settings | {"serving.batch_size": batch, "serving.speculation": dict(MTP)}
    )
    found = speculated(problem, V3)
    assert found is not None
    assert found.gain == pytest.approx(published, rel=0.06)
    assert [share for share, _ in found.range] == [0.75, 0.95]
    assert found.range[0][1] > found.step / found.tokens > found.range[1][1]


def test_parameters_of_a_module() -> None:
    """11.5B parameters of DeepSeek-V3's, besides those it shares (README_WEIGHTS.md)."""
    serving = Serving(weight_bytes=1, speculation=dict(MTP))
    kinds = V3.kinds
    held = draft_weights(serving, V3.trunk, kinds)
    assert held.at([0, 0]) == held.at([3, 58]) == pytest.approx(11.5e9, rel=0.01)
    cached = draft_cache(serving, 1000, V3.trunk, kinds)
    assert cached.at([3, 58]) == 576 * 2 * 1000
    alone = draft_weights(serving, V3.trunk, kinds, present=[True, False])  # of a dense layer
    assert alone.at([61, 0]) < held.at([3, 58]) / 10


def test_a_draft_is_held_and_run() -> None:
    settings: dict[str, Any] = {"serving.weight_bytes": 1, "serving.tensor_parallel": 8}
    found = {}
    for name, given in (("none", {}), ("draft", {"serving.speculation": dict(DRAFT)})):
        problem = standalone_problem(V3, settings | given)
        found[name] = evaluate(problem, V3).exact["serving_memory"]
    qwen = models()["qwen3-0.6b"].architecture
    cache = 28 * 2 * 8 * 128 * 2 * 4096
    held = (models()["qwen3-0.6b"].parameters.total + cache) / Fraction(8)
    assert found["draft"] - found["none"] == pytest.approx(float(held), rel=1e-9)
    serving = Serving.model_validate(FP8 | {"speculation": dict(DRAFT)})
    layers = qwen.kinds
    times = []
    for length in (0, 4):
        one = serving.model_copy({"speculation": Speculation(**DRAFT | {"length": length})})
        branch = decode_branches(one, 4096, V3.trunk, V3.kinds)[0]
        times.append(float(branch.at([3, 58]) * one.expected_tokens))
    draft = decode_branches(serving.model_copy({"speculation": None}), 4096, qwen.trunk, layers)[
        0
    ].at(qwen.counts)
    assert times[1] > times[0] + 3.9 * float(draft)  # four steps of it, without their scheduling


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (MTP | {"length": 9}, "length"),
        (MTP | {"acceptance": 1.1}, "acceptance"),
        ({"kind": "mtp", "length": 1}, "acceptance"),
        (MTP | {"model": "qwen3-0.6b"}, "model"),
        ({"kind": "draft", "length": 1, "acceptance": 0.7}, "model"),
        (DRAFT | {"model": "qwen3-0.6"}, "model"),
        (MTP | {"length": []}, "length"),
        (MTP | {"length": {"min": 3, "max": 1}}, "length"),
    ],
)
def test_what_is_refused(given: dict[str, Any], key: str) -> None:
    with pytest.raises(TableError) as caught:
        Serving(speculation=given)
    assert [name for name, _ in caught.value.faults] == [f"speculation.{key}"]


def test_lengths_are_a_menu() -> None:
    for length in ([0, 2, 4], {"min": 0, "max": 4, "step": 2}):
        serving = Serving(speculation=MTP | {"length": length})
        assert [each.speculation.length for each in serving.each()] == [0, 2, 4]
        assert Serving(**serving.given()) == serving
    off = serving.each()[0]
    assert off.drafting is None and off.expected_tokens == 1
