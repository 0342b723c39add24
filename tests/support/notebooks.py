"""The notebooks of the documentation, run anew; as a program it stores the outputs in them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support.shared import ROOT

FOLDER = ROOT / "docs" / "notebooks"
TIMEOUT = 60  # seconds of a cell
_NOT_COMPARED = re.compile(r"\b\d+\.\d\d? s\b|<style>.*?</style>", re.DOTALL)


def names() -> list[str]:
    """Names of the notebooks."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def path_of(name: str) -> Path:
    """The file of a notebook."""
    return FOLDER / f"{name}.ipynb"


def stored(name: str) -> Any:
    """A notebook as it is stored."""
    import nbformat

    return nbformat.read(path_of(name), as_version=4)


def run(asked: Sequence[str]) -> dict[str, Any]:
    """Notebooks with the outputs of a run, one after the other in one kernel, without the times."""
    from nbclient import NotebookClient

    found = {name: stored(name) for name in asked}
    whole = stored(asked[0])
    whole.cells = [cell for notebook in found.values() for cell in notebook.cells]
    NotebookClient(
        whole,
        timeout=TIMEOUT,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(FOLDER)}},
    ).execute()
    for cell in whole.cells:
        cell.metadata.pop("execution", None)  # when it ran
    return found


def texts(notebook: Any) -> Iterator[tuple[int, str, str]]:
    """Cell, kind and text of every output that is text, without seconds."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            data = {"text/plain": output["text"]} if "text" in output else output.get("data", {})
            for kind, text in sorted(data.items()):
                if kind.startswith("text/"):
                    yield number, kind, _NOT_COMPARED.sub("", "".join(text))


if __name__ == "__main__":
    import nbformat

    for each in sys.argv[1:] or names():
        nbformat.write(run([each])[each], path_of(each))
