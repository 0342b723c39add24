"""Pictures of values: those of the registry, by the class of the value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modelsizer.problems.errors import ArgumentError, did_you_mean
from modelsizer.views.defaults import ALLOCATED_AT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Answer = Callable[..., Any]
"""From a value, and options of a picture, to what the picture is drawn from."""
_Drawn = tuple[str, Answer, tuple[str, ...]]
"""A picture of the registry, its answer, and the options that this takes."""
_PANELS = ("all", "fit", "residuals", "isoflop", "pairs", "scaling")


def figure_of(
    value: object,
    picture: str | None = None,
    *,
    title: str | None = None,
    size: str = "wide",
    ax: Axes | None = None,
    time_limit: float | None = None,
    **options: Any,
) -> Figure:
    """Draw a picture of a value; see `modelsizer.problems.shown.Drawn`."""
    from modelsizer.optimizer.tables.clock import Clock
    from modelsizer.pictures.registry import draw_within
    from modelsizer.plots.drawing.style import SIZES

    known = _pictures(value)
    name = next(iter(known)) if picture is None else picture
    if name not in known:
        hint = did_you_mean(name, known)
        raise ArgumentError("picture", f"{name!r} is none here{hint}; known: {', '.join(known)}")
    if size not in SIZES:
        raise ArgumentError("size", f"{size!r} is not {' or '.join(SIZES)}")
    drawn, answer, takes = known[name]
    if wrong := next((key for key in options if key not in takes), None):
        of = f"; it takes {', '.join(takes)}" if takes else ""
        raise ArgumentError(wrong, f"is no option of {name}{of}")
    shown = _name(value) if title is None else title
    clock = Clock.of(time_limit)
    try:
        found = answer(value, **options)
        return draw_within(clock, drawn, found, title=shown, size=size, ax=ax)[0]
    except ArgumentError:
        raise
    except (ValueError, LookupError) as error:  # LookupError: a result without a design
        if clock.out_of_time:
            raise ArgumentError("time_limit", "it left no time for what is drawn") from None
        raise ArgumentError("ax" if "takes no ax" in str(error) else "plot", str(error)) from None


def _pictures(value: object) -> Mapping[str, _Drawn]:
    for kind in type(value).__mro__:
        if (found := _BY_CLASS.get(kind.__name__)) is not None:
            return found
    raise TypeError(f"{type(value).__name__} has no picture")


def _name(value: Any) -> str:
    """The name of the problem that a value is about; empty if it is about none."""
    if hasattr(value, "of"):  # a view
        return str(value.of.title)
    for holder in (value, getattr(value, "result", None), getattr(value, "found", None)):
        problem = getattr(holder, "problem", None)
        if problem is not None:
            return str(problem.name)
    return ""


def _itself(value: Any) -> Any:
    return value


def _problem(value: Any) -> Any:
    return value.problem


def _judged(value: Any) -> Any:
    return value.chosen, value.best


def _design(value: Any) -> Any:
    """The design of a result, by kind of layer."""
    from modelsizer.problems.designs.by_kind import by_kind

    return by_kind(value.chosen, {"optimum": value.best.architecture})


def _alone(value: Any) -> Any:
    """An architecture, or that of a description, by kind of layer."""
    from modelsizer.problems.designs.by_kind import by_kind
    from modelsizer.problems.designs.standalone import standalone_problem

    architecture = getattr(value, "architecture", value)
    name = architecture.block or "architecture"
    return by_kind(standalone_problem(architecture, {}), {name: architecture})


def _allocation(value: Any, contexts: Any = ALLOCATED_AT) -> Any:
    from modelsizer.problems.architecture.allocation import allocate

    return allocate(getattr(value, "architecture", value), contexts)


def _audit(value: Any) -> Any:
    from modelsizer.problems.designs.by_kind import by_kind

    return by_kind(value.problem, {_model(value): value.architecture} | value.rivals)


def _audited(value: Any) -> Any:
    return value, _model(value)


def _model(value: Any) -> str:
    """The name of the model of an audit."""
    return str(value.architecture.block or "the model")


def _drawn(value: Any) -> Any:
    found = getattr(value, "found", value)
    if found is None:
        raise _nothing(True)
    return found


def _frontier(value: Any, isoflops: bool = True) -> Any:
    from modelsizer.optimizer.frontiers.isoflops import curves_along

    try:
        return value, curves_along(value) if isoflops else ()
    except ValueError:
        return value, ()


def _laws(value: Any, over: str | None = None, points: int = 13) -> Any:
    """Optima of the laws along a limit, by default the problem's first on training."""
    from modelsizer.optimizer.laws.curves import law_curves, swept_limit
    from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
    from modelsizer.pictures.laws import published

    setting = NumericSetting.of(value.problem, over) if over else swept_limit(value.problem)
    if setting is None:
        raise ValueError("the problem has no limit to sweep; its optima are the picture law_optima")
    values = setting.spaced(value.problem, None, None, points)
    names = [law.name for law in value.laws]
    return law_curves(value.problem, setting, values, names), setting.name, published(setting)


