"""Rows of published measurements, and the settings, shapes and formats that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts

GB = 10**9
# Devices that the catalogue lacks: GB/s and dense bf16 TFLOP/s as stated by their makers.
OTHERS = {
    "3070": (448, 40.6, "GDDR"),
    "3080 Ti": (912, 68.2, "GDDR"),
    "4070 Ti": (504, 80.2, "GDDR"),
    "4080": (717, 97.5, "GDDR"),
    "3090 Ti": (1008, 80.0, "GDDR"),
    "RTX 2080": (448, 40.3, "GDDR"),
    "RTX 3060": (360, 25.6, "GDDR"),
    "4000 Ada": (360, 107.0, "GDDR"),
    "5000 Ada": (576, 130.6, "GDDR"),
    "A4500": (640, 94.6, "GDDR"),
    "A5000": (768, 111.1, "GDDR"),
    "MI250X (one GCD)": (1640, 191.5, "HBM"),
}
KNOWN = {
    "A100 PCIe 40": "A100-40GB-SXM", "A100-40": "A100-40GB-SXM", "A100 40": "A100-40GB-SXM",
    "a100_40": "A100-40GB-SXM", "A100": "A100-80GB-SXM", "a100": "A100-80GB-SXM",
    "H100 PCIe": "H100-PCIe", "H100": "H100-SXM", "h100": "H100-SXM", "H200": "H200-SXM",
    "GB200": "GB200", "B200": "B200-SXM", "B300": "B300-SXM", "MI300X": "MI300X",
    "L40S": "L40S", "3090": "RTX-3090", "4090": "RTX-4090", "A6000": "RTX-A6000",
    "6000 Ada": "RTX-6000-Ada", "DGX Spark": "DGX-Spark", "Strix Halo": "Ryzen-AI-Max-395",
    "M1 Max": "M1-Max", "M2 Ultra": "M2-Ultra", "M3 Max": "M3-Max", "M3 Ultra": "M3-Ultra",
    "v5p": "TPU-v5p", "v5e": "TPU-v5e", "v4": "TPU-v4", "v6e": "TPU-v6e",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A measured figure and its prediction, in the same unit."""

    quantity: str
    engine: str
    device: str
    model: str
    measured: float
    predicted: float

    @property
    def ratio(self) -> float:
        return self.measured / self.predicted


def settings_of(hardware: str, table: str) -> dict[str, Any] | None:
    """Settings of a device named in a row; None if it is not known."""
    for name, (bandwidth, tflops, memory) in sorted(OTHERS.items(), key=lambda o: -len(o[0])):
        if name in hardware:
            return {
                f"{table}.custom_accelerator": {
                    "name": name.strip(), "bandwidth": bandwidth * GB,
                    "bf16_flops": tflops * 1e12, "memory_type": memory,
                }
            }  # fmt: skip
    for name, ours in KNOWN.items():
        if name in hardware:
            return {f"{table}.accelerator": ours}
    return None


def architecture_of(shape: dict[str, Any]) -> Architecture:
    d, heads = shape["d_model"], shape["n_head"]
    kv_heads = shape.get("n_kv_head") or heads
    d_ff = shape.get("d_ff") or _ffn(d)
    gated = shape.get("gated", True)
    ffn: Any = DenseFeedForward(d_ff, gated)
    if "n_experts" in shape:
        ffn = MixtureOfExperts(d_ff, shape["n_experts"], shape["n_active"])
    layer = Layer(FullAttention(heads, kv_heads, d // heads), ffn)
    trunk = Trunk(d, shape.get("vocab") or 32000)
    return Architecture(trunk, (LayerGroup(layer, shape["n_layer"]),), "llama")


def _ffn(d_model: int) -> int:
    """Llama's rule: two thirds of 4 d_model, rounded up to a multiple of 256."""
    return -(-int(8 * d_model / 3) // 256) * 256


OWN = {
    "tinyllama": {"n_layer": 22, "n_head": 32, "n_kv_head": 4, "d_model": 2048, "d_ff": 5632},
    "codellama-34b": {"n_layer": 48, "n_head": 64, "n_kv_head": 8, "d_model": 8192, "d_ff": 22016},
    "33b": {"n_layer": 60, "n_head": 52, "d_model": 6656, "d_ff": 17920},
    "30b": {"n_layer": 60, "n_head": 52, "d_model": 6656, "d_ff": 17920},
    "-3b": {"n_layer": 26, "n_head": 32, "d_model": 3200, "d_ff": 8640},
}


def shape_of(name: str, listed: dict[str, Any]) -> dict[str, Any] | None:
    low = name.lower()
    for key, shape in OWN.items():
        if key in low:
            return shape
    if "mixtral" in low:
        return listed["mixtral-8x7b"]
    if "405b" in low:
        return listed["llama-3.1-405b"]
    third = "llama-3" in low
    for size, two, three in (("70b", "llama-2-70b", "llama-3-70b"), ("13b", "llama-2-13b", None),
                             ("8b", "llama-3-8b", "llama-3-8b"),
                             ("7b", "llama-2-7b", "llama-2-7b")):  # fmt: skip
        if size in low:
            if "mistral" in low:
                return listed["mistral-7b"]
            key = three if third else two
            return listed[key] if key else None
    return None
