"""Compare a published model with the optimum of the same budgets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from modelsizer.optimizer.audit_block import block_of, left_out, why_unsearchable
from modelsizer.optimizer.audit_space import space_of
from modelsizer.optimizer.beside import best_with
from modelsizer.optimizer.constraints import devices_of
from modelsizer.optimizer.result import PROVEN, Result
from modelsizer.optimizer.solver import DEFAULT_SOLVER, Solver
from modelsizer.optimizer.tables.clock import Clock, Stop
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.evaluated import design_words
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.designs.text import text_tokens
from modelsizer.problems.errors import (
    ArgumentError,
    ModelsizerError,
    ProblemError,
    require_count,
    require_number,
    require_type,
)
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.budgets import written
from modelsizer.problems.requirements.objective import LAW_KEYS
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.tables.training import DEFAULT_SEQUENCE_LENGTH
from modelsizer.problems.units import MAX_COUNT, exact

_KEYS = {
    "sequence": "training.sequence_length",
    "law": "objective.law",
    "shape": "objective.shape",
}
"""Settings of a problem that hold in place of arguments."""


_OF_EVIDENCE = ("objective", "laws", "tokenizer")
"""Tables that say how a design is judged."""


class AuditError(ModelsizerError):
    """Raised if a model cannot be audited; the message says why."""


@dataclass(frozen=True, slots=True)
class Audit(Tabled, Drawn):
    """What an audit found.

    The model itself is one of the designs that both results are of, beside those of the space: it
    is returned where no design of the space is better.

    Parameters
    ----------
    architecture : Architecture
        Architecture of the model.
    tokens : float
        Tokens it was trained on.
    problem : Problem
        The budgets that the model sets: training FLOPs, serving memory, KV bytes per token and,
        of a mixture, active parameters.
    model : Evaluation
        The model as evaluated under the law. It breaks a limit only if the problem was given.
    optimum : Result
        The best design within its budgets, with its block and vocabulary.
    cheapest : Result
        The design of least training FLOPs that reaches its loss within its memory and KV bytes.
    left_out : tuple of str
        What no design of the space has as the model has it, see
        `modelsizer.optimizer.audit_block.left_out`.
    """

    architecture: Architecture
    tokens: float
    problem: Problem
    model: Evaluation
    optimum: Result
    cheapest: Result
    left_out: tuple[str, ...] = ()

    def _words(self) -> str:
        gained, needed = self.loss_gained, self.compute_needed
        parts = [design_words(self.model)]
        parts += [] if gained is None else [f"{gained:.4f} nats above the least loss"]
        parts += [] if needed is None else [f"{100 * needed:.1f} % of its FLOPs would do"]
        return "; ".join(parts)

    @property
    def block(self) -> str:
        """Block of the designs that the model is compared with."""
        return str(self.problem.space.block)

    @property
    def stands(self) -> tuple[bool, bool]:
        """Whether the model itself is the design of least loss, and that of least FLOPs."""
        own = self.architecture
        found = [
            result.design is not None
            and (result.design.architecture.trunk, result.design.architecture.groups)
            == (own.trunk, own.groups)
            for result in (self.optimum, self.cheapest)
        ]
        return found[0], found[1]

    @property
    def rivals(self) -> dict[str, Architecture]:
        """The designs that the model is compared with, by what they have the least of."""
        results = {"least loss": self.optimum, "least FLOPs": self.cheapest}
        return {
            name: result.design.architecture
            for name, result in results.items()
            if result.design is not None
        }

    @property
    def stop(self) -> Stop:
        """``"proven"`` if both results are, otherwise why one of them ended early."""
        stops: list[Stop] = [self.optimum.stop, self.cheapest.stop]
        return next((stop for stop in stops if stop not in PROVEN), "proven")

    @property
    def complete(self) -> bool:
        """Whether both results are proven."""
        return self.stop == "proven"

    @property
    def loss_gained(self) -> float | None:
        """Loss of the model minus that of the optimum, nats per token under the same law.

        None if the optimum is not proven.
        """
        proven = self.optimum.status == "optimal"
        return self.model.loss - self.optimum.best.loss if proven else None

    @property
    def compute_needed(self) -> float | None:
        """Share of the model's training FLOPs that an optimal design needs for the model's loss.

        None if the least is not proven.
        """
        proven = self.cheapest.status == "optimal"
        return self.cheapest.best.training_flops / self.model.training_flops if proven else None

    def to_dict(self) -> dict[str, Any]:
        """Convert the audit to a mapping for JSON."""
        return {
            "complete": self.complete,
            "stop": self.stop,
            "model": {
                "architecture": architecture_dict(self.architecture),
                "parameters": self.model.parameters.total,
                "tokens": self.tokens,
                "training_flops": self.model.training_flops,
                "loss": self.model.loss,
                "shape_excess": self.model.shape_excess,
                "violated": list(self.model.violated),
                "left_out": list(self.left_out),
            },
            "optimum": self.optimum.to_dict(),
            "cheapest": self.cheapest.to_dict(),
            "loss_gained": self.loss_gained,
            "compute_needed": self.compute_needed,
            "stands": dict(zip(("optimum", "cheapest"), self.stands, strict=True)),
        }


def audit(
    architecture: Architecture,
    tokens: float,
    *,
    sequence: int | None = None,
    law: str | None = None,
    shape: str | None = None,
    solver: str = DEFAULT_SOLVER,
    problem: Problem | None = None,
    judged_by: Mapping[str, Any] | None = None,
    time_limit: float | None = None,
) -> Audit:
    """Compare a model with the best design within its own budgets.

    The designs are those of the space with the block that has the model's parts, or the most of
    them, and the model itself beside them: no optimum is worse than the model.

    Parameters
    ----------
    architecture : Architecture
        With mixers and feed-forwards that a space may offer.
    tokens : float
        Tokens it was trained on.
    sequence : int, optional
        Training sequence length, and the context of one sequence served; by default the number of
        learned positions if the model has them, else 4096.
    law, shape : str, optional
        Laws that evaluate both; those of a problem that says nothing by default.
    solver : str
    problem : Problem, optional
        Provides menus, settings, laws and other budgets, in place of `sequence`, `law` and
        `shape`.
    judged_by : mapping, optional
        Tables of the problem that the model is an answer of: laws, ablations and `[tokenizer]` are
        those, where no argument says otherwise.
    time_limit : float, optional
        Seconds of both solves together; the first has half of them. What is not proven by then is
        returned as not complete.

    Returns
    -------
    Audit

    Raises
    ------
    AuditError
        If no space offers the model's kinds of layer, or it has no loss by the law, or neither the
        model nor any design of the space keeps the limits of a given problem.
    ArgumentError
        If the time limit is negative, or a problem is given beside what it provides.

    Examples
    --------
    >>> from modelsizer import load_architecture
    >>> found = audit(load_architecture("llama-3-8b"), 15e12)
    >>> round(found.loss_gained, 4)
    0.0043
    """
    require_type("architecture", architecture, Architecture)
    clock = Clock.of(time_limit)
    require_number("tokens", tokens, above=0)
    for name, given in (("sequence", sequence), ("law", law), ("shape", shape)):
        if problem is not None and given is not None:
            raise ArgumentError(name, f"{given} is beside a problem; set {_KEYS[name]} of that")
    if (why := why_unsearchable(architecture)) is not None:
        raise AuditError(f"models of type {architecture.block!r} cannot be audited: {why}")
    block = block_of(architecture)
    if sequence is not None:
        require_count("sequence", sequence, most=MAX_COUNT)
    sequence = sequence or architecture.trunk.positions or DEFAULT_SEQUENCE_LENGTH
    if problem is None:
        evidence = _evidence(judged_by or {}, law, shape)
        tables = _tables(architecture, block, tokens, sequence, evidence)
    else:
        tables = _own_budgets(problem.to_dict(), architecture, block, tokens)
    problem = _problem(tables)
    model = _model(problem, architecture, tokens)
    if model.unjudged:
        raise AuditError(f"the model cannot be audited: {model.unjudged}")
    optimum = Solver(problem, solver=solver, clock=clock).solve(time_limit=clock.share(2))
    optimum = best_with(optimum, (model, evaluate(problem, architecture)), clock)
    tables = problem.to_dict()
    tables["budgets"].pop("training_flops")
    tables["budgets"]["loss"] = model.loss
    tables["objective"]["minimize"] = "training_flops"
    freer = _problem(tables)
    cheapest = Solver(freer, solver=solver, clock=clock).solve(time_limit=clock.share(1))
    cheapest = best_with(cheapest, (model, evaluate(freer, architecture)), clock)
    for result in (optimum, cheapest):
        if result.status == "infeasible":
            broken = ", ".join(model.violated)
            small = [f"--set {key}=none" for key in model.violated if key in devices_of(problem)]
            lifted = f"; {' '.join(small)} lifts what fits the accelerator" if small else ""
            raise AuditError(
                "no design of the searched space keeps the limits, and the model itself breaks "
                f"{broken}{lifted}"
            )
    missing = left_out(architecture, block)
    return Audit(architecture, tokens, problem, model, optimum, cheapest, missing)


def _problem(tables: dict[str, Any]) -> Problem:
    try:
        return Problem.from_tables(tables)
    except ProblemError as error:
        raise AuditError(f"the model cannot be audited: {error}") from None


def _model(problem: Problem, architecture: Architecture, tokens: float) -> Evaluation:
    """The model as it was trained; it breaks a limit on tokens too, if the problem has one."""
    text = text_tokens(problem, architecture, tokens)
    found = evaluate(problem.with_settings({"training.tokens": text}), architecture)
    limit = problem.training.tokens
    if limit is not None and not limit.holds(text):
        found = replace(found, violated=(*found.violated, "training.tokens"))
    return found


def _evidence(tables: Mapping[str, Any], law: str | None, shape: str | None) -> dict[str, Any]:
    """What a problem's tables say of the loss and of the text, with other laws where given."""
    found = {name: tables[name] for name in _OF_EVIDENCE if name in tables}
    objective = {k: v for k, v in found.get("objective", {}).items() if k in LAW_KEYS}
    if law is not None:
        objective.pop("shape", None)  # that of the other law, if there is one
    given = {k: v for k, v in (("law", law), ("shape", shape)) if v is not None}
    return found | {"objective": objective | given}


