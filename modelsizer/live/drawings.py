"""The drawings of a live page as plain data, from what the pictures are drawn from."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from modelsizer.live.contour import contour
from modelsizer.live.drawn_axes import Axis
from modelsizer.optimizer.surveys.landscape import Landscape, landscape
from modelsizer.optimizer.surveys.region import Landmark, Region, region
from modelsizer.pictures.layers import STACK
from modelsizer.pictures.picture import NothingToDrawError, Picture, check_listed
from modelsizer.pictures.surveys import DEPTH, LANDSCAPE
from modelsizer.plots.designs.depth_parameters import GUIDES
from modelsizer.plots.designs.layer_styles import layer_part
from modelsizer.plots.designs.stack import SEE_ALL, kind_words, layers_in_order, size_words
from modelsizer.plots.drawing.cells import cell_borders
from modelsizer.plots.drawing.loss_levels import gap_edges
from modelsizer.problems.architecture.families import FEED_FORWARDS, MIXERS, families
from modelsizer.problems.architecture.nearest import nearest
from modelsizer.problems.laws.digits import loss_text
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_quantity
from modelsizer.views.defaults import NEAREST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelsizer.optimizer.result import Result
    from modelsizer.optimizer.tables.clock import Clock
    from modelsizer.problems.architecture.architecture import Architecture, Layer
    from modelsizer.problems.problem import Problem

    Floats = NDArray[np.float64]

_ABSENT, _INFEASIBLE = -2, -1
_MOST_POINTS = 400  # of the front, evenly over its losses
_DIGITS = 5  # significant digits of places


def drawings(result: Result, clock: Clock) -> dict[str, Any]:
    """The drawings of an answer: each its data, or the reason why there is none.

    Parameters
    ----------
    result : Result
    clock : Clock
        Stops what takes too long; the reason then says so.
    """
    return {
        "stack": _drawn(lambda: stack(result)),
        "map": _drawn(lambda: _map(result, clock)),
        "front": _drawn(lambda: _front(result, clock)),
    }


def _drawn(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return make()
    except (NothingToDrawError, ValueError) as error:
        return {"reason": str(error)}


def _about(picture: Picture) -> dict[str, str]:
    return {"title": picture.title, "caption": picture.caption}


# The stack


def stack(result: Result) -> dict[str, Any]:
    """The stack of layers of an answer, and of the published models nearest to it."""
    if result.design is None:
        raise NothingToDrawError("no design keeps every limit")
    own = result.design.architecture
    models = {"this design": own} | nearest(own, NEAREST)
    shown = {
        family
        for architecture in models.values()
        for layer in set(layers_in_order(architecture))
        for part in families(layer)
        for family in part
    }
    legend = [family for family in (*MIXERS, *FEED_FORWARDS) if family in shown]
    return _about(STACK) | {
        "models": [_model(name, architecture) for name, architecture in models.items()],
        "families": [{"key": family, "label": layer_part(family).name} for family in legend],
    }


def _model(name: str, architecture: Architecture) -> dict[str, Any]:
    size, runs, first = size_words(architecture), [], 1
    for layer, same in groupby(layers_in_order(architecture)):
        count = len(list(same))
        runs.append(_run(layer, first, count))
        first += count
    kinds = kind_words(architecture)
    return {"name": name, "text": "; ".join((size, *kinds)), "short": size, "runs": runs}


def _run(layer: Layer, first: int, count: int) -> dict[str, Any]:
    mixers, ffns = families(layer)
    words = ", ".join(layer_part(family).name for family in (*mixers, *ffns))
    where = f"layer {first}" if count == 1 else f"layers {first} to {first + count - 1}"
    low = not SEE_ALL & set(mixers)
    return {
        "count": count,
        "mixers": list(mixers),
        "ffns": list(ffns),
        "low": low,
        "text": f"{where}: {words or 'nothing'}",
    }


# Loss over depth and width


def _map(result: Result, clock: Clock) -> dict[str, Any]:
    check_listed(result.problem)
    found = landscape(result.problem, clock=clock)
    if not found.complete:
        raise NothingToDrawError("not every design was evaluated in time")
    if len(found.layers) < 2 or len(found.d_model) < 2:
        raise NothingToDrawError("there are not two depths and two widths to choose from")
    rows, columns = found.window
    layers, d_model = found.layers[rows], found.d_model[columns]
    loss, exists = found.loss[rows, columns], found.exists[rows, columns]
    edges = gap_edges(loss)
    least = float(np.nanmin(loss)) if np.isfinite(loss).any() else 0.0
    level = np.where(exists, _INFEASIBLE, _ABSENT)
    level = np.where(np.isfinite(loss), _level(loss, least, edges), level)
    return _about(LANDSCAPE) | {
        "x": Axis.around("d_model", d_model).to_dict(),
        "y": Axis.around("layers", layers).to_dict(),
        "columns": d_model.tolist(),
        "rows": layers.tolist(),
        "column_texts": [str(width) for width in d_model.tolist()],
        "row_texts": [str(depth) for depth in layers.tolist()],
        "levels": len(edges) - 1,
        "level": level.tolist(),
        "loss": [[loss_text(v) if math.isfinite(v) else "" for v in row] for row in loss.tolist()],
        "scale": _scale(least, edges),
        "limits": _lines(found, result, rows, columns),
        "best": _star(result),
    }


def _level(loss: Floats, least: float, edges: Floats) -> NDArray[np.int64]:
    """Step of colour of each loss, 0 for the best."""
    found = np.searchsorted(edges, np.nan_to_num(loss - least), "left") - 1
    return np.clip(found, 0, len(edges) - 2)


def _scale(least: float, edges: Floats) -> list[str]:
    """Texts of both ends of the scale of colours."""
    return [loss_text(least), f"+{edges[-1]:g} nats"]


def _lines(found: Landscape, result: Result, rows: slice, columns: slice) -> list[dict[str, Any]]:
    """The lines on which the leanest design meets each limit."""
    binding = {use.name for use in result.budgets if use.binding}
    x, y = found.d_model[columns].astype(float), found.layers[rows].astype(float)
    lines = []
    for name in found.share:
        path = contour(x, y, found.outermost(name)[rows, columns], 1.0)
        if path:
            lines.append(
                {
                    "name": name,
                    "label": QUANTITIES[name].words,
                    "binding": name in binding,
                    "path": [_place(*point) for point in path],
                }
            )
    return lines


def _place(*numbers: float) -> list[float]:
    return [float(f"{number:.{_DIGITS}g}") for number in numbers]


def _star(result: Result) -> dict[str, Any] | None:
    if result.design is None:
        return None
    architecture = result.design.architecture
    depth, width = int(architecture.layers), int(architecture.trunk.d_model)
    loss = loss_text(result.design.loss)
    return {"x": width, "y": depth, "text": f"{depth} x {width}\nloss {loss}"}


# Parameters against depth


def _front(result: Result, clock: Clock) -> dict[str, Any]:
    problem = result.problem
    check_listed(problem)
    if len(problem.space.layers.numbers) == 1:
        raise NothingToDrawError("the space has one depth only")
    data = region(problem, clock=clock)
    if not len(data.front):
        raise NothingToDrawError("no design keeps every limit")
    window = data.window
    points = _thinned(data)
    loss = np.asarray(data.front.loss, dtype=float)[points]
    edges, least = gap_edges(loss), float(loss.min())
    layers, parameters = (np.asarray(data.front.values[k], dtype=float)[points] for k in _AXES)
    levels = _level(loss, least, edges)
    return _about(DEPTH) | {
        "x": Axis("layers", *window[0]).to_dict(),
        "y": Axis("parameters", *window[1], log=True).to_dict(),
        "cells": _cells(data),
        "points": [
            {"x": x, "y": y, "level": int(step), "text": _point_text(x, y, each)}
            for x, y, step, each in zip(
                layers.tolist(), parameters.tolist(), levels, loss.tolist(), strict=True
            )
        ],
        "levels": len(edges) - 1,
        "scale": _scale(least, edges),
        "guides": _guides(data, window[1]),
        "models": [_landmark(mark) for mark in data.landmarks],
        "best": _best(result, problem),
    }


_AXES = ("layers", "parameters")


def _thinned(data: Region) -> NDArray[np.int64]:
    """Numbers of the points of the front that are drawn, in the order of their losses."""
    order = np.argsort(np.asarray(data.front.loss, dtype=float), kind="stable")
    if len(order) <= _MOST_POINTS:
        return order
    picked = np.unique(np.linspace(0, len(order) - 1, _MOST_POINTS).round().astype(np.int64))
    return order[picked]


def _point_text(layers: float, parameters: float, loss: float) -> str:
    size = format_quantity(round(parameters), "parameters")
    return f"{layers:.0f} layers, {size} parameters: loss {loss_text(loss)}"


def _cells(data: Region) -> list[list[float]]:
    """Cells of depth and parameters with feasible designs, darker where there are more."""
    most = math.log(max(2, int(data.feasible.max())))
    x = cell_borders(data.layers)
    return [
        [
            *_place(x[i], x[i + 1], float(data.edges[j]), float(data.edges[j + 1])),
            round(math.log(int(data.feasible[i, j])) / most, 2),
        ]
        for i, j in np.argwhere(data.feasible > 0).tolist()
    ]


def _guides(data: Region, ends: tuple[float, float]) -> list[dict[str, Any]]:
    """Lines of equal d_model / layers."""
    found = list[dict[str, Any]]()
    for aspect in GUIDES:
        line = data.guide(aspect)
        inside = (line > ends[0]) & (line < ends[1])
        if inside.sum() > 1:
            path = zip(data.layers[inside].tolist(), line[inside].tolist(), strict=True)
            name = f"{aspect}" if found else f"d_model / layers = {aspect}"
            found.append({"label": name, "path": [_place(*point) for point in path]})
    return found


def _landmark(mark: Landmark) -> dict[str, Any]:
    text = f"{mark.name}: {mark.layers} layers, {format_quantity(mark.parameters, 'parameters')}"
    mixture = mark.active < mark.parameters
    active = f", {format_quantity(mark.active, 'parameters')} active" if mixture else ""
    return {
        "name": mark.name,
        "x": mark.layers,
        "y": mark.parameters,
        "active": mark.active if mixture else None,
        "text": f"{text} parameters{active}",
    }


def _best(result: Result, problem: Problem) -> dict[str, Any] | None:
    if result.design is None:
        return None
    design = result.design
    counted, depth = design.parameters, int(design.architecture.layers)
    mixture = counted.active < counted.total
    size, loss = format_quantity(counted.total, "parameters"), loss_text(design.loss)
    of = "least loss" if problem.objective.quantity == "loss" else "the answer"
    active = f", {format_quantity(counted.active, 'parameters')} active" if mixture else ""
    return {
        "x": depth,
        "y": counted.total,
        "active": counted.active if mixture else None,
        "label": f"{depth} x {design.architecture.trunk.d_model}\n{size}\nloss {loss}",
        "text": f"{of}: {depth} layers, {size} parameters{active}, loss {loss}",
    }
