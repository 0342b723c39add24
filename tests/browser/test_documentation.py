"""Pages of the documentation's site fit a narrow screen, and need no other host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.browsers import Opened
from tests.support.shared import ROOT

pytestmark = pytest.mark.slow
NARROW = 420
BROKEN = "[...document.images].filter(i => !i.naturalWidth).map(i => i.src.slice(0, 80))"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew."""
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra docs)")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    subprocess.run(
        [*command, "--site-dir", folder],
        check=True, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    return folder


def test_pages_fit_a_narrow_screen(site: Path, open_page: Opened) -> None:
    pages = sorted(page for page in site.rglob("*.html") if page.name != "404.html")
    assert len(pages) > 30
    window = open_page(pages[0].as_uri(), NARROW)
    for page in pages:
        window.goto(page.as_uri())
        assert window.evaluate("document.documentElement.scrollWidth") <= NARROW, page
        assert window.evaluate(BROKEN) == [], page
