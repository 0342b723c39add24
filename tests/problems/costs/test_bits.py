"""Fewer bits of the weights slow no decode step of a dense model."""

from __future__ import annotations

import pytest

from modelsizer.problems.architecture.models import models
from modelsizer.problems.costs.latency import decode_branches
from modelsizer.problems.hardware.accelerators import accelerators
from modelsizer.problems.tables.serving import Serving


@pytest.mark.parametrize("engine", ["vllm", "llama.cpp", "none"])
@pytest.mark.parametrize("context", [512, 131_072])
def test_fewer_bits_slow_no_step(engine, context):
    model = models()["llama-3-8b"].architecture
    kinds = model.kinds
    counts = model.counts
    seen = 0
    for name, device in accelerators().items():
        if device.bandwidth is None:
            continue
        times = []
        for bits in (16, 8, 4):
            serving = Serving.model_validate(
                {"accelerator": name, "engine": engine, "batch_size": 64, "weight_bits": bits}
            )
            branches = decode_branches(serving, context, model.trunk, kinds)
            times.append(max(branch.at(counts) for branch in branches))
        assert times[0] >= times[1] >= times[2], name
        seen += 1
    assert seen > 40
