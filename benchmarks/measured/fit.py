"""Fit the constants of engines to measured steps: `python -m benchmarks.measured.fit DATA`.

Constants are those of least absolute error of ln time, over the steps of an engine that nobody
doubts, without every fifth row of each list (positions 0, 5, 10, ...), against which they are then
tested; and again with one model or one device left out at a time. What is fitted is printed as
`problems/hardware/efficiencies.toml` holds it.
"""

from __future__ import annotations

import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, minimize

from benchmarks.measured.steps import MeasuredStep, measured_steps
from modelsizer.problems.hardware import efficiencies

Array = NDArray[np.float64]
Columns = Callable[[MeasuredStep], Mapping[str, float]]
_TABLE = tomllib.loads((Path(efficiencies.__file__).parent / "efficiencies.toml").read_text())
_NEAR = (1.2, 1.5, 2.0)


@dataclass(frozen=True, slots=True)
class Form:
    """How a step of an engine follows from constants.

    Parameters
    ----------
    engine : str
    what : str
        The rows that it is fitted to.
    holds : callable
        Whether a row is of this form.
    start : mapping of str to float
        Constants, with values to start from.
    columns : callable
        What each constant multiplies in a step; ``""`` is what it takes without them.
    evenly : bool
        Whether the rows of a device count less the more there are, each as 1 / sqrt(rows).
    """

    engine: str
    what: str
    holds: Callable[[MeasuredStep], bool]
    start: Mapping[str, float]
    columns: Columns
    evenly: bool = False


def _vllm(step: MeasuredStep) -> Mapping[str, float]:
    own, parts = _TABLE["decode"][step.device.memory_type], step.parts
    share = _TABLE["prefill"]["bf16"]
    fixed = parts["memory"] / own[str(step.bits)] + parts["plain"] / own["16"]
    fixed += parts["compute"] / share + parts["links"]
    return {
        "": fixed + parts["layers"] * own["overhead"],
        "sequence": parts["sequences"],
        "routed_value": parts["handed"],
        "mixture_8_bits": parts["mixtures"],
    }


def _llama(step: MeasuredStep) -> Mapping[str, float]:
    parts = step.parts
    found = {"compute": parts["compute"], "overhead": parts["layers"]}
    return found | {step.memory: parts["memory"] + parts["plain"]}


def _apple(step: MeasuredStep) -> Mapping[str, float]:
    return {
        "overhead": step.parts["layers"],
        "16" if step.bits == 16 else "4": step.parts["memory"] + step.parts["plain"],
    }


def _batches_of_mixtures(step: MeasuredStep) -> bool:
    """Whether experts are reached by tokens drawn at random, which reach others than texts do."""
    return step.case.mixture and step.case.batch > 1


FORMS = (
    Form(
        "vLLM", "HBM", lambda s: s.memory == "HBM",
        {"sequence": 5e-5, "routed_value": 1e-11, "mixture_8_bits": 1e-4}, _vllm,
    ),
    Form(
        "llama.cpp", "all but Apple's",
        lambda s: not s.memory.startswith("Apple") and not _batches_of_mixtures(s),
        {"compute": 5.0, "overhead": 1e-4, "HBM": 2.0, "GDDR": 1.2, "LPDDR": 1.2}, _llama,
        evenly=True,
    ),
    Form(
        "llama.cpp", "Apple's", lambda s: s.memory.startswith("Apple"),
        {"overhead": 1e-4, "16": 1.2, "4": 1.5}, _apple, evenly=True,
    ),
)  # fmt: skip
_SHARES = ("compute", "HBM", "GDDR", "LPDDR", "16", "4")
"""Constants that are a share of a peak, the inverse of what multiplies a time at the peak."""


def _matrix(form: Form, steps: Sequence[MeasuredStep]) -> tuple[Array, Array]:
    """What the constants multiply, and what each step takes without them."""
    columns = [form.columns(step) for step in steps]
    return (
        np.array([[row.get(name, 0.0) for name in form.start] for row in columns]),
        np.array([row.get("", 0.0) for row in columns]),
    )


def fitted(form: Form, steps: Sequence[MeasuredStep]) -> Array:
    """Constants of least absolute error of ln time; shares of a peak at most 1."""
    matrix, fixed = _matrix(form, steps)
    times = np.log([step.seconds for step in steps])
    rows = defaultdict(int)
    for step in steps:
        rows[step.device.name] += 1
    weights = np.array([rows[s.device.name] ** -0.5 if form.evenly else 1.0 for s in steps])
    floor = np.array([0.0 if name in _SHARES else -np.inf for name in form.start])

    def errors(logs: Array) -> Array:
        return np.log(fixed + matrix @ np.exp(logs)) - times

    def total(logs: Array) -> float:
        return float(weights @ np.abs(errors(np.maximum(logs, floor))))

    at = np.log(list(form.start.values()))
    soft = least_squares(
        lambda logs: weights**0.5 * errors(logs), at, loss="soft_l1", f_scale=0.05, max_nfev=400
    ).x
    for _ in range(4):  # the simplex restarts where it stopped
        soft = minimize(
            total,
            soft,
            method="Nelder-Mead",
            options={"maxiter": 1500, "xatol": 1e-4, "fatol": 1e-9},
        ).x
    return np.exp(np.maximum(soft, floor))


def ratios(form: Form, constants: Array, steps: Sequence[MeasuredStep]) -> Array:
    """Measured over predicted time."""
    matrix, fixed = _matrix(form, steps)
    return np.array([step.seconds for step in steps]) / (fixed + matrix @ constants)


def left_out(
    form: Form, steps: Sequence[MeasuredStep], group: Callable[[MeasuredStep], str]
) -> Array:
    """Measured over predicted time of each step, fitted without its group."""
    found = np.ones(len(steps))
    for name in sorted({group(step) for step in steps}):
        out = np.array([group(step) == name for step in steps])
        kept = [step for step, left in zip(steps, out, strict=True) if not left]
        rows = [step for step, left in zip(steps, out, strict=True) if left]
        found[out] = ratios(form, fitted(form, kept), rows)
    return found


def _told(found: Array) -> str:
    within = [np.mean(np.abs(np.log(found)) <= np.log(near)) for near in _NEAR]
    low, middle, high = np.quantile(found, [0.1, 0.5, 0.9])
    shares = "".join(f"{share:8.0%}" for share in within)
    return f"{len(found):5}{shares}{middle:8.2f}{low:8.2f}{high:8.2f}"


def _print(form: Form, steps: list[MeasuredStep]) -> None:
    trained = [step for step in steps if not step.held_out]
    constants = fitted(form, trained)
    print(f"\n{form.engine}, {form.what}")
    for name, value in zip(form.start, constants, strict=True):
        print(f"  {name} = {1 / value if name in _SHARES else value:.3g}")
    print(f"  {'rows':22}{'':5}  in 20 %    1.5x      2x  median    10 %    90 %")
    held = [step for step in steps if step.held_out]
    print(f"  {'fitted':22}{_told(ratios(form, constants, trained))}")
    print(f"  {'every fifth, left out':22}{_told(ratios(form, constants, held))}")
    print(f"  {'a model left out':22}{_told(left_out(form, steps, lambda s: s.case.row['model']))}")
    print(f"  {'a device left out':22}{_told(left_out(form, steps, lambda s: s.device.name))}")


def main() -> None:
    steps = [step for step in measured_steps(Path(sys.argv[1])) if not step.case.suspect]
    for form in FORMS:
        _print(form, [s for s in steps if s.case.engine == form.engine and form.holds(s)])


if __name__ == "__main__":
    main()
