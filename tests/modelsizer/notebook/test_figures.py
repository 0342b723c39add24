"""Pictures of values: each is drawn by its own method, in its own figure or in given axes."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

import modelsizer as ms
from modelsizer.commands.group import COMMANDS
from modelsizer.notebook.figures import _BY_CLASS
from modelsizer.pictures.registry import PICTURES, draw
from modelsizer.plots.laws.fit import PANELS
from modelsizer.problems.shown import Drawn
from tests.support.answers import ANSWERS, answer

FIRST = ("front", "prices", "whatif", "sweep", "drawn")
"""Answers whose first picture is drawn quickly."""
OPTIONS = {"price_curve": {"budget": "serving_memory"}}


def test_every_kind_of_value_that_has_a_picture_draws_one() -> None:
    kinds = {type(answer(name)).__name__ for name in ANSWERS if isinstance(answer(name), Drawn)}
    assert kinds <= set(_BY_CLASS)
    drawn = {name for pictures in _BY_CLASS.values() for name, _, _ in pictures.values()}
    assert drawn <= set(PICTURES)
    assert tuple(_BY_CLASS["Study"]) == ("all", *PANELS)


@pytest.mark.parametrize("name", FIRST)
def test_a_value_is_drawn_as_by_its_command(name: str) -> None:
    figure = answer(name).plot(title="a title")
    assert isinstance(figure, Figure)
    picture = next(iter(_BY_CLASS[type(answer(name)).__name__]))
    assert PICTURES[picture].command.split()[0] in COMMANDS
    own = getattr(answer(name), "found", answer(name))
    assert same(figure, draw(picture, own, title="a title"))


def same(one: Figure, other: Figure) -> bool:
    texts = [[text.get_text() for axes in f.axes for text in axes.texts] for f in (one, other)]
    marks = [[len(axes.lines) + len(axes.patches) for axes in f.axes] for f in (one, other)]
    return texts[0] == texts[1] and marks[0] == marks[1] and len(one.axes) == len(other.axes)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in ANSWERS if n not in ("infeasible", "unsolved")])
def test_every_picture_of_every_value(name: str) -> None:
    if not isinstance(answer(name), Drawn):
        return
    for picture in _BY_CLASS[type(answer(name)).__name__]:
        if picture == "pairs":  # without a bootstrap
            with pytest.raises(ms.ArgumentError):
                answer(name).plot(picture)
        elif picture == "experts":  # of a dense model
            with pytest.raises(ms.ArgumentError, match="experts"):
                answer(name).plot(picture)
        else:
            assert answer(name).plot(picture, **OPTIONS.get(picture, {})).axes


def test_a_value_is_drawn_in_given_axes() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert answer("sweep").plot(ax=right) is figure
    assert right.has_data() and not left.has_data()
    with pytest.raises(ms.ArgumentError, match="ax: "):
        answer("study").plot(ax=left)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("result", {"picture": "landscap"}, r"picture: .*\(did you mean landscape\?\)"),
        ("result", {"size": "huge"}, "size: 'huge' is not wide or column"),
        ("ranking", {"time_limit": 0}, "time_limit: it left no time for what is drawn"),
        ("result", {"time_limit": -1}, "time_limit: must be"),
        ("result", {"panel": 1}, "panel: is no option of landscape"),
        ("frontier", {"isofloops": 1}, "isofloops: is no option of frontier; it takes isoflops"),
        ("infeasible", {"picture": "stack"}, "no design"),
        ("prices", {"picture": "price_curve"}, "budget: None is no limit with a price; known: "),
    ],
)
def test_what_cannot_be_drawn_says_why(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ms.ArgumentError, match=message):
        answer(name).plot(**options)


def test_nothing_to_draw_claims_no_more_than_was_proven() -> None:
    open_, none = ms.Problem.load("phone-2gb"), ms.Problem.load("phone-2gb").edit(loss=1.0)
    for problem, limit, message in (
        (open_, 1e-9, "it stopped before"),
        (none, 1e-9, "it stopped before"),
        (none, 20, "no design keeps every limit"),
    ):
        for found in (ms.rank(problem, time_limit=limit), ms.prices(problem, time_limit=limit)):
            assert found._repr_html_()
            with pytest.raises(ms.ArgumentError, match=message):
                found.plot()
    with pytest.raises(ms.ModelsizerError, match="time limit was reached"):
        ms.depth_width(open_, time_limit=1e-9)


def test_a_notebook_shows_a_figure_without_pyplot() -> None:
    content, shown = answer("sweep").plot()._repr_png_()
    assert content.startswith(b"\x89PNG") and len(content) < 200_000
    assert shown["width"] == 660


def test_without_matplotlib_one_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ms.ModelsizerError, match=r"pip install 'modelsizer\[plots"):
        answer("front").plot()
