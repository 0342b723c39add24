"""Figures of the catalogue against what tells a sparse peak, a whole board or a sum of both ways."""

from __future__ import annotations

from itertools import pairwise

import pytest

from modelsizer.problems.hardware.accelerators import Accelerator, accelerator, accelerators
from tests.support.shared import reference_json

MIB = 2**20
TERA = 10**12
BOTH = [found for found in accelerators().values() if len(found.precisions) > 1]

SHOWN = {
    "V100-32GB-SXM": 32_768, "A100-80GB-SXM": 81_920, "A100-80GB-PCIe": 81_920,
    "H100-SXM": 81_559, "H100-PCIe": 81_559, "H100-NVL": 95_830, "H20": 97_871,
    "H200-SXM": 143_771, "H200-NVL": 143_771, "GH200-96GB": 97_871, "GH200-144GB": 146_831,
    "B200-SXM": 183_359, "B300-SXM": 275_040, "GB200": 189_471, "GB300": 284_208,
    "T4": 15_360, "A10": 23_028, "A10G": 23_028, "A30": 24_576, "A40": 46_068, "L4": 23_034,
    "L20": 46_068, "L40": 46_068, "L40S": 46_068, "RTX-PRO-6000": 97_887, "RTX-3090": 24_576,
    "RTX-4090": 24_564, "RTX-5090": 32_607, "RTX-A6000": 49_140, "RTX-6000-Ada": 49_140,
}  # fmt: skip
"""MiB that nvidia-smi shows, of which the driver keeps some."""

CLOCKS = {
    "T4": (40, 1590, 1024),
    "A10": (72, 1695, 1024), "A40": (84, 1740, 1024), "RTX-A6000": (84, 1800, 1024),
    "L4": (58, 2040, 1024), "RTX-6000-Ada": (142, 2505, 1024), "RTX-PRO-6000": (188, 2430, 1024),
    "L20": (92, 2520, 512), "L40": (142, 2490, 512),
    "RTX-4090": (128, 2520, 512), "RTX-5090": (170, 2407, 512),
}  # fmt: skip
"""Multiprocessors, MHz, and dense bf16 FLOPs a clock of each with FP32 accumulation, which some
cards have at half the rate (cputronic.com, sysrqmts.com, topcpu.net, torring.dev)."""

MEASURED = {
    "A100 SXM": "A100-80GB-SXM", "A100 PCIe": "A100-80GB-PCIe", "H100/H200 SXM": "H100-SXM",
    "GH200": "GH200-144GB", "B200": "B200-SXM", "B300": "B300-SXM",
}  # fmt: skip
"""Names of the reference that are not those of the catalogue with spaces."""

FASTEST = {("DGX-Spark", "bf16"): 97.3, ("DGX-Spark", "fp8"): 188, ("Gaudi2", "fp8"): 826.5}
"""TFLOP/s of the fastest matrix multiplications measured, beside those of the reference."""

UNLIKE = {  # peaks that are not twice those of twice the bits
    ("RTX-5090", "fp4"): 4, ("B300-SXM", "fp4"): 2.8, ("GB300", "fp4"): 3,  # as NVIDIA prints them
    ("Gaudi3", "fp8"): 1, ("Trainium1", "fp8"): 1, ("Inferentia2", "fp8"): 1,
    ("TPU-v5p", "fp8"): 1, ("TPU-v6e", "fp8"): 1,
    ("Trainium3", "fp8"): 3.75, ("Trainium3", "fp4"): 1,
    ("DGX-Spark", "fp8"): 1.93, ("DGX-Spark", "fp4"): 1.89,  # measured
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_memory_is_less_than_the_driver_shows(name: str) -> None:
    """A process is shown what the driver leaves of it: at least 0.3 % less, at most 6 %."""
    memory = accelerator(name).memory
    assert memory is not None
    assert 0.94 < memory / (SHOWN[name] * MIB) < 0.997


def test_every_card_of_nvidia_has_memory_that_the_driver_leaves() -> None:
    cards = {
        row.name
        for row in accelerators().values()
        if row.vendor == "NVIDIA" and row.memory_type != "LPDDR" and row.memory is not None
    }
    assert cards - SHOWN.keys() == {"A100-40GB-SXM"}  # from a device query


@pytest.mark.parametrize("name", CLOCKS)
def test_dense_bf16_is_what_the_clock_allows(name: str) -> None:
    """With sparsity, or with FP16 accumulation where FP32 is half as fast, it is twice that."""
    multiprocessors, mhz, flops = CLOCKS[name]
    assert accelerator(name).bf16_flops == pytest.approx(
        multiprocessors * mhz * 10**6 * flops, rel=0.015
    )


@pytest.mark.parametrize("precision", ["bf16", "fp8"])
def test_no_peak_is_below_what_was_measured_or_twice_it(precision: str) -> None:
    """Matrix multiplications reach half of a dense peak and more, but not of a sparse one."""
    rows = reference_json("accelerators.json")["achievable_matmul_tflops"][precision]
    reached = {MEASURED.get(row, row.replace(" ", "-")): best for row, best in rows.items()}
    reached |= {name: best for (name, of), best in FASTEST.items() if of == precision}
    assert len(reached) >= 6
    for name, best in reached.items():
        peak = accelerator(name).figure(f"{precision}_flops")
        assert 0.5 * peak < best * TERA <= peak, name


@pytest.mark.parametrize("found", BOTH, ids=lambda found: found.name)
def test_half_the_bits_are_twice_as_fast(found: Accelerator) -> None:
    """So a sparse peak beside a dense one is seen."""
    for wide, narrow in pairwise(found.precisions):
        ratio = found.figure(f"{narrow}_flops") / found.figure(f"{wide}_flops")
        assert ratio == pytest.approx(UNLIKE.get((found.name, narrow), 2), rel=0.03), narrow


def test_links_are_one_way() -> None:
    """NVLink by generation, and PCIe x16 where cards have no more than a bridge."""
    nvlink = {"V100": 150, "A100": 300, "H": 450, "GH": 450, "B": 900, "GB": 900}
    for found in accelerators().values():
        if found.vendor != "NVIDIA" or found.link is None or found.memory_type == "LPDDR":
            continue
        kinds = [kind for kind in nvlink if found.name.startswith(kind)]
        board = found.name.endswith(("PCIe", "NVL"))
        if kinds and not board:
            assert found.link == nvlink[max(kinds, key=len)] * 10**9, found.name
        else:
            assert found.link in {n * 10**9 for n in (16, 31, 32, 63)}, found.name
