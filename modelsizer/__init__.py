"""modelsizer: the best language model that a budget can buy, with proof.

Every command is a function here, from frozen values to a frozen value, and `modelsizer.plots` has
the pictures. A name is imported when it is first used, so that importing modelsizer takes no time.
"""

from __future__ import annotations

import os.path

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
    "modelsizer.optimizer.surveys.depth_width": ("depth_width",),
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
    "modelsizer.views.allocation": ("allocate",),
    "modelsizer.views.catalogue": ("accelerators", "laws", "library", "models"),
    "modelsizer.views.layers": ("layers",),
    "modelsizer.views.memory": ("memory",),
    "modelsizer.views.roofline": ("roofline",),
    "modelsizer.views.users": ("users",),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    """Import a public name, or `plots`, when it is first used (PEP 562); see ``__init__.pyi``."""
    from importlib import import_module

    if name == "plots":
        return import_module("modelsizer.plots")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, whether they are imported yet or not."""
    return sorted([*__all__, "plots"])
