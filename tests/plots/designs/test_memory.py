"""Labels of the picture of memory."""

from fractions import Fraction

import pytest

from modelsizer.plots import memory
from modelsizer.problems.designs.memory_parts import MemoryParts
from tests.support.figure_checks import BOTH_SIZES, check

GB = 10**9
PARTS = ("embedding and head", "gradients", "optimizer states", "activations")
DEVICE = 85_059_108_864


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("limit", [None, 64 * GB])
@pytest.mark.parametrize("total", [80, 130, 165, 260, 900])
def test_labels_of_limits_stay_in_the_picture(size: str, limit: int | None, total: int) -> None:
    parts = tuple((name, Fraction(total * GB, len(PARTS))) for name in PARTS)
    first = MemoryParts("serving_memory", parts[:1], None, "H100-SXM", DEVICE, 1)
    second = MemoryParts("training_memory", parts, limit, "H100-SXM", DEVICE, 64)
    check(memory([first, second], size=size))
