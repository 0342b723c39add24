"""Loss over experts: at each point that of a design with these experts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.feedforward import MixtureOfExperts
from modelsizer.problems.architecture.models import models
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.expert_map import expert_map

PROBLEM = Problem.load("exercise-1e24", {"training.tokens": 1e12, "objective.shape": "none"})
NAME = "qwen3-30b-a3b"


def with_experts(architecture: Architecture, **fields: int) -> Architecture:
    """The architecture with other experts in every layer that has any."""
    groups = []
    for group in architecture.groups:
        ffn = group.layer.ffn
        if isinstance(ffn, MixtureOfExperts):
            ffn = replace(ffn, **fields)
        groups.append(LayerGroup(replace(group.layer, ffn=ffn), group.count))
    return replace(architecture, groups=tuple(groups))


@pytest.mark.parametrize("name", [NAME, "deepseek-v2-lite"])
def test_the_design_is_on_its_map(name: str) -> None:
    design = evaluate(PROBLEM, models()[name].architecture)
    found = expert_map(PROBLEM, design)
    at = [np.log(found.activation), np.log(found.granularity)]
    a, g = np.log(found.design.activation), np.log(found.design.granularity)
    along = [np.interp(g, at[1], row) for row in found.loss]
    assert np.interp(a, at[0], along) == pytest.approx(design.loss, abs=2e-4)
    total = np.exp(np.interp(a, at[0], np.log(found.total)))
    assert total == pytest.approx(design.parameters.total, rel=1e-2)
    assert (np.diff(found.total) < 0).all()  # the more of the experts in use, the fewer there are


def test_a_point_is_a_design_with_these_experts() -> None:
    """Twice the experts, half as wide, and twice as many in use: A as it was, G doubled."""
    own = models()[NAME].architecture
    found = expert_map(PROBLEM, evaluate(PROBLEM, own))
    narrow = with_experts(own, d_ff=384, experts=256, active=16)
    few = with_experts(own, experts=32)
    for other in (narrow, few):
        design = evaluate(PROBLEM, other)
        mixture = expert_map(PROBLEM, design).design
        row = [np.interp(np.log(mixture.granularity), np.log(found.granularity), losses)
               for losses in found.loss]  # fmt: skip
        predicted = np.interp(np.log(mixture.activation), np.log(found.activation), row)
        assert predicted == pytest.approx(design.loss, abs=6e-4)
        assert abs(design.loss - evaluate(PROBLEM, own).loss) > 2e-3


def test_what_has_no_map() -> None:
    dense = evaluate(PROBLEM, models()["llama-3-8b"].architecture)
    with pytest.raises(ValueError, match="no experts"):
        expert_map(PROBLEM, dense)
    active = PROBLEM.with_settings({"objective.experts": "active"})
    with pytest.raises(ValueError, match="tian-2025"):
        expert_map(active, evaluate(active, models()[NAME].architecture))
