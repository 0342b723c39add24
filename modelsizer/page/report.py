"""The HTML report: one self-contained file, whose only scripts move its sliders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from modelsizer.live.live_page import policy
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.tables.clock import Clock, Ending
from modelsizer.page.hover import hover_data
from modelsizer.page.images import embedded
from modelsizer.page.machines import machines_section
from modelsizer.page.near_ties import near_ties_section
from modelsizer.page.question import problem_section, reproduce_section
from modelsizer.page.scripts import page_script, page_style
from modelsizer.page.sliders import NONE, sliders_of
from modelsizer.page.style import CSS
from modelsizer.page.tags import NEWLINE, Html, block, coded, join, listing, pairs, table, tag
from modelsizer.pictures.picture import too_many
from modelsizer.pictures.report import Drawn, pictures
from modelsizer.plots.drawing.style import need_matplotlib
from modelsizer.problems.errors import require_type
from modelsizer.problems.records import dataclass
from modelsizer.problems.version import __version__
from modelsizer.problems.visible import shortened
from modelsizer.text.answer import STATUS, certificate, lead
from modelsizer.text.answer_rows import (
    architecture_rows,
    limits_table,
    prediction_rows,
)
from modelsizer.text.command_line import FROM_A_FILE, CommandLine
from modelsizer.text.corners import corner_notes, corners_table, holding_sentence
from modelsizer.text.costs import cost_rows
from modelsizer.text.depth_width import heading as of_one_size
from modelsizer.text.depth_width import shape_table, thinned
from modelsizer.text.depth_width_words import habit_sentence, notes
from modelsizer.text.hyperparameters import HEADING, suggestion_rows
from modelsizer.text.kit.words import BINDS, STOPS, counted
from modelsizer.text.rank import as_good, best_table, columns_of, group_table

if TYPE_CHECKING:
    from modelsizer.optimizer.laws.corners import ProblemCorners
    from modelsizer.optimizer.surveys.depth_width_rows import DepthWidth
    from modelsizer.optimizer.surveys.ranking import Ranking

BEST = 20  # number of designs listed
_LONGEST_TITLE = 240  # characters; the whole name is in the tables of the problem
_FIRST = frozenset({0})


@dataclass(frozen=True, slots=True)
class Page:
    """A page about an answer; `whole` unless a time limit left something out."""

    html: str
    whole: bool


def report(
    result: Result,
    command_line: CommandLine = FROM_A_FILE,
    *,
    corners: ProblemCorners | None = None,
    sliders: bool = True,
    time_limit: float | None = None,
) -> str:
    """Write a page with the answer, its proof, figures, rankings and the problem.

    Parameters
    ----------
    result : Result
    command_line : CommandLine
        The command line, from which the page states how to reproduce it.
    corners : ProblemCorners, optional
        The corners of the problem, to show.
    sliders : bool
        Answers at other values of the main limits, and sliders over them. Without, the page has
        no scripts.
    time_limit : float, optional
        Seconds; figures and lists that it leaves no time for are left out, and the page says so.

    Returns
    -------
    str
        HTML without network access; identical for identical input unless a time limit is reached.

    Raises
    ------
    ArgumentError
        If the time limit is negative or not finite.

    Examples
    --------
    >>> from modelsizer import Problem, report, solve
    >>> page = report(solve(Problem.load("fixed-2t-tokens")))
    >>> page.startswith("<!DOCTYPE html>")
    True
    """
    require_type("result", result, Result)
    command_line = replace(command_line, sliders=sliders and command_line.sliders)
    return page_of(result, command_line, Clock.of(time_limit), corners).html


def page_of(
    result: Result, command_line: CommandLine, clock: Clock, corners: ProblemCorners | None = None
) -> Page:
    """Write the page of `report` until the clock stops."""
    problem, solved = result.problem, result.design is not None
    if solved:
        need_matplotlib()
    ranking, whole = _ranking(result, clock.within(clock.share(4))) if solved else (Html(""), True)
    moved, hover = NONE, Html("")
    if command_line.sliders:
        moved = sliders_of(result, command_line, clock.within(clock.share(4)))
        if solved:
            hover = hover_data(result, clock.within(clock.share(4)))
    context, drawn = _context(pictures(result, clock))
    sections = [
        ("answer", "The answer", _answer(result)) if solved else None,
        ("certificate", "Certificate", tag("p", certificate(result))),
        ("limits", "Limits", _limits(result)) if result.budgets else None,
        moved.section,
        None if command_line.quick else machines_section(result, clock),
        None if command_line.quick else near_ties_section(result, clock),
        _warnings(result),
        ("corners", "Corners", _corners(corners)) if corners is not None else None,
        ("context", "Context", context),
        ("ranking", "Ranking", ranking) if solved else None,
        ("problem", "The problem", problem_section(result, command_line)),
        ("reproduce", "How to reproduce it", reproduce_section(command_line)),
    ]
    known = [section for section in sections if section is not None and section[2]]
    title = shortened(problem.name or "Unnamed problem", _LONGEST_TITLE)
    links = [tag("a", heading, href=f"#{name}") for name, heading, _ in known]
    body = [
        tag("header", tag("h1", title), _status(result, command_line), *_lead(result)),
        tag("nav", listing(links), aria_label="Contents"),
        tag("main", join((_section(*section) for section in known), "\n")),
    ]
    scripted = moved.moves or bool(hover)
    css = f"\n{CSS}\n{page_style()}\n" if scripted else f"\n{CSS}\n"
    script = f"\n{page_script()}\n" if scripted else ""
    rules = policy(css, script, connect="'none'")
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=rules),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=f"modelsizer {__version__}"),
        tag("title", title),
        tag("style", Html(css)),
    ]
    if script:
        body += [hover, tag("script", Html(script))]
    parts = (tag("head", join(head, "\n")), tag("body", join(body, "\n")))
    page = tag("html", NEWLINE, join(parts, "\n"), NEWLINE, lang="en")
    whole = whole and drawn and moved.whole and (corners is None or corners.complete)
    return Page(f"<!DOCTYPE html>\n{page}\n", whole)


def _section(name: str, heading: str, content: Html) -> Html:
    return tag("section", tag("h2", heading), NEWLINE, content, NEWLINE, id=name)


def _status(result: Result, command_line: CommandLine) -> Html:
    parts = [tag("strong", STATUS[result.status])]
    if command_line.date:
        parts.append(tag("time", command_line.date, datetime=command_line.date))
    return tag("p", join([*parts, f"modelsizer {__version__}"], " &middot; "), class_="status")


def _lead(result: Result) -> list[Html]:
    """State the answer in a sentence."""
    return [] if result.design is None else [tag("p", lead(result), class_="lead")]


def _answer(result: Result) -> Html:
    config = "\n".join(f"{name} = {value}" for name, value in architecture_rows(result))
    parts = [
        tag("h3", "Architecture"),
        block(config),
        tag("h3", "Prediction"),
        pairs((name.strip(), value) for name, value in prediction_rows(result)),
    ]
    if rows := cost_rows(result.problem, result.best):
        parts += [tag("h3", "Costs"), pairs(rows)]
    if rows := suggestion_rows(result.problem, result.best):
        parts += [tag("h3", HEADING), pairs(rows)]
    return join(parts, "\n")


def _limits(result: Result) -> Html:
    rows = limits_table(result.budgets, ("limit", "used", "at most or least", "share", ""))
    binding = frozenset(i for i, use in enumerate(result.budgets) if use.binding)
    return join([table(replace(rows, marked=binding)), tag("p", BINDS, class_="quiet")], "\n")


def _warnings(result: Result) -> tuple[str, str, Html] | None:
    if not result.warnings:
        return None
    heading = "Why" if result.status == "infeasible" else "Warnings"
    return heading.lower(), heading, listing([coded(str(warning)) for warning in result.warnings])


def _corners(found: ProblemCorners) -> Html:
    rows = corners_table(found)
    parts = [tag("p", said)] if (said := holding_sentence(found)) else []
    notes = listing(corner_notes(found), class_="quiet")
    return join([*parts, table(rows), notes], "\n")


def _context(drawn: Iterable[Drawn]) -> tuple[Html, bool]:
    """Numbered figures and the reasons for missing ones; whether no limit stopped one."""
    parts, left, number, whole = [], [], 0, True
    for picture in drawn:
        whole = whole and picture.whole
        if not picture.figures:
            left.append(f"{picture.title}: {picture.caption}.")
            continue
        ending = Ending()
        with ending:
            image = embedded(picture.figures, picture.title)
        if not ending.complete:
            left.append(f"{picture.title}: {STOPS[ending.stop]}.")
            whole = False
            continue
        number += 1
        bold = tag("strong", f"Figure {number}. {picture.title}.")
        caption = tag("figcaption", bold, " ", picture.caption)
        parts.append(tag("figure", image, NEWLINE, caption, id=f"figure-{picture.name}"))
    if left:
        parts.append(tag("p", "Not drawn:", class_="quiet"))
        parts.append(listing(left, class_="quiet"))
    return join(parts, "\n"), whole


# Lists of designs


def _ranking(result: Result, clock: Clock) -> tuple[Html, bool]:
    """Lists of designs, and whether no limit stopped them."""
    from modelsizer.optimizer.surveys.ranking import rank

    problem = result.problem
    if reason := too_many(problem):
        made = f"Not made: {reason}. `modelsizer rank` lists them."
        return tag("p", coded(made), class_="quiet"), True
    found = rank(problem, top=BEST, group_by="layers", clock=clock)
    if not found.complete:
        return tag("p", f"Not made: {STOPS[found.stop]}.", class_="quiet"), False
    parts = [
        tag("p", f"{found.feasible:,} of {counted(found.designs, 'design')} keep every limit."),
        _best(found),
        tag("h3", "The best of each depth"),
        _depths(found),
    ]
    shapes, whole = _shapes(result, clock)
    return join([*parts, *shapes], "\n"), whole


def _words(name: str) -> str:
    return name.replace("_", " ")


def _best(found: Ranking) -> Html:
    rows = best_table(found, columns_of(found, None))
    order = "most" if found.goal.sense == "maximize" else "least"
    count = len(found.best)
    which = f"The {count} designs" if count > 1 else "The one design"
    caption = f"{which} of {order} {_words(found.goal.name)}"
    made = table(replace(rows, words=_FIRST, marked=_FIRST), caption=caption)
    said = as_good(found.problem, found.goal, found.best)
    return join([made, tag("p", said, class_="quiet")], "\n") if said else made


def _depths(found: Ranking) -> Html:
    columns = [c for c in columns_of(found, None) if c not in ("layers", "heads", "kv_heads")]
    depth = found.best[0].architecture.layers
    marked = frozenset(i for i, group in enumerate(found.groups) if group.value == depth)
    caption = (
        "Designs of each depth that keep every limit, the fewest and the most parameters of them, "
        "and the best of them"
    )
    rows = replace(group_table(found, columns), words=_FIRST, marked=marked)
    return table(rows, caption=caption, long=True)


def _shapes(result: Result, clock: Clock) -> tuple[list[Html], bool]:
    """Designs of nearly the size of the optimum by depth, if there are several."""
    from modelsizer.optimizer.surveys.depth_width import InfeasibleError, depth_width

    heading = tag("h3", "Shapes of the optimum's size")
    try:
        # The optimum's depth is requested as the habitual one, so that the table includes it.
        design = result.best
        depth = design.architecture.layers
        size = design.parameters.total
        found = depth_width(result.problem, size, layers=depth, clock=clock)
    except InfeasibleError:
        return [], True
    if not found.complete:
        note = tag("p", f"Not made: {STOPS[found.stop]}.", class_="quiet")
        return [heading, note], False
    if len(found.rows) < 2:
        return [], True
    return [heading, _shape_table(found)], True


def _shape_table(found: DepthWidth) -> Html:
    rows = thinned(found)
    said: list[str] = []
    for line in notes(found):
        if line.startswith(" ") and said:
            said[-1] = join([said[-1], tag("br"), line.strip()])  # continues the previous line
        else:
            said.append(line)
    unseen = len(found.rows) - len(rows)
    if unseen:
        said.insert(0, f"{unseen} depths between those shown are left out of the table.")
    depth = None if found.habit is None else found.habit.layers
    marked = frozenset(i for i, row in enumerate(rows) if row.layers == depth)
    made = replace(shape_table(found, rows), words=_FIRST, marked=marked)
    shown = table(made, caption=of_one_size(found))
    cost = tag("p", habit_sentence(found)) if found.habit is not None else Html("")
    return join([shown, cost, listing(said, class_="quiet")], "\n")
