"""modelsizer: the best language model that a budget can buy, with proof.

Every command is a function here, from frozen values to a frozen value, and `modelsizer.plots` has
the pictures. A name is imported when it is first used, so that importing modelsizer takes no time.
"""

from __future__ import annotations

import os.path

TYPE_CHECKING = False  # as of `typing`, whose import takes longer than all else here
if TYPE_CHECKING:  # the table below, for type checkers
    from typing import Any

    from modelsizer.fitted_laws import save_law as save_law
    from modelsizer.optimizer.answers.verify import VerifiedAnswer as VerifiedAnswer
    from modelsizer.optimizer.answers.verify import verify_answer as verify_answer
    from modelsizer.optimizer.audit import audit as audit
    from modelsizer.optimizer.explain.explain import explain as explain
    from modelsizer.optimizer.fitting.ablation_terms import fit_terms as fit_terms
    from modelsizer.optimizer.fitting.from_runs import fit as fit
    from modelsizer.optimizer.frontiers.frontier import frontier as frontier
    from modelsizer.optimizer.fronts.front import Front as Front
    from modelsizer.optimizer.fronts.run import front as front
    from modelsizer.optimizer.laws.comparison import compare_laws as compare_laws
    from modelsizer.optimizer.laws.corners import corners as corners
    from modelsizer.optimizer.laws.drawn_answer import uncertainty as uncertainty
    from modelsizer.optimizer.planning.plan_runs import plan_runs as plan_runs
    from modelsizer.optimizer.prices.prices import prices as prices
    from modelsizer.optimizer.result import Result as Result
    from modelsizer.optimizer.solver import Solver as Solver
    from modelsizer.optimizer.solver import solve as solve
    from modelsizer.optimizer.surveys.best import best as best
    from modelsizer.optimizer.surveys.machines import machines as machines
    from modelsizer.optimizer.surveys.near_ties import near_ties as near_ties
    from modelsizer.optimizer.surveys.ranking import Ranking as Ranking
    from modelsizer.optimizer.surveys.ranking import rank as rank
    from modelsizer.optimizer.sweeps.sweep import sweep as sweep
    from modelsizer.optimizer.sweeps.whatif import whatif as whatif
    from modelsizer.optimizer.verification import Verification as Verification
    from modelsizer.optimizer.verification import verify as verify
    from modelsizer.page.report import report as report
    from modelsizer.problems.architecture.architecture import Architecture as Architecture
    from modelsizer.problems.architecture.configs.exports.export import export as export
    from modelsizer.problems.architecture.sources import (
        count_by_transformers as count_by_transformers,
    )
    from modelsizer.problems.architecture.sources import load_architecture as load_architecture
    from modelsizer.problems.designs.description import describe as describe
    from modelsizer.problems.designs.evaluation import Evaluation as Evaluation
    from modelsizer.problems.designs.evaluation import evaluate as evaluate
    from modelsizer.problems.errors import ArgumentError as ArgumentError
    from modelsizer.problems.errors import ModelsizerError as ModelsizerError
    from modelsizer.problems.errors import ProblemError as ProblemError
    from modelsizer.problems.laws.checks import check_law as check_law
    from modelsizer.problems.laws.laws import DesignLaw as DesignLaw
    from modelsizer.problems.laws.laws import PowerLaw as PowerLaw
    from modelsizer.problems.laws.laws import PowerTerm as PowerTerm
    from modelsizer.problems.laws.laws import TokenLaw as TokenLaw
    from modelsizer.problems.laws.published import register_law as register_law
    from modelsizer.problems.laws.shapes import ShapeLaw as ShapeLaw
    from modelsizer.problems.laws.shapes import register_shape as register_shape
    from modelsizer.problems.laws.terms import TermLaw as TermLaw
    from modelsizer.problems.problem import Problem as Problem
    from modelsizer.problems.quantities.rows import register_quantity as register_quantity
    from modelsizer.problems.version import __version__ as __version__

# In a checkout the other folders of code lie beside this one, not inside. At its root this folder
# comes before an installed modelsizer, and is whole by this. `pathlib` would take 10 ms to load.
_WHOLE = os.path.isdir(os.path.join(__path__[0], "problems"))  # noqa: PTH112, PTH118
__path__.extend([] if _WHOLE else [os.path.dirname(__path__[0])])  # noqa: PTH120

_NAMES = {
    "modelsizer.fitted_laws": ("save_law",),
    "modelsizer.optimizer.answers.verify": ("VerifiedAnswer", "verify_answer"),
    "modelsizer.optimizer.audit": ("audit",),
    "modelsizer.optimizer.explain.explain": ("explain",),
    "modelsizer.optimizer.fitting.ablation_terms": ("fit_terms",),
    "modelsizer.optimizer.fitting.from_runs": ("fit",),
    "modelsizer.optimizer.frontiers.frontier": ("frontier",),
    "modelsizer.optimizer.fronts.front": ("Front",),
    "modelsizer.optimizer.fronts.run": ("front",),
    "modelsizer.optimizer.laws.comparison": ("compare_laws",),
    "modelsizer.optimizer.laws.corners": ("corners",),
    "modelsizer.optimizer.laws.drawn_answer": ("uncertainty",),
    "modelsizer.optimizer.planning.plan_runs": ("plan_runs",),
    "modelsizer.optimizer.prices.prices": ("prices",),
    "modelsizer.optimizer.result": ("Result",),
    "modelsizer.optimizer.solver": ("Solver", "solve"),
    "modelsizer.optimizer.surveys.best": ("best",),
    "modelsizer.optimizer.surveys.machines": ("machines",),
    "modelsizer.optimizer.surveys.near_ties": ("near_ties",),
    "modelsizer.optimizer.surveys.ranking": ("Ranking", "rank"),
    "modelsizer.optimizer.sweeps.sweep": ("sweep",),
    "modelsizer.optimizer.sweeps.whatif": ("whatif",),
    "modelsizer.optimizer.verification": ("Verification", "verify"),
    "modelsizer.page.report": ("report",),
    "modelsizer.problems.architecture.architecture": ("Architecture",),
    "modelsizer.problems.architecture.configs.exports.export": ("export",),
    "modelsizer.problems.architecture.sources": ("count_by_transformers", "load_architecture"),
    "modelsizer.problems.designs.description": ("describe",),
    "modelsizer.problems.designs.evaluation": ("Evaluation", "evaluate"),
    "modelsizer.problems.errors": ("ArgumentError", "ModelsizerError", "ProblemError"),
    "modelsizer.problems.laws.checks": ("check_law",),
    "modelsizer.problems.laws.laws": ("DesignLaw", "PowerLaw", "PowerTerm", "TokenLaw"),
    "modelsizer.problems.laws.published": ("register_law",),
    "modelsizer.problems.laws.shapes": ("ShapeLaw", "register_shape"),
    "modelsizer.problems.laws.terms": ("TermLaw",),
    "modelsizer.problems.problem": ("Problem",),
    "modelsizer.problems.quantities.rows": ("register_quantity",),
    "modelsizer.problems.version": ("__version__",),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name, or `plots`, when it is first used (PEP 562)."""
    from importlib import import_module

    if name == "plots":
        return import_module("modelsizer.plots")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Names of the module, the public ones that are not imported yet among them."""
    return sorted({*globals(), *__all__, "plots"})
