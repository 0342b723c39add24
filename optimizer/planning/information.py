"""Fisher information of runs on a law, and the criteria of a plan that follow from it.

With ``ln loss = f(x; theta) + noise`` of constant standard deviation sigma, runs of weights w have

    M(w) = M_have + sum of w_i g_i g_i^T,    g_i = d f(x_i; theta) / d theta,

and the prediction at the target has variance ``sigma^2 c^T M^-1 c``, with c its own gradient
(Atkinson, Donev and Tobias 2007, Optimum Experimental Designs, with SAS, chapters 9, 10 and 17).
Both criteria are convex in w: ``-ln det M`` is, and as ``1 / (c^T M^-1 c)`` is concave and positive
(Pukelsheim 1993, section 3.13), ``ln c^T M^-1 c`` is too. Hence their means over draws of theta
are convex (Chaloner and Verdinelli 1995, doi 10.1214/ss/1177009939, section 4: pseudo-Bayesian
designs). The mean is taken of logarithms, so that no draw dominates by its scale. Predictions at
several targets are averaged likewise (V-optimal, ibid., section 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import numpy as np

from modelsizer.optimizer.fitting.forms import Array, Design, Form
from modelsizer.optimizer.planning.unidentified import UnidentifiedError
from modelsizer.problems.records import dataclass

Criterion = Literal["target", "determinant"]
CRITERIA: tuple[Criterion, ...] = ("target", "determinant")
_SINGULAR = 1e-12  # relative to the largest singular value: below it a direction is not identified


@dataclass(frozen=True)
class Linearised:
    """A form linearised at one or more points of its coefficients.

    Parameters
    ----------
    form : Form
    values : array, shape (points, coefficients)
    columns : mapping of array, shape (runs,)
        Columns of the candidates, used to centre and scale the coordinates.

    Coefficients held by the form are known and have no coordinate: arrays have one for each of
    `Form.free`.

    Raises
    ------
    UnidentifiedError
        If the candidates do not identify some coefficient.
    """

    form: Form
    values: Array
    columns: Mapping[str, Array]

    def __post_init__(self) -> None:
        size = np.abs(np.diagonal(self._triangle, axis1=1, axis2=2))
        if (size.min(axis=1) <= _SINGULAR * size.max(axis=1)).any():
            raise UnidentifiedError(self.form, self.slopes(self.columns), self.columns)

    @cached_property
    def _free(self) -> Array:
        """Positions of the coefficients that are learnt."""
        return np.array([self.form.position(name) for name in self.form.free])

    @cached_property
    def _middle(self) -> Mapping[str, float]:
        return self._design(self.columns).centres

    def _design(
        self, columns: Mapping[str, Array], middle: Mapping[str, float] | None = None
    ) -> Design:
        kept = {name: np.asarray(columns[name], float) for name in self.form.columns}
        return Design(self.form, kept, np.zeros(len(kept["N"])), middle)

    @cached_property
    def theta(self) -> Array:
        """The points in the coordinates of `Design`, shape (points, coefficients)."""
        return self._design(self.columns, self._middle).theta(self.values)

    def slopes(self, columns: Mapping[str, Array]) -> Array:
        """Slopes, d ln prediction / d theta at runs, shape (points, runs, free coefficients)."""
        design = self._design(columns, self._middle)
        _, shares = design.shares(self.theta)
        total: Array = np.sum(design.jacobians(shares), axis=0)
        return np.swapaxes(total, 1, 2)[:, :, self._free]

    @cached_property
    def _triangle(self) -> Array:
        """R of the candidates' slopes = Q R; in theta' = R theta the slopes are orthonormal."""
        return np.asarray(np.linalg.qr(self.slopes(self.columns), mode="r"))

    def rows(self, columns: Mapping[str, Array]) -> Array:
        """Slopes in coordinates in which those of all candidates are orthonormal."""
        slopes = np.swapaxes(self.slopes(columns), 1, 2)
        return np.swapaxes(np.linalg.solve(np.swapaxes(self._triangle, 1, 2), slopes), 1, 2)

    def covariance(self, information: Array) -> Array:
        """Covariance of the coefficients as reported, from information in those coordinates.

        In units of sigma^2; zero for coefficients that are held; shape (points, coefficients,
        coefficients).
        """
        design = self._design(self.columns, self._middle)
        back = np.linalg.inv(self._triangle)
        whole = np.stack([design.values_jacobian(theta) for theta in self.theta])
        jacobian = whole[:, :, self._free] @ back
        return np.asarray(jacobian @ np.linalg.inv(information) @ np.swapaxes(jacobian, 1, 2))

    def log_predicted(self, columns: Mapping[str, Array]) -> Array:
        """Logarithm of the prediction at runs, shape (points, runs)."""
        return self._design(columns, self._middle).log_predicted(self.theta)


def of_weights(rows: Array, weights: Array) -> Array:
    """``sum of w_i g_i g_i^T``, shape (points, coefficients, coefficients)."""
    return np.asarray(np.swapaxes(rows * weights[None, :, None], 1, 2) @ rows)


@dataclass(frozen=True)
class Question:
    """The criterion of a plan as a function of the weights of the candidates.

    Parameters
    ----------
    criterion : {"target", "determinant"}
    rows : array, shape (points, candidates, coefficients)
    targets : array, shape (points, targets, coefficients)
        Gradients of the predictions that the criterion covers.
    have : array, shape (points, coefficients, coefficients)
        Information of runs already made.
    """

    criterion: Criterion
    rows: Array
    targets: Array
    have: Array

    @property
    def coefficients(self) -> int:
        """Number of coefficients."""
        return int(self.rows.shape[2])

    def information(self, weights: Array) -> Array:
        """M, shape (points, coefficients, coefficients)."""
        used = np.flatnonzero(weights)
        return self.have + of_weights(self.rows[:, used], weights[used])

    def value(self, weights: Array) -> float:
        """The criterion, to be minimised; infinite if the runs do not identify the law."""
        return self.value_of(self.information(weights))

    def value_of(self, information: Array) -> float:
        """The criterion for an information matrix."""
        values = np.linalg.eigvalsh(information)
        if (values[:, 0] <= _SINGULAR * values[:, -1]).any():
            return np.inf
        if self.criterion == "determinant":
            return float(-np.log(values).sum(axis=1).mean())
        return float(np.log(self.variances(information)).mean())

    def variances(self, information: Array) -> Array:
        """``c^T M^-1 c`` for each point and target, shape (points, targets)."""
        solved = np.linalg.solve(information, np.swapaxes(self.targets, 1, 2))
        return np.asarray((self.targets * np.swapaxes(solved, 1, 2)).sum(axis=2))

    def parts(self, weights: Array, some: Array) -> tuple[Array, Array]:
        """Gradient and Hessian of the criterion in the weights of some candidates.

        ``d ln v / d w_i = -b_i^2 / v``, ``d^2 ln v = 2 b_i q_ij b_j / v - b_i^2 b_j^2 / v^2`` with
        ``b = G M^-1 c`` and ``q = G M^-1 G^T``; for ``-ln det M`` they are -q_ii and q_ij^2.
        """
        inverse = np.linalg.inv(self.information(weights))
        rows = self.rows[:, some]
        slope, bend = np.zeros(len(some)), np.zeros((len(some), len(some)))
        if self.criterion == "determinant":
            for g, m in zip(rows, inverse, strict=True):
                q = g @ m @ g.T
                slope -= np.diag(q)
                bend += q * q
            return slope / len(rows), bend / len(rows)
        for g, targets, m in zip(rows, self.targets, inverse, strict=True):
            q = g @ m @ g.T
            for c in targets:
                b, v = g @ (m @ c), float(c @ m @ c)
                slope -= b * b / v
                bend += 2 * (b[:, None] * q * b) / v - np.outer(b * b, b * b) / v**2
        many = len(rows) * self.targets.shape[1]
        return slope / many, bend / many

    def gradient(self, weights: Array) -> Array:
        """Gradient of the criterion in the weights of all candidates."""
        inverse = np.linalg.inv(self.information(weights))
        turned = self.rows @ inverse
        if self.criterion == "determinant":
            return np.asarray(-(turned * self.rows).sum(axis=2).mean(axis=0))
        along = turned @ np.swapaxes(self.targets, 1, 2)
        size = np.einsum("ktp,kpq,ktq->kt", self.targets, inverse, self.targets)
        return np.asarray(-(along**2 / size[:, None, :]).mean(axis=(0, 2)))

    def exchanges(self, weights: Array, out: Array) -> Array:
        """Change of the criterion when one run of `out` is replaced by one of each candidate.

        Exact, by the determinant and inverse after a change of rank two (Fedorov 1972, Theory of
        Optimal Experiments, section 3.3); shape (out, candidates), infinite where M is singular.
        """
        inverse = np.linalg.inv(self.information(weights))
        change = np.zeros((len(out), self.rows.shape[1]))
        for g, targets, m in zip(self.rows, self.targets, inverse, strict=True):
            turned = g @ m
            own = (turned * g).sum(axis=1)
            cross = turned[out] @ g.T
            left = own[out][:, None] - 1.0
            size = cross * cross - left * (1.0 + own)  # ratio of determinants
            sound = size > _SINGULAR
            size = np.where(sound, size, 1.0)
            if self.criterion == "determinant":
                change += np.where(sound, -np.log(size), np.inf)
                continue
            for c in targets:
                b, v = turned @ c, float(c @ m @ c)
                bi = b[out][:, None]
                gained = (bi * bi * (1.0 + own) - 2 * bi * b * cross + b * b * left) / size
                ratio = 1.0 + gained / v
                fine = sound & (ratio > 0)
                log = np.log(np.where(fine, ratio, 1.0)) / len(targets)
                change += np.where(fine, log, np.inf)
        return change / len(self.rows)
