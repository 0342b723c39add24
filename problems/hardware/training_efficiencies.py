"""Model FLOPs utilisation of measured training runs: defaults with their spread."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.hardware.efficiencies import Estimates

_OTHER = "other"


@cache
def _table() -> dict[str, Any]:
    file = Path(__file__).parent / "training_efficiencies.toml"
    return tomllib.loads(file.read_text("utf-8"))


def training_mfu(device: Accelerator, precision: str) -> Estimates:
    """Model FLOPs utilisation of training."""
    rows = _table()[precision]
    return Estimates(*rows.get(device.name, rows[_OTHER]))
