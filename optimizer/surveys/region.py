"""Count feasible designs over depth and parameters, for a picture."""

from __future__ import annotations

import numpy as np

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.fronts.front import Front
from modelsizer.optimizer.fronts.goals import question
from modelsizer.optimizer.fronts.run import front
from modelsizer.optimizer.search.compare import every_design
from modelsizer.optimizer.surveys.axis import SurveyAxis
from modelsizer.optimizer.tables.clock import Clock, Ending
from modelsizer.optimizer.tables.table import Floats, Ints, to_floats
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.feedforward import DenseFeedForward
from modelsizer.problems.architecture.models import models
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

MOST_BINS, FEWEST_BINS = 90, 32  # bins of parameters, logarithmic
IN_A_CELL = 3  # average designs per cell; with fewer, the menu's own steps dominate the picture
_MARGIN = 1.25  # factor in parameters beyond the outermost feasible design
OBJECTIVES = ("parameters", "layers", "loss")


@dataclass(frozen=True, slots=True)
class Landmark:
    """A published model within the range drawn; a mixture of experts uses fewer than it has."""

    name: str
    layers: int
    parameters: int
    active: int


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Numbers of designs over depth and parameters.

    Parameters
    ----------
    layers : array of shape (L,)
        Depths of the space; of a long menu one for several neighbours.
    edges : array of shape (B + 1,)
        Edges of the bins of parameters.
    feasible, designs : array of shape (L, B)
        Numbers of feasible designs, and of all designs.
    front : Front
        Front of parameters, layers and loss.
    best : Evaluation or None
        The design of least loss.
    landmarks : tuple of Landmark
        Published models within the range, largest first; mixtures only beside mixtures.
    counted : bool
        Whether every design was evaluated.
    """

    layers: Ints
    edges: Floats
    feasible: Ints
    designs: Ints
    front: Front
    best: Evaluation | None
    landmarks: tuple[Landmark, ...]
    counted: bool = True

    @property
    def complete(self) -> bool:
        """Whether every design was counted, and the front is complete."""
        return self.counted and self.front.complete

    @property
    def window(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Depths and parameters around the feasible designs, with a margin.

        Around the front as well, where not all were counted.
        """
        rows, columns = np.nonzero(self.feasible)
        layers, sizes = self.layers[rows], self.edges[[columns, columns + 1]].ravel()
        if not self.complete:
            values = self.front.values
            layers = np.append(layers, np.asarray(values["layers"]))
            sizes = np.append(sizes, np.asarray(values["parameters"], dtype=float))
        least = float(sizes.min())
        if self.best is not None:
            least = min(least, float(self.best.parameters.active))
        first, last = float(layers.min()), float(layers.max())
        margin = max(1.0, 0.03 * (last - first))
        ends = (least / _MARGIN, float(sizes.max()) * _MARGIN)
        return (first - margin, last + margin), ends

    def guide(self, aspect: float) -> Floats:
        """Parameters at each depth of designs with ``d_model = aspect x layers``; shape (L,).

        Weights of a layer are taken proportional to d_model^2 and embeddings to d_model, with the
        constants of the best design. NaN without a best design.
        """
        if self.best is None:
            return np.full(len(self.layers), np.nan)
        count, shape = self.best.parameters, self.best.architecture
        width = shape.trunk.d_model
        a_layer = count.non_embedding / (shape.layers * width**2)
        outside = (count.total - count.non_embedding) / width
        d_model = aspect * self.layers
        found: Floats = a_layer * self.layers * d_model**2 + outside * d_model
        return found


def region(problem: Problem, found: Front | None = None, *, clock: Clock | None = None) -> Region:
    """Count the designs of a problem over depth and parameters, and compute its front.

    Parameters
    ----------
    problem : Problem
    found : Front, optional
        The front of parameters, layers and loss, if it is known.
    clock : Clock, optional
        Designs that it leaves no time for are not counted.
    """
    clock = Clock() if clock is None else clock
    if found is None:
        found = front(problem, OBJECTIVES, clock=clock.within(clock.share(2)))
    model = Model(Problem.from_tables(problem.bare(), like=problem))
    layers = SurveyAxis.of(problem.space.layers.numbers)
    bins = problem.counted.designs // (IN_A_CELL * len(layers))
    bins = max(FEWEST_BINS, min(bins, MOST_BINS))
    ending, edges = Ending(), np.ones(bins + 1)
    feasible = np.zeros((len(layers), bins), dtype=np.int64)
    designs = np.zeros_like(feasible)
    with ending:
        fewest, most = _ends(model, clock)
        edges = np.geomspace(fewest, most * (1 + 1e-9), bins + 1)
        for table, row, j in every_design(model.tables(), clock):
            _, keeps = model.evaluate(table, row, j)
            n = to_floats(table.linear["parameters"].at(row, j))
            depth = layers.cell_of(table.layers(row, j))
            bin_ = np.clip(np.searchsorted(edges, n, "right") - 1, 0, bins - 1)
            np.add.at(designs, (depth, bin_), 1)
            np.add.at(feasible, (depth[keeps], bin_[keeps]), 1)
    best = model_best(problem, found) if len(found) else None
    marks = _landmarks(layers.values, edges, mixtures=problem.space.experts is not None)
    return Region(layers.cells, edges, feasible, designs, found, best, marks, ending.complete)


def model_best(problem: Problem, found: Front) -> Evaluation:
    """The design of least loss on a front that has the loss as a goal."""
    at = int(np.argmin(found.loss))
    return evaluate(question(problem, found.goals), found.architecture(at))


def _ends(model: Model, clock: Clock) -> tuple[float, float]:
    """Least and greatest number of parameters of any design in the space."""
    clock.check()
    fewest, most = np.inf, 1.0
    for table in model.tables():
        clock.check()
        row, low = np.arange(len(table)), np.zeros_like(table.count)
        n = table.linear["parameters"]
        fewest = min(fewest, float(to_floats(n.at(row, low)).min()))
        most = max(most, float(to_floats(n.at(row, table.count - 1)).max()))
    return fewest, most


def _landmarks(layers: Ints, edges: Floats, *, mixtures: bool) -> tuple[Landmark, ...]:
    found = []
    for name, model in models().items():
        architecture, counted = model.architecture, model.parameters
        inside = layers[0] <= architecture.layers <= layers[-1]
        inside &= edges[0] <= counted.total <= edges[-1]
        if inside and (mixtures or _dense(architecture)):
            found.append(Landmark(name, architecture.layers, counted.total, counted.active))
    return tuple(sorted(found, key=lambda mark: (-mark.parameters, mark.name)))


def _dense(architecture: Architecture) -> bool:
    return all(isinstance(group.layer.ffn, DenseFeedForward) for group in architecture.groups)
