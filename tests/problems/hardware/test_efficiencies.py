"""Default efficiencies by format of the weights."""

from __future__ import annotations

from itertools import product

import pytest

from modelsizer.problems.hardware.accelerators import accelerator, accelerators
from modelsizer.problems.hardware.efficiencies import (
    Reached,
    decode,
    decode_spread,
    default_engine,
    engines,
)
from modelsizer.problems.tables.serving import Serving


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


def test_every_efficiency_has_its_rows() -> None:
    for memory, engine in product(("HBM", "GDDR", "LPDDR"), engines()):
        device = next(a for a in accelerators().values() if a.memory_type == memory)
        for bits in (16.0, 8.0, 4.5):
            found = decode(device, engine, weight_bits=bits, expert_bits=bits, precision="bf16")
            assert 0 < found.bandwidth <= 1 and 0 < found.compute <= 1 and found.overhead > 0
        for ways in (1, 8):
            spread = decode_spread(device, engine, ways)
            assert spread.low < 1 < spread.high


def test_each_device_has_an_engine_unless_one_is_named() -> None:
    named = {"H100-SXM": "vllm", "L40S": "vllm", "RTX-4090": "llama.cpp", "M2-Ultra": "llama.cpp"}
    for name, engine in named.items():
        assert default_engine(accelerators()[name]) == engine
    own = {"bandwidth": "1 TB/s", "bf16_flops": "1 TFLOP/s", "memory_type": "GDDR"}
    for more, engine in (({}, "llama.cpp"), ({"server": True}, "vllm")):
        serving = Serving.model_validate({"custom_accelerator": own | more})
        assert serving.served_by == engine
    assert Serving.model_validate({"custom_accelerator": own, "engine": "none"}).served_by == "none"
