"""modelsizer: the best language model that a budget can buy, with proof."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelsizer.optimizer.frontiers.frontier import frontier
    from modelsizer.optimizer.fronts.front import Front
    from modelsizer.optimizer.fronts.run import front
    from modelsizer.optimizer.result import Result
    from modelsizer.optimizer.solver import Solver, solve
    from modelsizer.optimizer.surveys.ranking import Ranking, rank
    from modelsizer.optimizer.verification import Verification, verify
    from modelsizer.problems.architecture.architecture import Architecture
    from modelsizer.problems.designs.evaluation import Evaluation, evaluate
    from modelsizer.problems.errors import ModelsizerError, ProblemError
    from modelsizer.problems.laws.checks import check_law
    from modelsizer.problems.laws.laws import DesignLaw, PowerLaw, PowerTerm, TokenLaw
    from modelsizer.problems.laws.published import register_law
    from modelsizer.problems.laws.shapes import ShapeLaw, register_shape
    from modelsizer.problems.laws.terms import TermLaw
    from modelsizer.problems.problem import Problem
    from modelsizer.problems.quantities.rows import register_quantity
    from modelsizer.problems.version import __version__

_HOMES = {
    "Architecture": "modelsizer.problems.architecture.architecture",
    "DesignLaw": "modelsizer.problems.laws.laws",
    "Evaluation": "modelsizer.problems.designs.evaluation",
    "Front": "modelsizer.optimizer.fronts.front",
    "ModelsizerError": "modelsizer.problems.errors",
    "PowerLaw": "modelsizer.problems.laws.laws",
    "PowerTerm": "modelsizer.problems.laws.laws",
    "Problem": "modelsizer.problems.problem",
    "ProblemError": "modelsizer.problems.errors",
    "Ranking": "modelsizer.optimizer.surveys.ranking",
    "Result": "modelsizer.optimizer.result",
    "ShapeLaw": "modelsizer.problems.laws.shapes",
    "Solver": "modelsizer.optimizer.solver",
    "TermLaw": "modelsizer.problems.laws.terms",
    "TokenLaw": "modelsizer.problems.laws.laws",
    "Verification": "modelsizer.optimizer.verification",
    "__version__": "modelsizer.problems.version",
    "check_law": "modelsizer.problems.laws.checks",
    "evaluate": "modelsizer.problems.designs.evaluation",
    "front": "modelsizer.optimizer.fronts.run",
    "frontier": "modelsizer.optimizer.frontiers.frontier",
    "rank": "modelsizer.optimizer.surveys.ranking",
    "register_law": "modelsizer.problems.laws.published",
    "register_quantity": "modelsizer.problems.quantities.rows",
    "register_shape": "modelsizer.problems.laws.shapes",
    "solve": "modelsizer.optimizer.solver",
    "verify": "modelsizer.optimizer.verification",
}

__all__ = [
    "Architecture",
    "DesignLaw",
    "Evaluation",
    "Front",
    "ModelsizerError",
    "PowerLaw",
    "PowerTerm",
    "Problem",
    "ProblemError",
    "Ranking",
    "Result",
    "ShapeLaw",
    "Solver",
    "TermLaw",
    "TokenLaw",
    "Verification",
    "__version__",
    "check_law",
    "evaluate",
    "front",
    "frontier",
    "rank",
    "register_law",
    "register_quantity",
    "register_shape",
    "solve",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a name from its home when it is first used, so that `--help` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'modelsizer' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
