"""Model FLOPs utilisation of published training runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measured.rows import Row, architecture_of, settings_of, shape_of
from modelsizer.problems.architecture.accounting import training_flops_per_token
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choice_values import is_mixture
from modelsizer.problems.architecture.models import models
from modelsizer.problems.hardware.accelerators import accelerator
from modelsizer.problems.hardware.training_efficiencies import DEFAULT_FRAMEWORK, training_mfu

_ASSUMED_LENGTH = 8192  # tokens of a sequence of rows that give none, as in their configurations
_FRAMEWORKS = {
    "llm-foundry": "llm-foundry", "Megatron": "megatron", "calculon": "megatron",
    "2205.05198": "megatron", "torchtitan": "torchtitan", "pytorch/ao": "torchtitan",
    "maxtext": "maxtext",
}  # fmt: skip
"""Part of the source of a row -> its framework."""


@dataclass(frozen=True, slots=True)
class Run:
    """A measured training run: its model, its machine and the MFU reached."""

    model: str
    device: str
    precision: str
    framework: str
    mixture: bool
    sequence_length: int
    mfu: float

    @property
    def expected(self) -> float:
        """The MFU that is predicted."""
        return training_mfu(
            accelerator(self.device), self.precision, self.framework, self.sequence_length,
            mixture=self.mixture,
        ).expected  # fmt: skip


def training_rows(data: Path) -> Iterator[Row]:
    for run in runs(data):
        kind = "mixture" if run.mixture else "dense"
        yield Row("training MFU", f"{run.precision} {kind}", run.device, run.model, run.mfu,
                  run.expected)  # fmt: skip


def runs(data: Path) -> Iterator[Run]:
    """Measured runs of training_mfu.json and of fresh_measurements.json, in their order.

    Rows with an MFU have it as published; those without are counted from their tokens per second,
    with attention in full.
    """
    listed = json.loads((data / "decode_latency.json").read_text())["models"]
    for r in json.loads((data / "training_mfu.json").read_text()):
        shape = shape_of(r["model"], listed)
        yield from _run(r, None if shape is None else architecture_of(shape))
    known = models()
    for r in json.loads((data / "fresh_measurements.json").read_text())["training"]:
        name = r["model"].split()[0]
        yield from _run(r, known[name].architecture if name in known else None)


def _run(r: dict[str, Any], architecture: Architecture | None) -> Iterator[Run]:
    name = (settings_of(r["hardware"], "training") or {}).get("training.accelerator")
    if name is None:
        return
    precision = "fp8" if "8" in (r.get("precision") or "") else "bf16"
    length = r.get("seq_len") or _ASSUMED_LENGTH
    mfu, rate = r["mfu"], r.get("tokens_per_s_per_gpu")
    if mfu is None:
        if architecture is None or not rate:
            return
        kinds = architecture.kinds
        each = training_flops_per_token(architecture.trunk, kinds, length, "exact").at(
            architecture.counts
        )
        mfu = float(each) * rate / accelerator(name).figure(f"{precision}_flops")
    mixture = is_mixture(architecture) if architecture else "deepseek" in r["model"]
    yield Run(r["model"], name, precision, _framework(r), mixture, length, mfu)


def _framework(r: dict[str, Any]) -> str:
    if "DeepSpeed" in r.get("parallelism", ""):
        return "deepspeed"
    found = [name for key, name in _FRAMEWORKS.items() if key in r["source"]]
    return found[0] if found else DEFAULT_FRAMEWORK
