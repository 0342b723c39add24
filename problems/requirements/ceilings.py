"""Limits that bound the requests at once: those of costs that the batch raises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from modelsizer.problems.quantities.batches import raised_by_batch
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements.budgets import SERVING
from modelsizer.problems.requirements.device_limits import usable_for_serving
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.units import exact


def ceilings(serving: Serving, limits: Mapping[str, Interval]) -> tuple[tuple[str, Fraction], ...]:
    """Return upper limits on costs that the batch raises, by name.

    The memory of the accelerators is one whatever the budgets say of it: requests that do not fit
    are not served at once.
    """
    usable = usable_for_serving(serving)
    if usable is None:
        return ()
    found = {SERVING: Fraction(usable)}
    for name in raised_by_batch(QUANTITIES):
        limit = limits.get(name)
        if limit is not None and limit.max is not None:
            found[name] = min(exact(limit.max), found.get(name, exact(limit.max)))
    return tuple(found.items())


def least_requests(limits: Mapping[str, Interval]) -> int:
    """Return the requests at once that a limit asks for; 1 without one."""
    limit = limits.get("concurrency")
    return 1 if limit is None or limit.min is None else max(1, math.ceil(exact(limit.min)))