def _tables(
    architecture: Architecture,
    block: str,
    tokens: float,
    sequence: int,
    evidence: dict[str, Any],
) -> dict[str, Any]:
    """The widest space, and what one sequence of the model uses on one accelerator."""
    return _own_budgets(
        {
            "name": "the model's own budgets",
            "space": space_of(architecture),
            "training": {"sequence_length": sequence},
            "serving": {"context_length": sequence},
            **evidence,
        },
        architecture,
        block,
        tokens,
    )


def _own_budgets(
    tables: dict[str, Any], architecture: Architecture, block: str, tokens: float
) -> dict[str, Any]:
    """A problem's tables with the model's vocabulary, block, and costs as budgets."""
    trunk = architecture.trunk
    own = {
        "vocab_size": int(trunk.vocab_size),
        "tied_embeddings": bool(trunk.tied_embeddings),
        "block": block,
    }
    tables = {k: v for k, v in tables.items() if k != "scenarios"}
    tables["space"] = tables["space"] | own
    tables["objective"] = {
        k: v for k, v in tables.get("objective", {}).items() if k in LAW_KEYS
    } | {"minimize": "loss"}
    budgets = {k: v for k, v in tables.get("budgets", {}).items() if k != "loss"}
    draft = Problem.from_tables(
        {k: v for k, v in tables.items() if k != "budgets"} | {"budgets": {"training_flops": 1e24}}
    )
    found = evaluate(draft, architecture)
    own_costs = {
        # As written and as a double: the limit is no less than what the model took, by either.
        "training_flops": math.ceil(
            found.training_flops_per_token * max(Fraction(tokens), exact(tokens))
        ),
        "serving_memory": found.quantity("serving_memory"),
        "kv_bytes_per_token": found.quantity("kv_bytes_per_token"),
    }
    if found.parameters.active != found.parameters.total:
        # What a token costs to serve: memory holds more experts than a token uses.
        own_costs["active_parameters"] = found.parameters.active
    tables["budgets"] = budgets | {name: written(name, cost) for name, cost in own_costs.items()}
    return tables
