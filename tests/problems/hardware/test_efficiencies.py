"""Default efficiencies by format of the weights."""

from __future__ import annotations

import pytest

from modelsizer.problems.hardware.accelerators import accelerator
from modelsizer.problems.hardware.efficiencies import decode


@pytest.mark.parametrize(
    ("bits", "like"), [(32, 16), (12.5, 16), (12, 8), (8.5, 8), (6.5, 8), (6, 4), (4.125, 4)]
)
@pytest.mark.parametrize("name", ["H100-SXM", "RTX-4090"])
def test_the_nearest_measured_format_counts(name: str, bits: float, like: float) -> None:
    """8 bits with their scales are 8 bits."""
    assert decode(accelerator(name), bits) == decode(accelerator(name), like)
    assert decode(accelerator(name), 16) != decode(accelerator(name), 8)
