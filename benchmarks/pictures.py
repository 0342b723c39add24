"""Draw docs/growth.png and docs/rivals.png from the results of the other benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks import growth, solvers
from modelsizer.pictures.registry import draw
from modelsizer.plots import save

DOCS = Path("docs")
EXACT = 1e-9  # nats; a smaller gap counts as zero


def growth_rows(rows: list[dict[str, Any]]) -> list[tuple[str, float, float, float, bool]]:
    """Rows of the picture of growth: solvers that run until they finish."""
    return [
        (r["solver"], r["designs"], r["seconds"], r["megabytes"], r["seconds"] < growth.LIMIT)
        for r in rows
        if r["solver"] not in growth.ENDLESS
    ]


def rival_rows(problem: dict[str, Any]) -> list[tuple[str, float, bool, str]]:
    """Rows of the solvers on one problem, fastest first."""
    found = []
    for r in sorted(problem["rows"], key=lambda r: r["seconds"]):
        gap = r["gap"]
        note = "no design" if gap is None else "" if gap <= EXACT else f"{gap:.2g} nats worse"
        if r["solver"] in solvers.ENDLESS:
            note = f"all it was given{', ' if note else ''}{note}"
        found.append((r["solver"], r["seconds"], r["proof"], note))
    return found


def main() -> None:
    rows = json.loads(growth.RESULTS.read_text())["rows"]
    save(draw("growth", growth_rows(rows)), DOCS / "growth.png")
    problems = json.loads(solvers.RESULTS.read_text())["problems"]
    reference = next(p for p in problems if p["problem"] == solvers.REFERENCE)
    save(draw("rivals", rival_rows(reference)), DOCS / "rivals.png")


if __name__ == "__main__":
    main()
