"""Mixed-integer back ends by solver name."""

from __future__ import annotations

from modelsizer.optimizer.milp.program import Backend
from modelsizer.problems.errors import ArgumentError, did_you_mean, short


def backend(name: str) -> Backend:
    """Look up the back end of a solver.

    Parameters
    ----------
    name : str
        ``"scipy"``, ``"pulp"`` (CBC, or HiGHS if PuLP has no CBC) or ``"pulp:NAME"`` with the name
        of any solver that PuLP supports, such as ``"pulp:HiGHS"``.

    Raises
    ------
    ArgumentError
        If the solver is unknown, or PuLP does not find it; the message lists the known ones.
    """
    if name == "scipy":
        from modelsizer.optimizer.milp.backends.scipy_milp import solve_program

        return solve_program
    if name == "pulp" or (isinstance(name, str) and name.startswith("pulp:")):
        from modelsizer.optimizer.milp.backends.pulp_adapter import engine

        if name == "pulp:":
            reason = "'pulp:' names no solver; write pulp, or a name such as pulp:HiGHS"
            raise ArgumentError("solver", reason)
        return engine(None if name == "pulp" else name.removeprefix("pulp:"))
    known = ("auto", "bound", "scipy", "pulp", "exhaustive")
    hint = did_you_mean(name, known) if isinstance(name, str) else ""
    raise ArgumentError(
        "solver",
        f"unknown solver {short(name)}{hint}; known: {', '.join(known)}, "
        "pulp:NAME (pulp:HiGHS ...)",
    )
