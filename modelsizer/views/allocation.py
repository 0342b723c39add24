"""Where the parameters and the FLOPs of a design go."""

from __future__ import annotations

from collections.abc import Sequence

from modelsizer.optimizer.result import Result
from modelsizer.problems.architecture import allocation
from modelsizer.problems.architecture.allocation import Allocation
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.errors import ArgumentError, require_type
from modelsizer.views.defaults import ALLOCATED_AT


def allocate(design: Result | Architecture, contexts: Sequence[int] | None = None) -> Allocation:
    """Divide parameters and FLOPs by component, by layer and by context.

    Parameters
    ----------
    design : Result or Architecture
    contexts : sequence of int, optional
        Numbers of tokens that a token attends to; of a result those of its problem by default.

    Returns
    -------
    Allocation

    Raises
    ------
    ArgumentError
        If a context is not positive.

    Examples
    --------
    >>> from modelsizer import allocate, load_architecture
    >>> allocate(load_architecture("llama-3-8b"), [8192]).parameters.ffn
    5637144576
    """
    require_type("design", design, Result | Architecture)
    if isinstance(design, Result):
        problem, own = design.chosen, design.best.architecture
        default = problem.contexts
    else:
        own, default = design, ALLOCATED_AT
    try:
        return allocation.allocate(own, default if contexts is None else contexts)
    except ValueError as error:
        raise ArgumentError("contexts", str(error)) from None
