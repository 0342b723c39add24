"""Labels of the picture of memory."""

import io
from fractions import Fraction

import matplotlib as mpl
import pytest

from modelsizer.plots import memory
from modelsizer.plots.drawing.style import SIZES, STYLE
from modelsizer.problems.designs.memory_parts import MemoryParts

GB = 10**9
PARTS = ("embedding and head", "gradients", "optimizer states", "activations")


@pytest.mark.parametrize("size", ["wide", "column"])
@pytest.mark.parametrize("total", [10, 80, 100, 130, 165, 200, 260, 400, 900])
def test_no_label_of_a_limit_leaves_the_picture(size: str, total: int) -> None:
    parts = tuple((name, Fraction(total * GB, len(PARTS))) for name in PARTS)
    device = 85_059_108_864
    first = MemoryParts("serving_memory", parts[:1], None, "H100-SXM", device, 1)
    panel = MemoryParts("training_memory", parts, None, "H100-SXM", device, 64)
    figure = memory([first, panel], size=size)
    with mpl.rc_context({**STYLE, "font.size": SIZES[size].font}):  # as it is written to a file
        figure.savefig(io.BytesIO(), dpi=figure.dpi)
        axes = figure.axes[1]
        found = [text for text in axes.texts if text.get_text().startswith("H100-SXM 85.1 GB,")]
        assert len(found) == 1
        box = found[0].get_window_extent()
    assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
