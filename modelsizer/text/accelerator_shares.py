"""Shares of an accelerator's peaks that estimates take by default, as text and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.hardware import efficiencies
from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.hardware.efficiencies import Estimates
from modelsizer.problems.hardware.training_efficiencies import training_mfu
from modelsizer.problems.units import format_quantity

_BITS = (16, 8, 4)


def shares_dict(device: Accelerator) -> dict[str, Any]:
    """Defaults of serving and training on an accelerator.

    Returns
    -------
    dict
        Shares of bandwidth by bits of a weight, of the peak by precision, the MFU of dense models
        and of mixtures by precision (10th percentile, median, 90th percentile), and seconds.
    """
    engine = efficiencies.default_engine(device)
    first = device.precisions[0] if device.precisions else "bf16"
    reached = {
        bits: efficiencies.decode(
            device, engine, weight_bits=bits, expert_bits=bits, precision=first
        )
        for bits in _BITS
    }
    step = reached[_BITS[0]]
    dense, mixtures = (
        {p: training_mfu(device, p, mixture=mixture) for p in device.precisions}
        for mixture in (False, True)
    )
    return {
        "engine": engine,
        "decode_bandwidth": {str(bits): each.bandwidth for bits, each in reached.items()},
        "seconds_per_layer": step.overhead,
        "seconds_per_sequence": step.sequence,
        "prefill": {p: efficiencies.prefill(p)[0] for p in device.precisions},
        "training_mfu": _ends(dense),
        "training_mfu_mixtures": _ends(mixtures),
    }


def share_rows(shares: dict[str, Any]) -> list[tuple[str, str]]:
    """The same as rows of a report."""
    decode = ", ".join(f"{share:g} at {b} bits" for b, share in shares["decode_bandwidth"].items())
    rows = [("engine", shares["engine"]), ("bandwidth, decoding", decode)]
    for name, key in (
        ("time of a layer", "seconds_per_layer"),
        ("time of a sequence", "seconds_per_sequence"),
    ):
        if shares[key]:
            rows.append((name, format_quantity(shares[key], "seconds", 3)))
    for name, key in (
        ("FLOP/s, prefill", "prefill"),
        ("MFU, training", "training_mfu"),
        ("MFU, mixtures", "training_mfu_mixtures"),
    ):
        words = [f"{_said(value)} in {precision}" for precision, value in shares[key].items()]
        rows.append((name, ", ".join(words) or "not known: no peak is"))
    return rows


def _ends(mfu: Mapping[str, Estimates]) -> dict[str, list[float]]:
    return {p: [each.low, each.expected, each.high] for p, each in mfu.items()}


def _said(value: float | list[float]) -> str:
    if isinstance(value, list):
        low, expected, high = value
        return f"{expected:g} ({low:g} to {high:g})"
    return f"{value:g}"
