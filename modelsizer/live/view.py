"""What the live page shows of an answer: every text and number of it, made here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modelsizer.live.control import Control, words_of
from modelsizer.live.state import CORNER, SCENARIO, Asked, State
from modelsizer.live.typed_text import typed
from modelsizer.optimizer.constraints import TOKENS
from modelsizer.optimizer.infeasible import MORE
from modelsizer.optimizer.result import BudgetUse, Result, machine_of
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.designs.worth import worth
from modelsizer.problems.laws.digits import loss_text
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number, format_quantity, parse_quantity
from modelsizer.text.answer import STATUS, certificate, lead
from modelsizer.text.answer_rows import amounts, architecture_rows, loss_words, prediction_rows
from modelsizer.text.costs import cost_rows
from modelsizer.text.hyperparameters import suggestion_rows
from modelsizer.text.kit.words import BINDS


@dataclass(frozen=True, slots=True)
class View:
    """An answer as the page shows it.

    Parameters
    ----------
    name : str
        Of the problem.
    status : {"optimal", "infeasible", "limit"}
    status_text, headline, certificate, seconds : str
    loss : dict or None
        ``value``, a double; ``text``; ``band``, empty where there is none. None without a design.
    objective : dict
        ``name``, ``label``, ``value`` and ``text`` of what is optimised.
    architecture, machine : list of (key, label, text)
        Rows that can be compared with those of another answer.
    prediction, costs, hyperparameters : list of (label, text)
    limits : list of dict
    warnings, notes, why : list of str
        `why` of an infeasible problem.
    tokens : str
    design : dict or None
        The architecture as the JSON of solve has it.
    settings, without
        The state that was asked for.
    controls : dict
        Position and text of each control that was moved.
    command : str
        The command line that gives the same answer.
    version : str
        Of the file; another one than the page's where the file has changed on disk.
    about_limits : str
        What is meant where a limit binds; empty if none does.
    """

    name: str
    status: str
    status_text: str
    headline: str
    certificate: str
    seconds: str
    loss: Mapping[str, Any] | None
    objective: Mapping[str, Any]
    architecture: Sequence[tuple[str, str, str]]
    machine: Sequence[tuple[str, str, str]]
    prediction: Sequence[tuple[str, str]]
    costs: Sequence[tuple[str, str]]
    hyperparameters: Sequence[tuple[str, str]]
    limits: Sequence[Mapping[str, Any]]
    warnings: Sequence[str]
    notes: Sequence[str]
    why: Sequence[str]
    tokens: str
    design: Mapping[str, Any] | None
    settings: Mapping[str, object]
    without: Sequence[str]
    controls: Mapping[str, Mapping[str, object]]
    command: str
    version: str
    about_limits: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The keys of the page."""
        return {name: getattr(self, name) for name in self.__slots__}


def view_of(
    result: Result,
    asked: Asked,
    state: State,
    controls: Mapping[str, Control],
    *,
    source: str,
    version: str,
) -> View:
    """The view of an answer.

    Parameters
    ----------
    result : Result
    asked : Asked
        What was solved.
    state : State
    controls : mapping of str to Control
        Of the file, by key.
    source, version : str
        The file's name, and which version of it was solved.
    """
    design = result.design
    told = [str(warning) for warning in result.warnings if str(warning) != MORE]
    infeasible = result.status == "infeasible"
    tokens = "" if design is None else format_quantity(design.tokens, "tokens")
    return View(
        result.problem.name,
        result.status,
        STATUS[result.status],
        lead(result),
        certificate(result),
        f"{result.seconds:.2f} s",
        None if design is None else _loss(result),
        _objective(result),
        [] if design is None else _architecture(result),
        [] if design is None else _machine(result),
        [] if design is None else prediction_rows(result),
        [] if design is None else cost_rows(result.problem, design),
        [] if design is None else suggestion_rows(result.problem, design),
        [_limit(use, controls) for use in result.budgets],
        [] if infeasible else told,
        result.notes,
        told if infeasible else [],
        tokens,
        None if design is None else design_architecture(design.architecture),
        state.settings,
        list(state.without),
        {key: _moved(controls[key], value) for key, value in _known(state, controls)},
        asked.command_line(source).command("solve"),
        version,
        BINDS if any(use.binding for use in result.budgets) else "",
    )


def _architecture(result: Result) -> list[tuple[str, str, str]]:
    """The choices of the design; its groups of layers are in the drawing of the stack."""
    rows = (row for row in architecture_rows(result) if row[0] != "groups")
    return [(key, key, text.strip('"')) for key, text in rows]


def _loss(result: Result) -> dict[str, Any]:
    design, problem = result.best, result.problem
    found, rms = worth(problem, design), problem.law.rms
    band = ""
    if found is not None and found.low < found.high:
        band = f"{loss_text(found.low, rms)} to {loss_text(found.high, rms)}"
    return {
        "value": design.loss,
        "text": loss_words(problem, design.loss),
        "short": loss_text(design.loss, rms),
        "band": band,
        "error": "" if rms is None else f"the law errs by {rms:.2g}",
    }


def _objective(result: Result) -> dict[str, Any]:
    asked, value = result.objective, result.objective.value
    text = "" if value is None else format_quantity(value, QUANTITIES[asked.name].dimension)
    label = f"{'most' if asked.sense == 'maximize' else 'least'} {QUANTITIES[asked.name].words}"
    return {"name": asked.name, "label": label, "value": value, "text": text}


def _machine(result: Result) -> list[tuple[str, str, str]]:
    found = machine_of(result.problem, result.best)
    return [(key, key, typed(value)) for key, value in found.items()]


def _limit(use: BudgetUse, controls: Mapping[str, Control]) -> dict[str, Any]:
    used, limit, share_text = amounts(use)
    share = float(use.used) / float(use.limit)
    base = use.name if use.name == TOKENS else f"budgets.{use.name}"
    key = next((k for k in (base, f"{base}.{use.side}") if k in controls), None)
    return {
        "name": use.name,
        "key": key,
        "label": words_of(use.name),
        "used": used,
        "limit": limit,
        "share": share if math.isfinite(share) else None,
        "share_text": share_text,
        "binding": use.binding,
        "end": use.side,
        "given_as": use.given_as,
    }


def _known(state: State, controls: Mapping[str, Control]) -> list[tuple[str, object]]:
    return [(key, value) for key, value in state.settings.items() if key in controls]


def _moved(control: Control, value: object) -> dict[str, object]:
    """Where a control stands at a value that was set, and the text of it."""
    number: Number | None = None
    if control.unit and control.key not in (CORNER, SCENARIO):
        try:
            number = parse_quantity(value, control.unit)
        except ValueError:
            number = None  # a reference, a menu or "none"
    return control.moved(value, number)
