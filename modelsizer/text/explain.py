"""Report of an infeasible problem: its conflicts and the repairs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console

from modelsizer.optimizer.constraints import changes_batches, name_of
from modelsizer.optimizer.explain.conflicts import unmeasured
from modelsizer.optimizer.explain.explain import Explanation, Part, Why
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.problems.units import Number, as_double, exact, format_number
from modelsizer.text.explain_words import amount, round_to_feasible, sentence
from modelsizer.text.kit.lines import INDENT, bullets, line, paragraph, section, title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import STOPS, and_more, joined, not_complete

MOST_SHOWN = 12  # conflicts shown in text; JSON has all of them
_MOST_DIGITS = 40  # of an exact value shown in text; so with JSON
_AS_FACTOR = 10  # change from which a factor is shown
_UNFINISHED: dict[Part, str] = {
    "conflicts": "the conflicts",
    "with_space": "the conflicts with ends of the space relaxed",
    "repairs": "the single changes",
    "joint": "the cheapest joint repair",
    "alternatives": "changes of several things together",
}
"""Parts of an explanation that may lack something, in words."""


def explanation_dict(found: Explanation) -> dict[str, object]:
    """Values for JSON, each reason also as a sentence."""
    reasons = [
        conflict.to_dict() | {"text": sentence(found.problem, found.repairs, conflict)}
        for conflict in found.with_space
    ]
    return found.to_dict() | {"reasons": reasons}


def print_explanation(console: Console, found: Explanation) -> None:
    """Print conflicts, repairs and the constraints asked about."""
    title(console, found.problem.name)
    if found.feasible:
        none = "Some design keeps every limit: there is nothing to explain"
        line(console, f"{none}; {found.seconds:.2f} s.")
        line(console, "`modelsizer solve` finds the best.")
        return
    if found.feasible is None:
        unknown = f"Not known whether some design keeps every limit: {STOPS[found.stop]}"
        line(console, f"{unknown}; {found.seconds:.2f} s.")
        return
    line(console, f"No design keeps every limit, proven; {found.seconds:.2f} s.")
    if not found.complete:
        parts = joined([_UNFINISHED[part] for part in found.unfinished])
        line(console, f"{not_complete(found.stop)} before {parts} were found.")
    _print_conflicts(console, found)
    _print_repairs(console, found)
    _print_alternatives(console, found)
    _print_references(console, found)
    _print_devices(console, found)
    _print_idle(console, found)
    for why in found.whys:
        _print_why(console, found, why)


def _listed(console: Console, lines: Sequence[str], numbered: bool = True) -> None:
    bullets(console, lines[:MOST_SHOWN], numbered=numbered)
    if more := and_more(len(lines) - MOST_SHOWN, ", which --json lists"):
        line(console, f"  {more}")


def _print_conflicts(console: Console, found: Explanation) -> None:
    now = [c for c in found.with_space if c.promised in found.conflicts]
    later = [c for c in found.with_space if c.promised not in found.conflicts]
    told = {conflict.promised for conflict in now}  # all of them, if the explanation is complete
    now += [unmeasured(found.limits, keys) for keys in found.conflicts if keys not in told]
    if now:
        section(console, "Why")
        _listed(console, [sentence(found.problem, found.repairs, conflict) for conflict in now])
    if later:
        section(console, "Were ends of the space relaxed, these would still conflict")
        _listed(console, [sentence(found.problem, found.repairs, conflict) for conflict in later])


def _row(repair: Repair) -> tuple[str, ...]:
    """Cells of a repair: name, value before and after, relative change, cost, exact value."""
    name, cost = name_of(repair.key), _cost(repair.cost)
    if repair.side is None or isinstance(repair.value, str) or isinstance(repair.before, str):
        end = {".min": "from ", ".max": "to "}.get(repair.key[-4:], "")
        menu = repair.made.get(repair.key)
        if isinstance(menu, list):  # one value more, of which one is chosen
            others = [str(value) for value in menu if value != repair.value]
            known = ", ".join(others) if len(others) <= _FEW_OFFERED else f"{len(others)} values"
            return name, known, f"also {repair.value}", "", cost, ""
        return name, f"{end}{repair.before}", f"{end}{repair.value}", "", cost, ""
    sign = "<=" if repair.side == "max" else ">="
    before = amount(repair.before, repair.unit)
    after = round_to_feasible(repair.value, repair.unit, repair.side)
    text = f"{sign} {after}"
    exactly = "" if after == str(repair.value) else str(repair.value)
    exactly = exactly if len(exactly) <= _MOST_DIGITS else "--json has it"
    change = _change(repair, repair.value, repair.before)
    return name, f"{sign} {before}", text, change, cost, exactly


def _cost(cost: float | None) -> str:
    return "" if cost is None or not math.isfinite(cost) else f"{cost:.2f}"


def _change(repair: Repair, value: Number, before: Number) -> str:
    """The relative change in percent, or as a factor where a percentage says little."""
    more = repair.side == "max"
    factor = as_double(exact(value) / exact(before) if more else exact(before) / exact(value))
    if not math.isfinite(factor):
        return ""
    if factor >= _AS_FACTOR:
        return f"{'x' if more else '/'} {format_number(factor, 3)}"
    return f"{'+' if more else '-'}{100 * (repair.excess or 0.0):.3g} %"


_FEW_OFFERED = 3  # values of a menu that are listed
_HEADINGS = ("", "is", "must be", "", "cost", "exactly")


def _print_changes(console: Console, repairs: Sequence[Repair]) -> None:
    rows = [_row(repair) for repair in repairs]
    table = Table(_HEADINGS, rows, words=frozenset({0, 5}), folds={5: None})
    print_table(console, table, indent=INDENT)


def _print_repairs(console: Console, found: Explanation) -> None:
    if found.offered:
        section(
            console, "Any one of these makes it feasible, and no smaller change; least costly first"
        )
        _print_changes(console, found.offered)
    elif "repairs" not in found.unfinished and not found.repairs:
        section(console, "No single change makes it feasible")
    if found.far:
        rows = [_row(repair) for repair in found.far]
        changes = [f"{row[0]} {row[2]} ({row[3] or f'is {row[1]}'})" for row in rows]
        line(console)
        only = "also, but dearly" if found.offered else "only dearly"
        paragraph(console, f"Alone {only}: {', '.join(changes)}.")


def _print_alternatives(console: Console, found: Explanation) -> None:
    """Changes of several things together, and what a cost is."""
    if found.alternatives:
        section(
            console,
            "Together these make it feasible"
            + (", for less" if found.repairs else "")
            + "; none of them can be left out",
        )
        rows: list[Sequence[str]] = []
        for each in found.alternatives:
            rows += [[""]] if rows else []
            rows += [_row(change)[:-1] for change in each.repairs]
            rows.append(["", "", "together", "", _cost(each.cost)])
        table = Table(_HEADINGS[:-1], rows, words=frozenset({0}))
        print_table(console, table, indent=INDENT)
    elif found.joint is None and "joint" not in found.unfinished:
        line(console)
        why = "The space is too large to list"
        if any(changes_batches(found.problem, name) for name in found.problem.budgets.limits):
            why = "A limit also bounds the requests at once"
        paragraph(console, f"{why}, so changes of several limits together are not looked for.")
    if not (found.offered or found.alternatives):
        return
    weights = ", ".join(f"{key} {weight:g}" for key, weight in (found.weights or {}).items())
    given = f"with weights {weights}" if weights else "--weight KEY=W changes the weight"
    line(console)
    paragraph(console, f"A cost is weight x ln of the change: a tenth more of a budget is 0.10, "
              f"twice the accelerators 0.69, 1 % of loss 1.0 ({given}).")  # fmt: skip


def _print_references(console: Console, found: Explanation) -> None:
    """Limits of models among those that changes move."""
    changes = (*found.repairs, *(change for each in found.alternatives for change in each.repairs))
    named = {name_of(change.key): change.reference for change in changes if change.reference}
    if named:
        each = ", ".join(f"{name} ({reference})" for name, reference in named.items())
        line(console)
        paragraph(console, f"In place of the limit of a model a change puts a number: {each}.")


def _print_devices(console: Console, found: Explanation) -> None:
    """Limits of accelerators among those that changes move."""
    changes = (*found.repairs, *(change for each in found.alternatives for change in each.repairs))
    named = {change.key: change.device for change in changes if change.device}
    for key, device in named.items():
        line(console)
        paragraph(
            console,
            f"{name_of(key)} is limited to what fits {device}, by default: more of it is another "
            f"accelerator, or no limit at all (--without {key}).",
        )


def _print_idle(console: Console, found: Explanation) -> None:
    helpful = {repair.key for repair in found.repairs} | {*found.undecided}
    idle = [limit.key for limit in found.limits if limit.key not in helpful and not limit.of_space]
    if idle:
        names = ", ".join(key.removeprefix("budgets.") for key in idle)
        line(console)
        paragraph(console, f"Relaxing {names} alone does not help: --why KEY says why.")


def _print_why(console: Console, found: Explanation, why: Why) -> None:
    section(console, f"What {name_of(why.key)} does")
    if why.repairs:
        rows = [_row(repair) for repair in why.repairs]
        line(console, f"  It helps: {' or '.join(f'{r[1]} must become {r[2]}' for r in rows)}.")
    elif why.remaining:
        count = len(why.remaining)
        line(
            console,
            "  It cannot help: without it "
            + ("this conflict is left" if count == 1 else f"these {count} conflicts are left"),
        )
        _listed(
            console,
            [sentence(found.problem, found.repairs, conflict) for conflict in why.remaining],
            False,
        )
    elif why.helps is None:
        line(console, f"  It is not known whether it helps: {STOPS[found.stop]}.")
    else:
        line(console, "  It touches every conflict, but no value that it may take is enough.")
