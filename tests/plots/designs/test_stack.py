"""Strips of layers: a box for each part of each layer, in its place and colour."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from modelsizer.plots import stack
from modelsizer.plots.designs.layer_styles import layer_part
from modelsizer.problems.architecture.models import models
from tests.support.figure_checks import BOTH_SIZES, check

NAMES = ("gemma-3-27b", "deepseek-v3", "nemotron-3-nano-30b-a3b", "falcon-h1-0.5b")
SHAPES = {name: models()[name].architecture for name in NAMES}


def boxes(figure: Figure, family: str, row: int) -> dict[int, float]:
    """Layer and height of the boxes of a family in a strip, counted from the bottom."""
    found: dict[int, float] = {}
    for collection in figure.axes[0].collections:
        assert isinstance(collection, PolyCollection)
        if to_hex(collection.get_facecolor()[0]) == layer_part(family).colour:  # type: ignore[index]
            for path in collection.get_paths():
                (x, low), (_, high) = path.vertices.min(axis=0), path.vertices.max(axis=0)  # type: ignore[union-attr]
                if row <= low < row + 1:
                    found[int(x)] = float(high - low)
    return found


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_every_layer_is_in_its_place(size: str) -> None:
    figure = stack(SHAPES, title="four models", size=size)
    check(figure)
    full, window = boxes(figure, "full", 3), boxes(figure, "window", 3)
    assert sorted(full) == [6 * n - 1 for n in range(1, 11)]
    assert sorted([*full, *window]) == list(range(62))
    assert max(window.values()) < min(full.values())
    assert sorted(boxes(figure, "dense", 2)) == [0, 1, 2]
    assert sorted(boxes(figure, "experts", 2)) == list(range(3, 61))
    hybrid = SHAPES["nemotron-3-nano-30b-a3b"].stack()
    assert hybrid is not None
    mixers = sorted([*boxes(figure, "mamba", 1), *boxes(figure, "full", 1)])
    assert len(mixers) == 29 and sorted([*mixers, *boxes(figure, "experts", 1)]) == list(range(52))
    both = boxes(figure, "full", 0), boxes(figure, "mamba", 0)
    assert list(both[0]) == list(both[1])
    assert np.allclose(list(both[0].values()), list(both[1].values()))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["full attention", "windowed attention", "latent attention", "state space",
                      "dense feed-forward", "experts"]  # fmt: skip


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_words_fit_whatever_the_name(size: str) -> None:
    name = "a folder with a name that is longer than any name has a right to be"
    figure = stack({name: SHAPES["nemotron-3-nano-30b-a3b"]}, size=size)
    check(figure)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert any("31.6B" in text for text in texts)


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="no model"):
        stack({})
    with pytest.raises(ValueError, match="not a size"):
        stack(SHAPES, size="poster")
