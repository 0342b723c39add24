"""Which coefficients the candidates do not identify, and why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from modelsizer.optimizer.fitting.terms import Array, Form, features_of

_NOTHING = 1e-12  # relative slope below which a coefficient affects no prediction
_SINGULAR = 1e-9  # relative singular value of normalised slopes: not identified below
_HEARD = 0.05  # share of a direction, from which a coefficient takes part in it
_DIGITS = 6  # decimals to which values are distinguished


class UnidentifiedError(ValueError):
    """Raised if the candidates do not identify some coefficients, alone or jointly.

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
        Features in these coefficients' terms that have fewer distinct values over all candidates
        than there are coefficients, with those values.
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
    """Coefficients that take part in directions with (nearly) zero slope at all runs."""
    length = np.linalg.norm(slopes, axis=0)
    nothing = length <= _NOTHING * length.max()
    found = {name for name, none in zip(form.free, nothing, strict=True) if none}
    kept = [name for name, none in zip(form.free, nothing, strict=True) if not none]
    _, size, directions = np.linalg.svd(slopes[:, ~nothing] / length[~nothing], full_matrices=True)
    size = np.pad(size, (0, len(kept) - len(size)))
    for direction in directions[size <= _SINGULAR * size.max()]:
        found |= {n for n, part in zip(kept, direction, strict=True) if abs(part) > _HEARD}
    return tuple(name for name in form.coefficients if name in found)
