"""Compute a front by evaluating every design.

The nondominated designs of each piece of the space are merged with those of earlier pieces by
moocore's dimension sweep (Kung, Luccio and Preparata 1975, doi 10.1145/321906.321910).
"""

from __future__ import annotations

import numpy as np

from modelsizer.optimizer.fronts.scan import Scan
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.table import Table


class Enumeration(Scan):
    """Compute a front by evaluating every design; see `Scan`."""

    def _search(self, table: Table) -> None:
        self._look(table, Boxes(np.arange(len(table)), np.zeros_like(table.count), table.count - 1))
