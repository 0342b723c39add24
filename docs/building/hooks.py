"""Hooks of mkdocs: what pages get when the site is built.

The pages under ``docs/`` are complete for a reader of the repository, but for the lists that
`docs.building.reference` makes of the program itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

from docs.building import links, notebooks, outputs, reference

ROOT = Path(__file__).parents[2]


def on_config(config: Any) -> Any:
    """List the notebooks in the navigation, where it says ``notebooks/``."""
    found = [notebooks.page_of(path) for path in notebooks.found(ROOT / links.DOCS)]
    config.nav = _with_notebooks(config.nav, found)
    return config


def _with_notebooks(entries: list[Any], found: list[str]) -> list[Any]:
    shown = []
    for entry in entries:
        title, inside = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if inside == "notebooks/":
            inside = found
        elif isinstance(inside, list):
            inside = _with_notebooks(inside, found)
        shown += [] if inside == [] else [inside if title is None else {title: inside}]
    return shown


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each notebook, and for each file outside ``docs/`` that a page links to."""
    docs = ROOT / links.DOCS
    pages = {
        notebooks.page_of(path): notebooks.shown(path, (docs / path).read_text())
        for path in notebooks.found(docs)
    }
    for path in links.outside(ROOT):
        pages[links.page_of(path)] = links.shown(path, (ROOT / path).read_text())
    for uri, text in pages.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The text of a page as the site has it."""
    uri = page.file.src_uri
    return links.rewritten(outputs.titled(reference.filled(markdown)), uri)
