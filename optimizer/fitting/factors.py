"""A factor of a form on runs: a sum of terms, or a constant and a power of a sum of terms.

With ``s_j`` the share of term j in a sum, ``ln sum`` has the gradient ``J = sum s_j g_j`` and the
Hessian ``sum s_j g_j g_j^T - J J^T``, where ``g_j`` is the slope of the logarithm of the term
(Hoffmann et al. 2022, arXiv 2203.15556, appendix D.3). A sum raised to an outer power k (Videau et
al. 2026, arXiv 2608.07222) has the logarithm ``u = k S``, S that of the sum, so
``du = k J + S e_k`` and ``d2u = k d2S + J e_k^T + e_k J^T``; beside a constant it is one term of a
sum of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelsizer.optimizer.fitting.terms import Array
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A term on the runs: positions in theta, and d(ln term) / d(exponent) for each run."""

    scale: int | None
    powers: tuple[tuple[int, Any], ...]

    def log(self, theta: Array, runs: int) -> Array:
        """Logarithm of the term, shape (points, runs)."""
        found: Array = np.zeros((len(theta), runs))
        if self.scale is not None:
            found += theta[:, self.scale, None]
        for exponent, slope in self.powers:
            found += theta[:, exponent, None] * slope
        return found


@dataclass(frozen=True, slots=True)
class Shares:
    """A factor at points of theta.

    Parameters
    ----------
    terms : array, shape (terms, points, runs)
        Share of each term in the factor.
    inner : array, shape (inner terms, points, runs), or None
        Share of each term in the sum inside the outer power; None if there is none.
    log_inner : array, shape (points, runs), or None
        Logarithm of that sum.
    power : array, shape (points, 1), or None
        The outer power.
    """

    terms: Array
    inner: Array | None = None
    log_inner: Array | None = None
    power: Array | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """One sum of a form on the runs.

    Parameters
    ----------
    parts : sequence of Part
    runs, parameters : int
        Numbers of runs and of the coefficients of the form.
    outer : int or None
        Position of the power to which the sum of all terms with features is raised.
    """

    parts: Sequence[Part]
    runs: int
    parameters: int
    outer: int | None = None

    @property
    def _inside(self) -> list[Part]:
        return [part for part in self.parts if part.powers]

    @property
    def _constants(self) -> list[Part]:
        return [part for part in self.parts if not part.powers]

    def at(self, theta: Array) -> tuple[Array, Shares]:
        """Logarithm of the factor, shape (points, runs), and the shares of its terms."""
        if self.outer is None:
            log, shares = _shared([part.log(theta, self.runs) for part in self.parts])
            return log, Shares(shares)
        log_inner, inner = _shared([part.log(theta, self.runs) for part in self._inside])
        power = theta[:, self.outer, None]
        logs = [part.log(theta, self.runs) for part in self._constants]
        log, shares = _shared([*logs, power * log_inner])
        whole = shares[-1] * inner
        rest = iter(shares[:-1]), iter(whole)
        terms = np.stack([next(rest[1 if part.powers else 0]) for part in self.parts])
        return log, Shares(terms, inner, log_inner, power)

    def jacobian(self, at: Shares) -> Array:
        """d(ln factor) / d theta, shape (points, parameters, runs)."""
        if at.inner is None or self.outer is None:
            return self._slopes(self.parts, at.terms)
        constants = self._of_constants(at.terms)
        of_raised = 1.0 - constants.sum(axis=0)
        found = self._slopes(self._constants, constants)
        found += self._raised(at) * of_raised[:, None, :]
        return found

    def add_bend(self, total: Array, pull: Array, at: Shares, jacobian: Array) -> None:
        """Add to `total` the sum over runs of pull x second derivatives of ln factor.

        Parameters
        ----------
        total : array, shape (points, parameters, parameters)
        pull : array, shape (points, runs)
        at, jacobian
            At the same points.
        """
        if at.inner is None or self.outer is None:
            self._add_squares(total, self.parts, pull * at.terms)
            total -= products(jacobian, pull)
            return
        assert at.power is not None
        constants = self._of_constants(at.terms)
        raised = pull * (1.0 - constants.sum(axis=0))
        inner = self._slopes(self._inside, at.inner)
        self._add_squares(total, self._constants, pull * constants)
        total += products(self._raised(at), raised)
        self._add_squares(total, self._inside, raised * at.power * at.inner)
        total -= products(inner, raised * at.power)
        mixed = np.einsum("spn,sn->sp", inner, raised)
        total[:, self.outer, :] += mixed
        total[:, :, self.outer] += mixed
        total -= products(jacobian, pull)

    def _of_constants(self, terms: Array) -> Array:
        at = [i for i, part in enumerate(self.parts) if not part.powers]
        return np.asarray(terms[at])

    def _raised(self, at: Shares) -> Array:
        """Slope of the logarithm of the sum raised to its power."""
        assert at.inner is not None and at.power is not None and self.outer is not None
        found = self._slopes(self._inside, at.inner) * at.power[:, None, :]
        found[:, self.outer] += at.log_inner
        return found

    def _slopes(self, parts: Sequence[Part], shares: Array) -> Array:
        """``sum of share x slope of the logarithm of the term``."""
        points = shares.shape[1]
        found = np.zeros((points, self.parameters, self.runs))
        for part, of_term in zip(parts, shares, strict=True):
            if part.scale is not None:
                found[:, part.scale] += of_term
            for exponent, slope in part.powers:
                found[:, exponent] += of_term * slope
        return found

    def _add_squares(self, total: Array, parts: Sequence[Part], weights: Array) -> None:
        """Add ``sum over runs of weight x g g^T`` of each term."""
        for part, weight in zip(parts, weights, strict=True):
            if (s := part.scale) is not None:
                total[:, s, s] += weight.sum(axis=1)
            for i, (e, slope) in enumerate(part.powers):
                total[:, e, e] += weight @ (slope * slope)
                if s is not None:
                    mixed = weight @ slope
                    total[:, s, e] += mixed
                    total[:, e, s] += mixed
                for other, across in part.powers[:i]:
                    mixed = weight @ (slope * across)
                    total[:, e, other] += mixed
                    total[:, other, e] += mixed


def products(jacobian: Array, weights: Array) -> Array:
    """``J diag(weights) J^T`` at each point, for J of shape (points, parameters, runs)."""
    return np.asarray((jacobian * weights[:, None, :]) @ np.swapaxes(jacobian, 1, 2))


def _shared(logs: Sequence[Array]) -> tuple[Array, Array]:
    """Logarithm of a sum from those of its terms, and the share of each."""
    shares = np.stack(logs)
    top = shares.max(axis=0)
    shares -= top
    np.exp(shares, out=shares)
    whole = shares.sum(axis=0)
    shares /= whole
    return top + np.log(whole), shares
