"""Notebooks run, and their outputs are those that are stored in them."""

from __future__ import annotations

from itertools import zip_longest

import pytest

from tests.support import notebooks

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

LARGEST = 400_000  # bytes of a file


@pytest.mark.parametrize("name", notebooks.names())
@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore")
def test_outputs_are_those_of_a_run(name: str) -> None:
    kept, now = notebooks.stored(name), notebooks.run_all()[name]
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
