"""Print measured over predicted, and draw it: `python -m benchmarks.measured DATA [PICTURE]`.

Beside the picture of all quantities goes one of decode steps, with `-steps` in its name.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.measured.held_out import checked, print_left_out
from benchmarks.measured.table import all_rows, shares, summary


def main() -> None:
    data = Path(sys.argv[1])
    rows = all_rows(data)
    print(f"{'quantity':17}{'engine':14}{'device':20}{'rows':>5}{'median':>8}{'10 %':>7}"
          f"{'90 %':>7}{'in 20 %':>9}{'in 2x':>7}")  # fmt: skip
    for quantity, engine, device, n, middle, low, high, near, twice in summary(rows):
        print(f"{quantity:17}{engine:14}{device:20}{n:5}{middle:8.2f}{low:7.2f}{high:7.2f}"
              f"{near:9.0%}{twice:7.0%}")  # fmt: skip
    for quantity in [*dict.fromkeys(r.quantity for r in rows), "all"]:
        x = np.array([r.ratio for r in rows if quantity in (r.quantity, "all")])
        near, twice = shares(x)
        print(f"{quantity:17}{'':34}{len(x):5}{np.median(x):8.2f}{np.quantile(x, 0.1):7.2f}"
              f"{np.quantile(x, 0.9):7.2f}{near:9.0%}{twice:7.0%}")  # fmt: skip
    print_left_out(data)
    if len(sys.argv) > 2:
        from modelsizer.pictures.registry import draw
        from modelsizer.plots import save

        figure = draw("predictions", [(r.quantity, r.measured, r.predicted) for r in rows])
        picture = Path(sys.argv[2])
        save(figure, picture)
        steps = [
            (row.case.engine, row.case.batch, row.ratio, row.left_out)
            for row in checked(data)
            if not row.case.suspect
        ]
        save(draw("steps", steps), picture.with_stem(f"{picture.stem}-steps"))


if __name__ == "__main__":
    main()
