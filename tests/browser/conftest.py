"""A headless Chromium of the system; an error of a page or a foreign request fails its test."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browsers import Opened, watch
from tests.support.live_pages import Live, LivePage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from modelsizer.live.desk import Desk
    from modelsizer.live.server import Server

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
    arguments.append("--disable-gpu")  # whose place software takes, at more time
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


@pytest.fixture(scope="package")
def serve() -> Iterator[Callable[[str], str]]:
    """A function from a problem, by its name or path, to the address of its live page."""
    from modelsizer.commands.live_report import report_of
    from modelsizer.live import desk as desks
    from modelsizer.live import server as servers
    from modelsizer.live.routes import answers_of, page_of

    running: dict[str, tuple[Server, Desk]] = {}

    def address(source: str) -> str:
        if source not in running:
            desk = desks.Desk(source, report_of)
            server = servers.Server(0, lambda: page_of(desk), answers_of(desk))
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            running[source] = server, desk
        return running[source][0].url

    yield address
    for server, desk in running.values():
        server.shutdown()
        server.server_close()
        desk.close(5.0)


@pytest.fixture
def live(open_page: Opened, serve: Callable[[str], str]) -> Live:
    """A function that opens the live page of a problem; see `Live`."""

    def opened(source: str = "phone-2gb", fragment: str = "", **options: Any) -> LivePage:
        page = open_page(serve(source) + fragment, **options)
        page.wait_for_selector(".badge:not(:empty)")
        return LivePage(page)

    return opened
