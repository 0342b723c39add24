"""Links of the pages, as a reader of the repository follows them and as the site has them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from docs.building import notebooks

DOCS = "docs"
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"^(`{3,}).*?^\1[ ]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_INDENTED = re.compile(r"(?:^|(?<=\n\n))(?:    .*\n|\n)+", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_SHOWN = {".toml": "toml", ".py": "python", ".csv": "text", ".json": "json"}


def prose(markdown: str) -> str:
    """The text of a page without blocks of code."""
    return _INDENTED.sub("\n", _FENCE.sub("", markdown))


def linked(markdown: str) -> Iterator[str]:
    """Targets of all links and images of a page."""
    text = _CODE.sub(lambda m: "x" if "](" in m[0] else m[0], prose(markdown))
    for match in _LINK.finditer(text):
        yield match[3]
        yield from linked(match[2])


def anchors(markdown: str) -> set[str]:
    """Anchors of the headings of a page, as repositories and the site make them."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(markdown)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        name, number = slug, 0
        while name in found:
            number += 1
            name = f"{slug}_{number}"
        found.add(name)
    return found


def target(page: str, link: str) -> str:
    """The path, from the root of the repository, that a link of a page leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link.partition("#")[0]))


def is_foreign(link: str) -> bool:
    """Whether a link leads to another host."""
    return "://" in link or link.startswith("mailto:")


def outside(root: Path) -> list[str]:
    """Files of the repository outside ``docs/`` that pages of ``docs/`` link to."""
    found = set()
    for page in (root / DOCS).rglob("*.md"):
        name = page.relative_to(root).as_posix()
        for link in linked(page.read_text()):
            if not is_foreign(link) and not link.startswith("#"):
                path = target(name, link)
                if not path.startswith(f"{DOCS}/") and (root / path).is_file():
                    found.add(path)
    return sorted(found)


def page_of(path: str) -> str:
    """The page of the site that shows a file from outside ``docs/``."""
    return f"files/{path}.md"


def shown(path: str, text: str) -> str:
    """The text of that page."""
    if path.endswith(".md"):
        return text
    return f"# {path}\n\n```{_SHOWN.get(posixpath.splitext(path)[1], 'text')}\n{text}```\n"


def rewritten(markdown: str, uri: str) -> str:
    """A page of the site whose links to notebooks and to files outside ``docs/`` lead to pages.

    Parameters
    ----------
    markdown : str
    uri : str
        Of the page, from ``docs/``.
    """
    page = f"{DOCS}/{uri}"

    def replaced(match: re.Match[str]) -> str:
        mark, text, link = match.groups()
        text = _LINK.sub(replaced, text)
        if is_foreign(link) or link.startswith("#") or uri.startswith("files/"):
            return f"{mark}[{text}]({link})"
        path, anchor = target(page, link), link.partition("#")[2]
        if not path.startswith(f"{DOCS}/"):
            link = posixpath.relpath(page_of(path), posixpath.dirname(uri) or ".")
            link += f"#{anchor}" if anchor else ""
        elif link.endswith(notebooks.SUFFIX) and posixpath.dirname(path) != posixpath.dirname(page):
            link = notebooks.page_of(link)
        return f"{mark}[{text}]({link})"

    return _LINK.sub(replaced, markdown)
