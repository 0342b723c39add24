"""Hooks of mkdocs: what pages get when the site is built.

The pages under ``docs/`` are complete for a reader of the repository, but for the lists that
`docs.building.reference` makes of the program itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

from docs.building import links, outputs, reference

ROOT = Path(__file__).parents[2]


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each file outside ``docs/`` that a page links to."""
    for path in links.outside(ROOT):
        text = (ROOT / path).read_text()
        files.append(File.generated(config, links.page_of(path), content=links.shown(path, text)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The text of a page as the site has it."""
    uri = page.file.src_uri
    return links.rewritten(outputs.titled(reference.filled(markdown)), uri)
