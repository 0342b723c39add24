"""modelsizer: the best language model that a budget can buy, with proof."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.fronts.front import Front
    from optimizer.fronts.run import front
    from optimizer.questions.frontier import frontier
    from optimizer.result import Result
    from optimizer.solve import solve
    from optimizer.solver import Solver
    from optimizer.surveys.ranking import Ranking, rank
    from optimizer.verification import Verification, verify
    from problems.architecture import Architecture
    from problems.errors import ModelsizerError, ProblemError
    from problems.evaluation import Evaluation, evaluate
    from problems.law_checks import check_law
    from problems.laws import DesignLaw, PowerLaw, PowerTerm, TokenLaw
    from problems.problem import Problem
    from problems.shapes import ShapeLaw, register_shape
    from problems.term_laws import TermLaw
    from problems.token_laws import register_law

__version__ = "0.1.0"

_HOMES = {
    "Architecture": "problems.architecture",
    "DesignLaw": "problems.laws",
    "Evaluation": "problems.evaluation",
    "Front": "optimizer.fronts.front",
    "ModelsizerError": "problems.errors",
    "PowerLaw": "problems.laws",
    "PowerTerm": "problems.laws",
    "Problem": "problems.problem",
    "ProblemError": "problems.errors",
    "Ranking": "optimizer.surveys.ranking",
    "Result": "optimizer.result",
    "ShapeLaw": "problems.shapes",
    "Solver": "optimizer.solver",
    "TermLaw": "problems.term_laws",
    "TokenLaw": "problems.laws",
    "Verification": "optimizer.verification",
    "check_law": "problems.law_checks",
    "evaluate": "problems.evaluation",
    "front": "optimizer.fronts.run",
    "frontier": "optimizer.questions.frontier",
    "rank": "optimizer.surveys.ranking",
    "register_law": "problems.token_laws",
    "register_shape": "problems.shapes",
    "solve": "optimizer.solve",
    "verify": "optimizer.verification",
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
    "register_shape",
    "solve",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a name from its home when it is first used, so that `--help` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'modelsizer' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
