"""Model FLOPs utilisation of measured training runs: defaults with their spread."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.hardware.efficiencies import Estimates
from modelsizer.problems.records import dataclass

FRAMEWORKS = ("megatron", "torchtitan", "llm-foundry", "deepspeed", "maxtext")
"""Frameworks with rows of measured runs."""
DEFAULT_FRAMEWORK = FRAMEWORKS[0]
_ANY, _OTHER = "any", "other"
_DENSE, _MIXTURE = "dense", "mixture"
_LONG = 4096
"""Tokens of a sequence beyond which the MFU of some frameworks falls."""
_DIGITS = 4  # of an MFU of long sequences


@dataclass(frozen=True, slots=True)
class _Runs:
    """Measured runs of one kind: their MFU at up to `_LONG` tokens, and how it falls beyond."""

    mfu: Estimates
    longer: float

    def at(self, sequence_length: int) -> Estimates:
        """The MFU at a sequence length."""
        if not self.longer or sequence_length <= _LONG:
            return self.mfu
        return _scaled(self.mfu, (_LONG / sequence_length) ** self.longer)


def _scaled(mfu: Estimates, share: float) -> Estimates:
    return Estimates(*(round(each * share, _DIGITS) for each in (mfu.low, mfu.expected, mfu.high)))


def _least(one: Estimates, other: Estimates) -> Estimates:
    return Estimates(
        min(one.low, other.low), min(one.expected, other.expected), min(one.high, other.high)
    )


@cache
def _table() -> dict[str, Any]:
    file = Path(__file__).parent / "training_efficiencies.toml"
    return tomllib.loads(file.read_text("utf-8"))


@cache
def _runs() -> dict[tuple[str, str, str, str], _Runs]:
    """Runs by precision, kind, framework and accelerator."""
    found = {}
    for row in _table()["runs"]:
        for name in row["accelerators"]:
            key = (row["precision"], row["kind"], row["framework"], name)
            found[key] = _Runs(Estimates(*row["mfu"]), row.get("longer", 0.0))
    return found


def _known(precision: str, kind: str, framework: str, device: Accelerator) -> _Runs | None:
    """Runs of a framework on a device; without any, on it; without any, of the framework."""
    runs = _runs()
    for own, name in ((framework, device.name), (_ANY, device.name), (framework, _OTHER)):
        if (found := runs.get((precision, kind, own, name))) is not None:
            return found
    return runs.get((precision, kind, _ANY, _OTHER))


@cache
def training_mfu(
    device: Accelerator,
    precision: str,
    framework: str = DEFAULT_FRAMEWORK,
    sequence_length: int = _LONG,
    *,
    mixture: bool = False,
) -> Estimates:
    """Model FLOPs utilisation of training, with attention counted in full.

    The runs are those of the framework on the accelerator; without any, of all frameworks on it;
    without any, of the framework on other accelerators. Mixtures of experts without runs on the
    accelerator have a share of the MFU of dense models, and none has more than dense models.

    Parameters
    ----------
    device : Accelerator
    precision : {"bf16", "fp8", "fp4"}
    framework : str
        One of `FRAMEWORKS`.
    sequence_length : int
    mixture : bool
        Whether layers have experts.
    """
    dense = _known(precision, _DENSE, framework, device)
    assert dense is not None, f"no runs in {precision}"
    found = dense.at(sequence_length)
    if not mixture:
        return found
    own = _known(precision, _MIXTURE, framework, device)
    if own is None:
        return _scaled(found, _table()["mixture"][precision])
    return _least(own.at(sequence_length), found)
