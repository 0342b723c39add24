"""Links, anchors and images of README and docs lead somewhere."""

from __future__ import annotations

from functools import cache

import pytest

from docs.building import links, notebooks, reference
from tests.support.shared import ROOT

PAGES = [
    "README.md",
    "CHANGELOG.md",
    *sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md")),
]

NOTEBOOKS = [f"docs/{path}" for path in notebooks.found(ROOT / "docs")]


@cache
def text(page: str) -> str:
    read = (ROOT / page).read_text()
    return notebooks.shown(page, read) if page in NOTEBOOKS else reference.filled(read)


@cache
def anchors(page: str) -> set[str]:
    return links.anchors(text(page))


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS])
def test_links_lead_somewhere(page: str) -> None:
    wrong = []
    for link in links.linked(text(page)):
        if links.is_foreign(link):
            continue
        path = page if link.startswith("#") else links.target(page, link)
        anchor = link.partition("#")[2]
        if not (ROOT / path).exists() or (anchor and anchor not in anchors(path)):
            wrong.append(link)
    assert wrong == []


def test_what_is_checked() -> None:
    page = "# A `b`: c\n\n[x](a.md#y)\n\n```\n[no](no.md)\n# no\n```\n\n    [no](no.md)\n\n`[no](no)`\n"
    assert list(links.linked(page + "[![i](p.png)](q.md)\n")) == ["a.md#y", "q.md", "p.png"]
    assert links.anchors(page + "## A b c\n") == {"a-b-c", "a-b-c_1"}
    assert sum(len(list(links.linked(text(page)))) for page in PAGES) > 100


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in PAGES[2:]:
        assert f" {page.removeprefix('docs/')}\n" in navigation, page
