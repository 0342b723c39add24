"""Notebooks run, and their outputs are those that are stored in them."""

from __future__ import annotations

from functools import cache
from itertools import zip_longest
from typing import Any

import pytest

from tests.support import notebooks

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

AT_LENGTH = ("own_runs",)
"""Of seconds: its bootstrap, plan and pictures are those of other default tests."""
LARGEST = 400_000  # bytes of a file


@cache
def run_all(at_length: bool) -> dict[str, Any]:
    """The notebooks that run by default, anew in one kernel, or the others."""
    return notebooks.run([n for n in notebooks.names() if (n in AT_LENGTH) == at_length])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in AT_LENGTH else [])
        for name in notebooks.names()
    ],
)
@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore")
def test_outputs_are_those_of_a_run(name: str) -> None:
    kept, now = notebooks.stored(name), run_all(name in AT_LENGTH)[name]
    for one, other in zip_longest(notebooks.texts(kept), notebooks.texts(now)):
        assert one == other


@pytest.mark.parametrize("name", notebooks.names())
def test_a_notebook_is_small_and_whole(name: str) -> None:
    found = notebooks.stored(name)
    assert notebooks.path_of(name).stat().st_size < LARGEST
    assert found.cells[0].source.startswith("# ")
    for cell in found.cells:
        if cell.cell_type == "code":
            assert cell.outputs, cell.source
            assert not any(output.output_type == "error" for output in cell.outputs)
    assert str(notebooks.ROOT) not in notebooks.path_of(name).read_text()


def test_the_notebooks_that_are_promised_are_there() -> None:
    assert notebooks.names() == ["cluster", "mixture", "own_runs", "tutorial"]
