"""Draw growth*.png and rivals.png of docs/explanation from the results of the other benchmarks.

Times are CPU seconds, which vary least on a machine with other users.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks import growth, solvers
from benchmarks.points import ENDLESS
from modelsizer.pictures.registry import draw
from modelsizer.plots import save

DOCS = Path("docs/explanation")
BACK_ENDS = ("scipy", "pulp")  # beside `bound`, whose search they use
EXACT = 1e-9  # nats; a smaller gap counts as zero


def growth_rows(rows: list[dict[str, Any]]) -> list[tuple[str, float, float, float, bool]]:
    """Rows of the picture of growth: solvers that run until they finish."""
    return [
        (r["solver"], r["designs"], r["cpu"], r["megabytes"], r["seconds"] < 0.9 * growth.LIMIT)
        for r in rows
        if r["solver"] not in (*ENDLESS, *BACK_ENDS)
    ]


def rival_rows(problem: dict[str, Any]) -> list[tuple[str, float, bool, str]]:
    """Rows of the solvers on one problem, fastest first."""
    found = []
    for r in sorted(problem["rows"], key=lambda r: r["cpu"]):
        gap = r["gap"]
        note = "no design" if gap is None else "" if gap <= EXACT else f"{gap:.2g} nats worse"
        if r["solver"] in ENDLESS:
            note = f"all it was given{', ' if note else ''}{note}"
        found.append((r["solver"], r["cpu"], r["proof"], note))
    return found


def main() -> None:
    families = json.loads(growth.RESULTS.read_text())
    for family, name in (("dense", "growth.png"), ("mixed", "growth_mixed.png")):
        if family in families:
            save(draw("growth", growth_rows(families[family]["rows"])), DOCS / name)
    problems = json.loads(solvers.RESULTS.read_text())["problems"]
    reference = next(p for p in problems if p["problem"] == solvers.REFERENCE)
    save(draw("rivals", rival_rows(reference)), DOCS / "rivals.png")


if __name__ == "__main__":
    main()
