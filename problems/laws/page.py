"""Page of a published law: its formula, coefficients, source and limitations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, field
from typing import Any, Literal

from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import ANYWHERE, Range
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn

Choice = Literal["N", "D", "shape", "vocabulary", "repeats", "precision", "sparsity"]
Use = Literal["law", "law, shape", ""]
NATS = "nats a token"
APART = (
    "Losses of different laws are on different scales (tokenizer, corpus, unit). Never subtract "
    "one from another: compare the designs that they choose."
)
"""Warning on every page."""


@dataclass(frozen=True, slots=True)
class LawPage(Drawn):
    """Description of a published law.

    Parameters
    ----------
    name : str
    short, form, words : str
        The formula abbreviated for a table, in symbols, and in words.
    coefficients : mapping of str to float
        By the names in `form`.
    parameters : str
        Parameters that N counts.
    kind : str
        The same in one word, for a table.
    data : str
        Training data and tokenizer.
    parameter_range, token_range : Range
        Range of the fit.
    source, seen : str
        Publication, and which text of it was available.
    sees : tuple of str
        Choices that change the loss.
    use : {"law", "law, shape", ""}
        Keys of [objective] that accept the law; empty if it cannot be solved with.
    why_not : str
        Reason why it cannot be solved with, or a remark on how it can.
    rms : float or None
        Root mean square of the errors on its runs, nats a token; None if nobody knows.
    rms_source : str
        Where it is from.
    unit : str
        Unit of the loss; empty if the law gives an optimum and no loss.
    warnings : tuple of str
    checked : str
        Published numbers that were recomputed, with the result.
    curve : callable or None
        Loss as a function of N and D with everything else constant, for a plot.
    held : str
        The values that are constant.
    """

    name: str
    short: str
    form: str
    words: str
    coefficients: Mapping[str, float]
    parameters: str
    kind: str
    data: str
    source: str
    seen: str
    sees: tuple[Choice, ...]
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    use: Use = ""
    why_not: str = ""
    rms: float | None = None
    rms_source: str = ""
    unit: str = NATS
    warnings: tuple[str, ...] = ()
    checked: str = ""
    curve: Callable[[Floats, Floats], Floats] | None = field(default=None, compare=False)
    held: str = ""

    def _words(self) -> str:
        return f"{self.name}: {self.short}"

    @property
    def title(self) -> str:
        """Name, and what is held where the law is one of a family."""
        return f"{self.name}: {self.held}" if self.held else self.name

    @property
    def keys(self) -> list[str]:
        """Keys of [objective] that accept the law."""
        return [key for key in self.use.split(", ") if key]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ranges are {min, max}."""
        left_out = {"curve", "short", "use"}
        found = {
            key: getattr(self, key) for key in self.__dataclass_fields__ if key not in left_out
        }
        for key in ("parameter_range", "token_range"):
            ends = asdict(found[key])
            found[key] = {"min": ends["low"], "max": ends["high"]}
        return found | {
            "coefficients": dict(self.coefficients),
            "sees": list(self.sees),
            "warnings": [*self.warnings, APART],
            "usable": bool(self.use),
            "usable_as": " or ".join(f"objective.{key}" for key in self.keys) or None,
        }
