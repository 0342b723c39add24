"""Accelerators: memory, bandwidth and FLOP/s of each.

A figure without a known source is None, never an estimate; `Accelerator.figure` raises an error
if it is needed.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from modelsizer.problems.errors import ModelsizerError, short
from modelsizer.problems.records import dataclass
from modelsizer.problems.registry import loosely

FIGURES = {
    "memory": "reported memory",
    "bandwidth": "memory bandwidth",
    "bf16_flops": "dense bf16 FLOP/s",
    "fp8_flops": "dense fp8 FLOP/s",
    "fp4_flops": "dense fp4 FLOP/s",
    "link": "one-way link bandwidth",
    "watts": "power",
}
"""Figures of an accelerator, with their names in messages."""

PRECISIONS = ("bf16", "fp8", "fp4")
"""Precisions of matrix multiplications, from wide to narrow; each has a figure for its peak."""


NOT_KNOWN = " is not known; "
"""What a message of a figure that an accelerator lacks says, and no other."""


class UnknownFigureError(ModelsizerError):
    """Raised if a figure is needed whose value is unknown."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """An accelerator.

    Parameters
    ----------
    name : str
    vendor : str
    memory : int, float or None
        Bytes available to a process on the device, which differ from the label.
    bandwidth : int, float or None
        Bytes/s of the device's memory.
    bf16_flops, fp8_flops, fp4_flops : int, float or None
        Dense FLOP/s of matrix multiplications, without sparsity; that of fp4 is of the 4-bit
        floating-point format that the note names, NVFP4 or MXFP4.
    link : int, float or None
        Bytes/s to neighbouring accelerators, one way.
    watts : int, float or None
        Board power (TDP).
    memory_label : str
        Memory as advertised: "80 GB".
    memory_type : {"HBM", "GDDR", "LPDDR"}
    server : bool
        Whether it is a card or module of data centres, which engines for servers run on.
    source, watts_source : str
    note : str
        What a figure refers to, if that is unclear.
    """

    name: str
    vendor: str = ""
    memory: int | float | None = None
    bandwidth: int | float | None = None
    bf16_flops: int | float | None = None
    fp8_flops: int | float | None = None
    fp4_flops: int | float | None = None
    link: int | float | None = None
    watts: int | float | None = None
    memory_label: str = ""
    memory_type: str = "HBM"
    server: bool = True
    source: str = ""
    watts_source: str = ""
    note: str = ""

    @property
    def precisions(self) -> tuple[str, ...]:
        """Precisions whose peak is known."""
        return tuple(p for p in PRECISIONS if getattr(self, f"{p}_flops") is not None)

    def figure(self, name: str) -> int | float:
        """Return a figure, which must be known.

        Raises
        ------
        UnknownFigureError
            If it is unknown; the message names accelerator, figure and remedy.
        """
        value: int | float | None = getattr(self, name)
        if value is None:
            raise UnknownFigureError(
                f"the {FIGURES[name]} of {self.name}{NOT_KNOWN}define the accelerator with "
                f"its {name} under custom_accelerator"
            )
        return value


@cache
def accelerators() -> Mapping[str, Accelerator]:
    """All accelerators of the catalogue, by name."""
    file = Path(__file__).parent / "accelerators.toml"
    rows = tomllib.loads(file.read_text("utf-8"))
    return {name: Accelerator(name, **row) for name, row in rows.items()}


@cache
def accelerator(name: str) -> Accelerator:
    """Find an accelerator in the catalogue, ignoring case, spaces and hyphens of its name.

    Raises
    ------
    ValueError
        If there is none of that name; the message lists similar names.
    """
    known = {loosely(row): row for row in accelerators()}
    if (key := loosely(name)) in known:
        return accelerators()[known[key]]
    alike = [name for k, name in known.items() if key and k.startswith(key)]
    alike = alike or [known[k] for k in difflib.get_close_matches(key, known, n=1)]
    hint = f" (did you mean {' or '.join(alike)}?)" if alike else ""
    raise ValueError(
        f"unknown accelerator {short(name)}{hint}; `modelsizer accelerators` lists them"
    )
