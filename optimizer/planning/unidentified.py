"""Which coefficients candidates cannot tell, and why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from modelsizer.optimizer.fitting.terms import Array, Form, features_of

_NOTHING = 1e-12  # of the largest slope: a coefficient that moves no prediction
_SINGULAR = 1e-9  # of the largest direction of slopes of equal length
_HEARD = 0.05  # of a direction, that a coefficient takes part in
_DIGITS = 6  # after the point, to which values are told apart


class UntoldError(ValueError):
    """The candidates tell nothing of some coefficients, or cannot tell them apart.

    Parameters
    ----------
    form : Form
    slopes : array, shape (points, runs, free coefficients)
    columns : mapping of array, shape (runs,)

    Attributes
    ----------
    names : tuple of str
        The coefficients, in the form's order.
    few : mapping
        Features in terms of these that have fewer values in all candidates than there are
        coefficients, and those values.
    """

    def __init__(self, form: Form, slopes: Array, columns: Mapping[str, Array]) -> None:
        self.names: tuple[str, ...] = next(filter(None, (_names(form, one) for one in slopes)), ())
        moved = {
            power.feature
            for term in form.terms
            for power in term.powers
            if not {term.scale, power.exponent}.isdisjoint(self.names)
        }
        logs = features_of(columns, form)
        values = {name: np.unique(np.exp(logs[name]).round(_DIGITS)) for name in sorted(moved)}
        self.few: Mapping[str, tuple[float, ...]] = {
            name: tuple(map(float, some))
            for name, some in values.items()
            if len(some) < max(len(self.names), 2)
        }
        super().__init__(
            f"the candidates cannot tell the coefficients of {form.name} apart: "
            + ", ".join(self.names or form.free)
        )


def _names(form: Form, slopes: Array) -> tuple[str, ...]:
    """Coefficients that have a part in what runs of these slopes cannot tell."""
    length = np.linalg.norm(slopes, axis=0)
    nothing = length <= _NOTHING * length.max()
    found = {name for name, none in zip(form.free, nothing, strict=True) if none}
    kept = [name for name, none in zip(form.free, nothing, strict=True) if not none]
    _, size, directions = np.linalg.svd(slopes[:, ~nothing] / length[~nothing], full_matrices=True)
    size = np.pad(size, (0, len(kept) - len(size)))
    for direction in directions[size <= _SINGULAR * size.max()]:
        found |= {n for n, part in zip(kept, direction, strict=True) if abs(part) > _HEARD}
    return tuple(name for name in form.coefficients if name in found)
