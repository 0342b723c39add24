"""What goes wrong in a page of a browser: errors, and requests to other hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page

OWN_HOSTS = frozenset({"127.0.0.1", "localhost"})
INSIDE = frozenset({"about", "blob", "data", "file"})  # schemes that leave no machine

Opened = Callable[..., "Page"]
"""Opens an address in a window of its own: the address, its width, its height, options."""


def watch(page: Page, faults: list[str]) -> None:
    """Note errors and warnings on the console, exceptions, and requests to another host."""

    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"console {message.type}: {message.text}")

    def requested(request: Any) -> None:
        where = urlsplit(request.url)
        if where.scheme not in INSIDE and where.hostname not in OWN_HOSTS:
            faults.append(f"a request to another host: {request.url}")

    page.on("console", said)
    page.on("pageerror", lambda error: faults.append(f"exception: {error}"))
    page.on("request", requested)
