"""Draw docs/how-to/live-page.png: the live page of the tutorial's problem, in a browser.

``python -m docs.building.live_picture`` needs playwright and a Chromium on the path.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parents[1]
PICTURE = DOCS / "how-to/live-page.png"
WIDTH, HEIGHT = 1400, 1000
SETTLED = 2000  # milliseconds until the drawings are there


def main() -> None:
    """Serve the problem, draw its page and end the server."""
    command = [sys.executable, "-m", "modelsizer", "serve", "cluster.toml", "--no-open"]
    server = subprocess.Popen(
        [*command, "--port", "0"], cwd=DOCS, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        _draw(address)
    finally:
        server.terminate()
        server.wait()


def _draw(address: str) -> None:
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(address)
        page.wait_for_timeout(SETTLED)
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
