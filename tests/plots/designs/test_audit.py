"""A model beside the best designs of its budgets: ratios, and what they are of."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from modelsizer import audit, plots
from modelsizer.optimizer.audit import Audit
from modelsizer.problems.architecture.models import models
from tests.support.covered import covered
from tests.support.figure_checks import BOTH_SIZES, check


@cache
def found(name: str) -> Audit:
    return audit(models()[name].architecture, 3e11)


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("name", ["gpt-3-175b", "qwen3-30b-a3b"])
def test_marks_are_ratios_to_the_model(name: str, size: str) -> None:
    of = found(name)
    figure = plots.audit(of, "a model of $5 and $6", title="x", size=size)
    check(figure)
    assert not covered(figure)
    axes = figure.axes[0]
    rows = [label.get_text().split("\n")[0] for label in axes.get_yticklabels()]
    mixture = of.model.parameters.active != of.model.parameters.total
    assert ("active parameters" in rows) == mixture
    best, cheap = of.optimum.best, of.cheapest.best
    marks = {
        (line.get_marker(), round(float(y))): float(x)
        for line in axes.lines
        if line.get_marker() in ("o", "s")
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)  # type: ignore[arg-type]
    }
    for quantity in ("training_flops", "serving_memory"):
        at = rows.index(quantity.replace("_flops", " FLOPs").replace("_", " "))
        own = float(of.model.exact[quantity])
        assert marks["o", at] == pytest.approx(float(best.exact[quantity]) / own)
        assert marks["s", at] == pytest.approx(float(cheap.exact[quantity]) / own)
        assert axes.get_yticklabels()[at].get_fontweight() == "bold"
    assert axes.get_yticklabels()[rows.index("layers")].get_fontweight() == "normal"
    legend = [text.get_text() for each in figure.legends for text in each.get_texts()]
    assert len(legend) == 3 and legend[0].startswith("a model of $5 and $6, loss ")


def test_not_proven_is_hollow_and_none_is_refused() -> None:
    of = found("gpt-3-175b")
    late = replace(of, optimum=replace(of.optimum, status="limit", stop="time"))
    figure = plots.audit(late)
    faces = {
        line.get_marker(): line.get_markerfacecolor()
        for line in figure.axes[0].lines
        if line.get_marker() in ("o", "s")
    }
    assert faces["o"] == "white" != faces["s"]
    assert "so far" in figure.legends[0].get_texts()[1].get_text()
    nothing = replace(of.optimum.objective, value=None)
    empty = replace(of.optimum, design=None, objective=nothing, status="limit", stop="time")
    none = replace(of, optimum=empty, cheapest=empty)
    with pytest.raises(ValueError, match="no design was found"):
        plots.audit(none)
