"""The public names for type checkers and editors; `__init__.py` imports each when it is used."""

from modelsizer import plots as plots
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
