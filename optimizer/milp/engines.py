"""Mixed-integer back ends by solver name."""

from __future__ import annotations

from modelsizer.optimizer.milp.program import Backend


def backend(name: str) -> Backend:
    """Look up the back end of a solver.

    Parameters
    ----------
    name : str
        ``"scipy"``, ``"pulp"`` (CBC, or HiGHS if PuLP has no CBC) or ``"pulp:NAME"`` with the name
        of any solver that PuLP supports, such as ``"pulp:HiGHS"``.

    Raises
    ------
    ValueError
        If the solver is unknown, or PuLP does not find it; the message lists the known ones.
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
