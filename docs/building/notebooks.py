"""Notebooks as pages: their text, their code, and the outputs that are stored in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SUFFIX = ".ipynb"


def found(docs: Path) -> list[str]:
    """Notebooks below a folder, by path from it; the tutorial first."""
    paths = (p.relative_to(docs).as_posix() for p in docs.rglob(f"*{SUFFIX}"))
    return sorted(paths, key=lambda path: (not path.endswith(f"tutorial{SUFFIX}"), path))


def page_of(path: str) -> str:
    """The page of the site that shows a notebook."""
    return path.removesuffix(SUFFIX) + ".md"


def shown(path: str, text: str) -> str:
    """The text of that page.

    Parameters
    ----------
    path : str
        Of the notebook, from ``docs/``.
    text : str
        The notebook, of format 4.
    """
    first, *rest = (_cell(cell) for cell in json.loads(text)["cells"])
    name = path.rpartition("/")[2]
    return "\n\n".join([first, f"This page is [a notebook]({name}): download it to run it.", *rest])


def _cell(cell: Mapping[str, Any]) -> str:
    source = _text(cell["source"])
    if cell["cell_type"] != "code":
        return source
    outputs = (_output(each) for each in cell["outputs"])
    return "\n\n".join([f"```python\n{source}\n```", *filter(None, outputs)])


def _output(output: Mapping[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"```text\n{_text(output['text']).rstrip()}\n```"
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="notebook-output">\n{_unbroken(_text(data["text/html"]))}\n</div>'
    if "image/svg+xml" in data:
        return _unbroken(_text(data["image/svg+xml"]))
    if "image/png" in data:
        image = "".join(_text(data["image/png"]).split())
        return f'<img alt="Output of the cell above" src="data:image/png;base64,{image}">'
    if "text/plain" in data:
        return f"```text\n{_text(data['text/plain'])}\n```"
    return ""


def _unbroken(html: str) -> str:
    """HTML without empty lines, which would end it in Markdown."""
    return "\n".join(line for line in html.splitlines() if line.strip())


def _text(lines: str | Iterable[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)
