"""The quickest proof: bounds first, and a mixed-integer solver for what they leave.

Tightening settles most problems by itself: what is left is compared exactly. Where it leaves more
than can be compared, but in a few boxes, the program over those boxes goes to SciPy's `milp`; where
it leaves many boxes, they are split further. With one kind of layer a box holds a few hundred
depths at most and the program is hardly needed; with several kinds their product is.
"""

from __future__ import annotations

from modelsizer.optimizer.milp.backends import backend
from modelsizer.optimizer.milp.mip import MipSolve
from modelsizer.optimizer.milp.program import Stop
from modelsizer.optimizer.search.bounding import BoundSolve
from modelsizer.optimizer.search.search import FEW_BOXES
from modelsizer.optimizer.tables.outcome import Found

ENGINE = "scipy"


class AutoSolve(BoundSolve):
    """One solve; its parameters are those of `modelsizer.optimizer.search.bounding.BoundSolve`."""

    _program: MipSolve | None = None

    def run(self) -> Found:
        """Solve."""
        found = super().run()
        return found if self._program is None else self._program.found(found.stop)

    def _step(self) -> Stop | None:
        """Split boxes while they are many; then the program, which ends the solve."""
        if len(self.search.boxes) > FEW_BOXES:
            return super()._step()
        self._program = MipSolve(
            self.model,
            backend(ENGINE),
            self.clock,
            self.tolerance,
            self.complete,
            self.progress,
            search=self.search,
        )
        return self._program.rounds()
