"""Pictures are drawn into the caller's axes where one axes serves, and refuse them otherwise."""

from __future__ import annotations

import inspect

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from modelsizer import plots
from modelsizer.pictures.gallery import SHOWN
from modelsizer.pictures.registry import PICTURES, draw
from modelsizer.problems.laws.pages import LAW_PAGES

ROWS = [("price of $5 and $6", 1.0, 2.0, "a", "b"), ("memory", 1.4, None, "low", "high")]
SEVERAL = {"frontier", "kinds", "memory", "shapes"}


def test_every_figure_function_takes_axes() -> None:
    for name in set(plots.__all__) - {"save"}:
        own = inspect.signature(getattr(plots, name)).parameters["ax"]
        assert (own.default, own.kind) == (None, own.KEYWORD_ONLY), name


def test_what_is_drawn_into_axes_is_the_figure_of_its_own() -> None:
    alone = plots.tornado(ROWS, 1.5, title="x")
    figure = Figure(figsize=(14.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.set_title("kept")
    before = dict(mpl.rcParams)
    assert plots.tornado(ROWS, 1.5, title="x", ax=right) is figure
    assert dict(mpl.rcParams) == before
    drawn, own = right, alone.axes[0]
    assert [text.get_text() for text in drawn.texts] == [text.get_text() for text in own.texts]
    assert [p.get_bbox().bounds for p in drawn.patches] == [
        p.get_bbox().bounds for p in own.patches
    ]
    assert drawn.get_title(loc="left") == "x" and drawn.get_xlabel() == own.get_xlabel()
    labels = [label.get_text() for label in drawn.get_yticklabels()]
    assert "price of $5 and $6" in labels
    assert not any(label.get_parse_math() for label in drawn.get_yticklabels())
    assert left.get_title() == "kept" and not left.texts and not left.lines


def test_the_room_of_the_axes_is_that_of_the_picture() -> None:
    page = LAW_PAGES["besiroglu-2024"]
    sizes = []
    for columns in (1, 4):
        figure = Figure(figsize=(9.0, 3.0), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False)[0, 0]
        plots.law_curves(page, title="a title of some words that fill more than one short line",
                         ax=axes)  # fmt: skip
        sizes.append((axes.texts[0].get_fontsize(), axes.get_title(loc="left").count("\n")))
    assert sizes[0][0] > sizes[1][0] and sizes[0][1] < sizes[1][1]


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) for n in SHOWN])
def test_pictures_of_the_gallery_in_axes(name: str) -> None:
    example = PICTURES[name].example
    assert example is not None
    answer, title = example.answer()
    figure = Figure(figsize=(13.0, 4.2), layout="constrained")
    _, right = figure.subplots(1, 2)
    if name in SEVERAL:
        with pytest.raises(ValueError, match="draws several axes, so it takes no ax"):
            draw(name, answer, title=title, ax=right)
        return
    assert draw(name, answer, title=title, ax=right) is figure
    assert right.has_data()


def test_bad_axes() -> None:
    figure = Figure()
    for wrong in (figure, figure.subplots(1, 2), "x"):
        with pytest.raises(ValueError, match="must be one axes of matplotlib"):
            plots.tornado(ROWS, 1.5, ax=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="memory draws several axes"):
        plots.memory([], ax=figure.add_subplot())
