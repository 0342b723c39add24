"""The picture of users against context: a line for each machine."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer import plots
from modelsizer.problems.designs.users import Load, Server
from tests.support.figure_checks import check

CONTEXTS = (4096, 8192, 10_000, 65536)
SERVERS = [
    Server("wide", tuple(Load(c, n) for c, n in zip(CONTEXTS, (900, 450, 300, 50), strict=True))),
    Server("short", tuple(Load(c, n) for c, n in zip(CONTEXTS, (7, 3, 1, 0), strict=True))),
    Server("none", tuple(Load(c, 0) for c in CONTEXTS)),
    Server("unknown", tuple(Load(c, None) for c in CONTEXTS), "its memory is not known"),
]


@pytest.mark.parametrize("size", ["wide", "column"])
def test_a_line_ends_where_no_request_fits(size: str) -> None:
    figure = plots.users(SERVERS, title="x", size=size)
    check(figure)
    axes = figure.axes[0]
    lines = [
        np.asarray(line.get_xydata()).tolist()
        for line in axes.lines
        if line.get_transform() == axes.transData and line.get_linestyle() != "None"
    ]
    assert lines == [
        [[4096, 900], [8192, 450], [10_000, 300], [65536, 50]],
        [[4096, 7], [8192, 3], [10_000, 1]],
    ]
    assert {text.get_text() for text in axes.texts} == {
        "wide", "short", "none fits: none\nnot known: unknown",
    }  # fmt: skip
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["4k", "8k", "64k"]  # 10,000 is too near


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="not one request fits"):
        plots.users(SERVERS[2:])