def _ranking(value: Any) -> Any:
    if not value.feasible:
        raise _nothing(value.complete)
    return value.problem


def _front(value: Any) -> Any:
    if not len(value):
        raise _nothing(value.complete)
    return value


def _prices(value: Any) -> Any:
    if value.result.status == "infeasible":
        raise _nothing(True)
    if value.result.status != "optimal":
        raise ValueError("no price is known: it stopped before the optimum was proven")
    return value


def _nothing(complete: bool) -> ValueError:
    """Why there is nothing to draw: no design, or none that was found before it stopped."""
    why = "no design keeps every limit" if complete else "it stopped before a design was found"
    return ValueError(f"{why}, so there is nothing to draw")


def _price_curve(value: Any, budget: str | None = None) -> Any:
    names = list(dict.fromkeys(row.constraint.name for row in value.rows))
    if budget not in names:
        known = ", ".join(names) or "none"
        raise ArgumentError("budget", f"{budget!r} is no limit with a price; known: {known}")
    return value, budget, value.result.solver


def _found(value: Any) -> Any:
    return value.found


def _viewed(value: Any) -> Any:
    return value.of.problem, value.of.design


def _panels(value: Any) -> Any:
    if not value.panels:
        raise ValueError(value.lack or "nothing is known of the memory")
    return value.panels


def _devices(value: Any) -> Any:
    if value.devices is None:
        raise ValueError("no accelerators are named: memory(design, devices=[...])")
    return value.devices


def _servers(value: Any) -> Any:
    return list(value.servers)


def _plain(name: str, answer: Answer = _itself, *options: str) -> dict[str, _Drawn]:
    return {name: (name, answer, options)}


def _panels_of_fits() -> dict[str, _Drawn]:
    """The panels of the picture of a fit, all of them first."""
    return {panel: ("fit", lambda value, panel=panel: (value, panel), ()) for panel in _PANELS}


_BY_CLASS: MappingProxyType[str, Mapping[str, _Drawn]] = MappingProxyType(
    {
        "Allocation": _plain("allocation"),
        "Architecture": _plain("stack", _alone) | _plain("kinds", _alone)
        | _plain("allocation", _allocation, "contexts"),
        "Audit": _plain("audit", _audited) | _plain("stack", _audit) | _plain("kinds", _audit),
        "DepthWidth": _plain("shapes"),
        "Description": _plain("allocation", _allocation, "contexts")
        | _plain("stack", _alone) | _plain("kinds", _alone),
        "DrawnAnswer": _plain("uncertainty", _drawn),
        "Front": _plain("front", _front),
        "Frontier": _plain("frontier", _frontier, "isoflops"),
        "LawComparison": _plain("laws", _laws, "over", "points") | _plain("law_optima"),
        "LawPage": _plain("law"),
        "Layers": _plain("stack", _found) | _plain("kinds", _found)
        | _plain("choices", _viewed) | _plain("experts", _viewed),
        "Memory": _plain("memory", _panels) | _plain("devices", _devices),
        "Plan": _plain("plan"),
        "Prices": _plain("tornado", _prices) | _plain("price_curve", _price_curve, "budget"),
        "Ranking": _plain("depth", _ranking),
        "Result": _plain("landscape") | _plain("depth", _problem) | _plain("stack", _design)
        | _plain("kinds", _design) | _plain("choices", _judged) | _plain("experts", _judged),
        "RooflineView": _plain("roofline", _found),
        "Study": _panels_of_fits(),
        "SweepResult": _plain("sweep"),
        "Uncertainty": _plain("uncertainty"),
        "Users": _plain("users", _servers),
        "WhatIf": _plain("scenarios"),
    }
)  # fmt: skip
"""Pictures of each class, the first by default."""
