"""Time the live page in a browser: from the press of a key to the new answer on the screen.

`python -m benchmarks.live_browser` serves each problem, moves its first sliders stop by stop in a
headless Chromium, prints the median and the 95th percentile in milliseconds, and writes
benchmarks/results/live_browser.json. A trip is from the key event to the first frame that shows the
answer: the request, the solve, the view as JSON, and drawing it. Times are of the clock, so that
they say something on a machine at rest only: the load of the machine stands beside them.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import families

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RESULTS = Path("benchmarks/results/live_browser.json")
SOURCES = ("one-h100-1e24", "mixture-30b-a3b", "mixed:1e9")
MOVES = 20  # of each slider, there and back
SLIDERS = 3
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WAIT = 20_000  # milliseconds for one answer

# The clock of a trip starts with the key and ends in the frame after the summary has changed.
CLOCK = """() => {
  window.trips = [];
  let since = 0;
  addEventListener("keydown", (event) => { since = event.timeStamp; }, true);
  new MutationObserver(() => {
    if (!since) return;
    const start = since;
    since = 0;
    requestAnimationFrame(() => trips.push(performance.now() - start));
  }).observe(document.querySelector(".summary .short"), { childList: true });
}"""


def file_of(source: str, folder: Path) -> str:
    """The problem of a name as a live page takes it: a library name, or a file of a family."""
    family, _, size = source.partition(":")
    if not size:
        return source
    from modelsizer import Problem

    path = folder / f"{family}-{size}.toml"
    path.write_text(Problem.from_tables(families.tables(size, family)).to_toml())
    return str(path)


def trips(browser: Browser, source: str) -> list[float]:
    """Milliseconds of each trip of the live page of a problem."""
    from modelsizer.live.desk import Desk
    from modelsizer.live.routes import answers_of, page_of
    from modelsizer.live.server import Server

    desk = Desk(source)
    server = Server(0, lambda: page_of(desk), answers_of(desk))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    try:
        page.goto(server.url)
        page.evaluate(CLOCK)
        sliders = page.locator(".group").first.locator("input[type=range]:visible")
        count = 0
        for at in range(min(SLIDERS, sliders.count())):
            sliders.nth(at).focus()
            for key in ["ArrowRight"] * (MOVES // 2) + ["ArrowLeft"] * (MOVES // 2):
                page.keyboard.press(key)
                count += 1
                page.wait_for_function("count => trips.length >= count", arg=count, timeout=WAIT)
        found: list[float] = page.evaluate("trips")
        return found
    finally:
        page.close()
        server.shutdown()
        server.server_close()
        desk.close(5.0)


def measured(source: str, name: str, browser: Browser) -> dict[str, Any]:
    """Median and 95th percentile of a problem."""
    from modelsizer import Problem

    times = sorted(trips(browser, source))
    return {
        "problem": name,
        "designs": Problem.load(source).count_designs(),
        "moves": len(times),
        "median_ms": statistics.median(times),
        "p95_ms": times[int(0.95 * (len(times) - 1))],
        "load": os.getloadavg()[0],
    }


def main() -> None:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise SystemExit(f"no browser on the path: none of {', '.join(PROGRAMS)}")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    rows = []
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        print(f"{'':18}{'designs':>16}{'moves':>7}{'median':>10}{'95 %':>10}{'load':>7}")
        for name in SOURCES:
            row = measured(file_of(name, Path(folder)), name, browser)
            rows.append(row)
            print(f"{name:18}{row['designs']:16,}{row['moves']:7}{row['median_ms']:7.1f} ms"
                  f"{row['p95_ms']:7.1f} ms{row['load']:7.1f}", flush=True)  # fmt: skip
        browser.close()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
