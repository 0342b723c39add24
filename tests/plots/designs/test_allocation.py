"""Figure of the shares of parameters and FLOPs."""

from __future__ import annotations

import math
from functools import cache

import pytest
from matplotlib.figure import Figure

from modelsizer.plots.designs.allocation import allocation
from modelsizer.plots.drawing.style import FILLS, HATCHES
from modelsizer.problems.architecture.allocation import (
    HELD,
    SPENT,
    active_parts,
    allocate,
    total_parts,
)
from modelsizer.problems.architecture.sources import load_architecture
from tests.support.figure_checks import check

CONTEXTS = (1, 4096, 32768, 131072)


@cache
def drawn(name: str, size: str) -> Figure:
    title = f"{name}, with a title so long that it cannot but break somewhere before it ends"
    return allocation(allocate(load_architecture(name), CONTEXTS), title, size)


def _pieces(figure: Figure) -> list[tuple[int, float, float, str, str]]:
    """Row, left end, width, colour and hatch of every piece of a bar."""
    from matplotlib.colors import to_hex

    (axes,) = figure.axes
    return [
        (round(p.get_y() + p.get_height() / 2), p.get_x(), p.get_width(),
         to_hex(p.get_facecolor()), p.get_hatch())
        for p in axes.patches
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("deepseek-v3", "wide"),
        ("deepseek-v3", "column"),
        ("gpt2", "wide"),
        ("mistral-7b", "column"),
    ],
)
def test_bars_are_the_shares(name: str, size: str) -> None:
    found, figure = allocate(load_architecture(name), CONTEXTS), drawn(name, size)
    check(figure)
    p = found.parameters
    wholes = [[total_parts(p)[part] for part in HELD]]
    if p.active != p.total:
        wholes.append([active_parts(p)[part] for part in HELD])
    # Norms and what joins an embedding of another width are drawn as one.
    wholes = [[e, a, f, n + o, h] for e, a, f, n, o, h in wholes]
    wholes += [[getattr(flops, part) for part in SPENT] for flops in found.forward]
    pieces = _pieces(figure)
    for row, parts in enumerate(wholes):
        shares = [100 * part / sum(parts) for part in parts]
        lefts = [math.fsum(shares[:i]) for i in range(len(shares))]
        wanted = [(left, share) for left, share in zip(lefts, shares, strict=True) if share >= 0.5]
        shown = [(left, width) for at, left, width, _, _ in pieces if at == row]
        assert [x for pair in shown for x in pair] == pytest.approx([x for w in wanted for x in w])
    assert len(figure.axes[0].get_yticks()) == len(wholes)


def test_a_part_looks_the_same_in_every_bar_and_in_the_key() -> None:
    figure = drawn("deepseek-v3", "wide")
    looks = {(colour, hatch) for *_, colour, hatch in _pieces(figure)}
    assert len({colour for colour, _ in looks}) == len(looks)
    assert looks <= {(c, h) for c, h in zip(FILLS, HATCHES, strict=True)}
    (legend,) = figure.legends
    assert len(legend.get_patches()) == len(looks)
    below = legend.get_window_extent().y1
    assert below < figure.axes[0].get_window_extent().y0  # outside the data
    words = [text.get_text() for text in figure.axes[0].texts]
    assert "feed-forward 98 %" in words  # 657.8B of 671.0B
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[0] == "671B parameters\nheld"
    assert labels[-1] == "728 GFLOPs a token\nat 131,072 tokens"


def test_words_are_inside_their_parts() -> None:
    figure = drawn("mistral-7b", "column")
    (axes,) = figure.axes
    pieces = _pieces(figure)
    texts = [text for text in axes.texts if text.get_visible()]
    assert texts
    for text in texts:
        x, y = text.get_position()
        left, width = next(
            (left, width) for row, left, width, _, _ in pieces
            if row == y and left <= x <= left + width
        )  # fmt: skip
        box = text.get_window_extent()
        ends = axes.transData.transform([(left, y), (left + width, y)])[:, 0]
        assert ends[0] <= box.x0 <= box.x1 <= ends[1]
        assert float(text.get_text().split()[-2]) == pytest.approx(width, abs=0.5)


def test_a_figure_of_parameters_alone_and_a_size_that_is_none() -> None:
    check(allocation(allocate(load_architecture("gpt2"))))
    with pytest.raises(ValueError, match="not a size"):
        allocation(allocate(load_architecture("gpt2")), size="poster")
