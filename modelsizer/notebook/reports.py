"""The report of each class of values: that of its command."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from modelsizer.text.kit.sheet import Sheet

_ENTRIES = 30  # of a catalogue that are shown


def report_of(value: object, sheet: Sheet) -> None:
    """Write the report of a value on a sheet; its repr, if it has none."""
    for kind in type(value).__mro__:
        if (show := _REPORTS.get(kind.__name__)) is not None:
            show(sheet, value)
            return
    from modelsizer.text.kit.lines import line

    line(_any(sheet), repr(value))


def _any(sheet: Sheet) -> Any:
    """A sheet as the reports take it, which are written for consoles."""
    return sheet


def _allocation(sheet: Any, value: Any) -> None:
    from modelsizer.text.allocate import print_allocation

    print_allocation(sheet, value.architecture.block or "an architecture", value)


def _architecture(sheet: Any, value: Any) -> None:
    from modelsizer.problems.designs.description import describe
    from modelsizer.text.describe import print_description

    print_description(sheet, value.block or "an architecture", describe(value))


def _audit(sheet: Any, value: Any) -> None:
    from modelsizer.text.audit import print_audit

    print_audit(sheet, value.architecture.block or "the model", value)


def _catalogue(sheet: Any, value: Any) -> None:
    from modelsizer.problems.laws.pages import LAW_PAGES
    from modelsizer.text.accelerators import Selection, print_accelerators
    from modelsizer.text.kit.lines import line
    from modelsizer.text.kit.words import and_more
    from modelsizer.text.laws import print_laws
    from modelsizer.text.models import print_models
    from modelsizer.text.problem import print_problems

    if value.what == "laws":
        print_laws(sheet, LAW_PAGES.values())
        return
    if value.what == "problems":
        print_problems(sheet, value.rows)
        return
    rows = list(value.rows[:_ENTRIES])
    if value.what == "models":
        print_models(sheet, rows)
    else:
        print_accelerators(sheet, rows, Selection())
    if more := and_more(len(value) - len(rows), ": to_frame() has them all"):
        line(sheet, more)


def _comparison(sheet: Any, value: Any) -> None:
    from modelsizer.text.compare_laws import print_comparison

    print_comparison(sheet, value)


def _corners(sheet: Any, value: Any) -> None:
    from modelsizer.text.corners import print_corners
    from modelsizer.text.kit.lines import title

    title(sheet, value.problem.name)
    print_corners(sheet, value)


def _depth_width(sheet: Any, value: Any) -> None:
    from modelsizer.text.depth_width import print_depth_width

    print_depth_width(sheet, value)


def _description(sheet: Any, value: Any) -> None:
    from modelsizer.text.describe import print_description

    print_description(sheet, value.architecture.block or "an architecture", value)


def _drawn(sheet: Any, value: Any) -> None:
    from modelsizer.text.kit.lines import line
    from modelsizer.text.uncertainty import print_uncertainty

    if value.found is None:
        line(sheet, repr(value))
    else:
        print_uncertainty(sheet, value.found, value.winners, value.notes)


def _uncertainty(sheet: Any, value: Any) -> None:
    from modelsizer.optimizer.laws.drawn_answer import WINNERS
    from modelsizer.text.uncertainty import print_uncertainty

    print_uncertainty(sheet, value, WINNERS)


def _evaluation(sheet: Any, value: Any) -> None:
    from modelsizer.text.evaluation import print_evaluation

    print_evaluation(sheet, value)


def _explanation(sheet: Any, value: Any) -> None:
    from modelsizer.text.explain import print_explanation

    print_explanation(sheet, value)


def _fitted_terms(sheet: Any, value: Any) -> None:
    from modelsizer.text.fit_terms import print_terms

    print_terms(sheet, value)


def _front(sheet: Any, value: Any) -> None:
    from modelsizer.optimizer.fronts.subset import even_subset
    from modelsizer.text.pareto import AT_MOST, print_front

    if len(value) <= AT_MOST:
        print_front(sheet, value, None)
        return
    which, gap = even_subset(value, AT_MOST)
    print_front(sheet, value, (value.take(which), gap))


def _frontier(sheet: Any, value: Any) -> None:
    from modelsizer.optimizer.frontiers.exponents import exponents
    from modelsizer.text.frontier import print_frontier

    print_frontier(sheet, value, exponents(value))


def _law(sheet: Any, value: Any) -> None:
    from modelsizer.text.laws import print_law

    print_law(sheet, value)


def _layers(sheet: Any, value: Any) -> None:
    from modelsizer.text.layers import print_layers

    print_layers(sheet, value.of.title, value.found, (), value.of.rows())


def _machines(sheet: Any, value: Any) -> None:
    from modelsizer.text.machines import print_all_machines

    print_all_machines(sheet, value)


def _memory(sheet: Any, value: Any) -> None:
    from modelsizer.text.device_memory import print_devices
    from modelsizer.text.memory import print_memory

    found, said = value.panels, value.warnings
    print_memory(sheet, value.of.title, found, value.lack, (), value.rows(), said, verbose=True)
    if value.devices is not None:
        print_devices(sheet, value.devices)


def _near_optimal(sheet: Any, value: Any) -> None:
    from modelsizer.text.alternatives import print_alternatives
    from modelsizer.text.kit.lines import title

    title(sheet, value.problem.name)
    print_alternatives(sheet, value)


def _near_ties(sheet: Any, value: Any) -> None:
    from modelsizer.text.kit.lines import title
    from modelsizer.text.near_ties import print_near_ties

    title(sheet, value.problem.name)
    print_near_ties(sheet, value.result, value)


def _plan(sheet: Any, value: Any) -> None:
    from modelsizer.text.plan_runs import print_plan

    print_plan(sheet, value)


def _prices(sheet: Any, value: Any) -> None:
    from modelsizer.text.prices import print_prices

    print_prices(sheet, value)


def _problem(sheet: Any, value: Any) -> None:
    from modelsizer.problems.summary import summarize
    from modelsizer.text.problem import print_problem

    print_problem(sheet, summarize(value))


def _ranking(sheet: Any, value: Any) -> None:
    from modelsizer.text.rank import print_ranking

    print_ranking(sheet, value, None, written="some")


def _result(sheet: Any, value: Any) -> None:
    from modelsizer.text.answer import print_result

    print_result(sheet, value)


def _roofline(sheet: Any, value: Any) -> None:
    from modelsizer.text.roofline import print_roofline

    print_roofline(sheet, value.of.title, value.found, (), value.of.rows())


def _study(sheet: Any, value: Any) -> None:
    from modelsizer.text.fit import print_study

    print_study(sheet, value)


def _sweep(sheet: Any, value: Any) -> None:
    from modelsizer.text.sweep import print_sweep

    print_sweep(sheet, value)


def _users(sheet: Any, value: Any) -> None:
    from modelsizer.text.users import print_users

    key, alone = ", ".join(value.each), value.memory_alone
    print_users(sheet, value.of.title, value.servers, (), value.rows(), key, alone)


def _verified(sheet: Any, value: Any) -> None:
    from modelsizer.text.verify import print_verified

    print_verified(sheet, value)


def _whatif(sheet: Any, value: Any) -> None:
    from modelsizer.text.whatif import print_whatif

    print_whatif(sheet, value)


_REPORTS: MappingProxyType[str, Callable[[Any, Any], None]] = MappingProxyType(
    {
        "Allocation": _allocation,
        "Architecture": _architecture,
        "Audit": _audit,
        "Catalogue": _catalogue,
        "DepthWidth": _depth_width,
        "Description": _description,
        "DrawnAnswer": _drawn,
        "Evaluation": _evaluation,
        "Explanation": _explanation,
        "FittedTerms": _fitted_terms,
        "Front": _front,
        "Frontier": _frontier,
        "LawComparison": _comparison,
        "LawPage": _law,
        "Layers": _layers,
        "Machines": _machines,
        "Memory": _memory,
        "NearOptimal": _near_optimal,
        "NearTies": _near_ties,
        "Plan": _plan,
        "Prices": _prices,
        "Problem": _problem,
        "ProblemCorners": _corners,
        "Ranking": _ranking,
        "Result": _result,
        "RooflineView": _roofline,
        "Study": _study,
        "SweepResult": _sweep,
        "Uncertainty": _uncertainty,
        "Users": _users,
        "VerifiedAnswer": _verified,
        "WhatIf": _whatif,
    }
)
"""Reports by the name of the class, which is loaded already where there is a value of it."""
