"""Types of `modelsizer.problems.shown`, among them those of libraries that problems know not."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

class Shown:
    """A value with a short repr, and a report in notebooks."""

    def _words(self) -> str: ...
    def _repr_html_(self) -> str: ...

class Tabled(Shown):
    """A value with rows."""

    def to_frame(self) -> pd.DataFrame: ...

class Drawn(Shown):
    """A value with a picture."""

    def plot(
        self,
        picture: str | None = None,
        *,
        title: str | None = None,
        size: str = "wide",
        ax: Axes | None = None,
        time_limit: float | None = None,
        **options: Any,
    ) -> Figure: ...
