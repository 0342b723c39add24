"""A headless Chromium of the system; an error of a page or a foreign request fails its test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browsers import Opened, watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 10_000  # milliseconds that a browser may take for what is asked of it


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a worker; ended with them, as its event loop hinders others."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser on the path: none of {', '.join(PROGRAMS)}")
    # Chromium refuses to run as root inside its sandbox.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@pytest.fixture
def faults() -> list[str]:
    """Errors of pages, and requests to other hosts: a test may take out those that it provokes."""
    return []


@pytest.fixture
def open_page(browser: Browser, faults: list[str]) -> Iterator[Opened]:
    """A function that opens an address in a window of its own.

    Its arguments are the address, the width and the height of the window, and any of those of
    playwright's `Browser.new_context`.
    """
    contexts = []

    def opened(address: str, width: int = 1400, height: int = 900, **options: Any) -> Page:
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watch(page, faults)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)
