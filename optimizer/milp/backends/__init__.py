"""Engines that solve a `Program`. None of them knows what the columns mean."""

from __future__ import annotations

from collections.abc import Callable

from modelsizer.optimizer.milp.program import Outcome, Program
from modelsizer.optimizer.tables.clock import Limits

Backend = Callable[[Program, Limits], Outcome]


def backend(name: str) -> Backend:
    """The engine of a solver name.

    Parameters
    ----------
    name : str
        ``"scipy"``, ``"pulp"`` (CBC) or ``"pulp:NAME"`` with the name of any solver that PuLP
        can drive, such as ``"pulp:HiGHS"``.

    Raises
    ------
    ValueError
        If there is no such engine, or PuLP does not find it here; the message says what there is.
    """
    if name == "scipy":
        from modelsizer.optimizer.milp.backends.scipy_milp import solve_program

        return solve_program
    if name == "pulp" or name.startswith("pulp:"):
        from modelsizer.optimizer.milp.backends.pulp_adapter import engine

        return engine(name.removeprefix("pulp").removeprefix(":") or None)
    raise ValueError(
        f"unknown solver {name!r}; known: scipy, pulp, pulp:NAME (pulp:HiGHS ...), exhaustive"
    )
