"""Predicted steps beside those left out of the fit, by engine, device, batch and model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measured.decode import Case, cases, predicted
from modelsizer.problems.costs.latency import decode_factor

EVERY = 5  # rows at positions 0, 5, 10, ... of each list are in no fit that ships
NEAR = (1.2, 1.5, 2.0)
_FITTED = ("vLLM", "llama.cpp")
_BATCHES = (1, 32, 128)


@dataclass(frozen=True, slots=True)
class Checked:
    """A measured step and its prediction.

    Parameters
    ----------
    case : Case
    device : str
    ratio : float
        Measured over predicted time.
    inside : bool
        Whether it lies in the band.
    """

    case: Case
    device: str
    ratio: float
    inside: bool

    @property
    def left_out(self) -> bool:
        """Whether it is in no fit that ships, and in no doubt."""
        return self.case.position % EVERY == 0 and not self.case.suspect

    @property
    def batch(self) -> str:
        """The range that its batch is in."""
        below = 0
        for most in _BATCHES:
            if self.case.batch <= most:
                return f"batch {most}" if below + 1 == most else f"batch {below + 1} to {most}"
            below = most
        return f"batch above {below}"

    @property
    def kind(self) -> str:
        return "mixture" if self.case.mixture else "dense"

    @property
    def devices(self) -> str:
        return "several devices" if self.case.ways > 1 else "one device"


def checked(data: Path) -> Iterator[Checked]:
    """Steps of the engines that are fitted, those in doubt included."""
    for case in cases(data):
        if case.kind == "step" and case.engine in _FITTED:
            found = predicted(case)
            assert found is not None
            speed, device = found
            ratio, serving = speed / case.measured, case.problem().serving
            low, high = (decode_factor(serving, end) for end in ("low", "high"))
            yield Checked(case, device, ratio, low <= ratio <= high)


GROUPS: tuple[Callable[[Checked], str], ...] = (
    lambda _: "all",
    lambda row: row.device,
    lambda row: row.batch,
    lambda row: row.devices,
    lambda row: row.kind,
)


def shares_of(rows: list[Checked]) -> tuple[float, ...]:
    """Shares within each of `NEAR`, and in the band."""
    away = np.abs(np.log([row.ratio for row in rows]))
    return (*(float((away <= np.log(near)).mean()) for near in NEAR),
            float(np.mean([row.inside for row in rows])))  # fmt: skip


def print_left_out(data: Path) -> None:
    """Print a row for each group of the steps that were left out."""
    rows = list(checked(data))
    print(f"\n{'steps left out of the fit':38}{'rows':>5}{'in 20 %':>9}{'in 1.5x':>9}{'in 2x':>7}"
          f"{'in band':>9}")  # fmt: skip
    for engine in _FITTED:
        of_engine = [row for row in rows if row.left_out and row.case.engine == engine]
        for group in GROUPS:
            for name in sorted({group(row) for row in of_engine}):
                _print(engine, name, [row for row in of_engine if group(row) == name])
    doubted = [row for row in rows if row.case.suspect]
    _print("vLLM", "in doubt, in no fit", doubted)


def _print(engine: str, name: str, rows: list[Checked]) -> None:
    near, half, twice, band = shares_of(rows)
    print(f"{engine:12}{name:26}{len(rows):5}{near:9.0%}{half:9.0%}{twice:7.0%}{band:9.0%}")
