"""Default efficiencies by format of the weights."""

from __future__ import annotations

import pytest

from modelsizer.problems.hardware.accelerators import accelerator
from modelsizer.problems.hardware.efficiencies import Reached, decode


@pytest.mark.parametrize(
    ("bits", "like"), [(32, 16), (12.5, 16), (12, 8), (8.5, 8), (6.5, 8), (6, 4), (4.125, 4)]
)
@pytest.mark.parametrize("name", ["H100-SXM", "RTX-4090"])
def test_the_nearest_measured_format_counts(name: str, bits: float, like: float) -> None:
    """8 bits with their scales are 8 bits."""

    def reached(weight_bits: float) -> Reached:
        return decode(
            accelerator(name), "none", weight_bits=weight_bits, expert_bits=16, precision="bf16"
        )

    assert reached(bits) == reached(like)
    assert reached(16) != reached(8)


@pytest.mark.parametrize(
    ("bits", "precision", "slow"),
    [(16, "bf16", False), (8.5, "bf16", True), (4.25, "bf16", False), (16, "fp8", True)],
)
def test_experts_of_8_bits_take_longer(bits: float, precision: str, slow: bool) -> None:
    device = accelerator("H100-SXM")
    found = decode(device, "vllm", weight_bits=bits, expert_bits=bits, precision=precision)
    assert (found.mixture > 0) == slow
    alone = decode(device, "none", weight_bits=bits, expert_bits=bits, precision=precision)
    assert alone.mixture == alone.sequence == alone.routed_value == 0 and not alone.adds
