"""Figures, each drawn by one function that takes data and returns a Figure.

The functions are imported when first used, and matplotlib when one of them is called.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelsizer.plots.designs.allocation import allocation
    from modelsizer.plots.designs.audit import audit
    from modelsizer.plots.designs.choices import choices
    from modelsizer.plots.designs.depth_parameters import depth_parameters
    from modelsizer.plots.designs.depth_width import depth_width
    from modelsizer.plots.designs.device_memory import device_memory
    from modelsizer.plots.designs.experts import experts
    from modelsizer.plots.designs.kinds import kinds
    from modelsizer.plots.designs.landscape import landscape
    from modelsizer.plots.designs.memory import memory
    from modelsizer.plots.designs.roofline import roofline
    from modelsizer.plots.designs.stack import stack
    from modelsizer.plots.designs.users import users
    from modelsizer.plots.drawing.saving import save
    from modelsizer.plots.fronts.front import front
    from modelsizer.plots.fronts.frontier import frontier
    from modelsizer.plots.fronts.sweep import sweep
    from modelsizer.plots.laws.fit import fit
    from modelsizer.plots.laws.law_comparison import law_comparison
    from modelsizer.plots.laws.law_curves import law_curves
    from modelsizer.plots.laws.law_optima import law_optima
    from modelsizer.plots.laws.run_plan import run_plan
    from modelsizer.plots.laws.uncertainty import uncertainty
    from modelsizer.plots.limits.price_curve import price_curve
    from modelsizer.plots.limits.scenarios import scenarios
    from modelsizer.plots.limits.tornado import tornado
    from modelsizer.plots.measurements.growth import growth
    from modelsizer.plots.measurements.measured_steps import measured_steps
    from modelsizer.plots.measurements.predictions import predictions
    from modelsizer.plots.measurements.rivals import rivals

_ROOMS = MappingProxyType(
    {
        "designs": (
            "allocation", "audit", "choices", "depth_parameters", "depth_width", "device_memory",
            "experts", "kinds", "landscape", "memory", "roofline", "stack", "users",
        ),
        "fronts": ("front", "frontier", "sweep"),
        "laws": ("fit", "law_comparison", "law_curves", "law_optima", "run_plan", "uncertainty"),
        "limits": ("price_curve", "scenarios", "tornado"),
        "measurements": ("growth", "measured_steps", "predictions", "rivals"),
    }
)  # fmt: skip
"""Figure functions by package; each is in the module of its name."""
_HOMES = {name: f"{__name__}.{room}.{name}" for room, names in _ROOMS.items() for name in names}
_HOMES["save"] = f"{__name__}.drawing.saving"

__all__ = [
    "allocation",
    "audit",
    "choices",
    "depth_parameters",
    "depth_width",
    "device_memory",
    "experts",
    "fit",
    "front",
    "frontier",
    "growth",
    "kinds",
    "landscape",
    "law_comparison",
    "law_curves",
    "law_optima",
    "measured_steps",
    "memory",
    "predictions",
    "price_curve",
    "rivals",
    "roofline",
    "run_plan",
    "save",
    "scenarios",
    "stack",
    "sweep",
    "tornado",
    "uncertainty",
    "users",
]


def __getattr__(name: str) -> Any:
    """Import a function from its module when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
