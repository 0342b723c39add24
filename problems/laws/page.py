"""A page of the catalogue of laws: what is known of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import ANYWHERE, Range

Choice = Literal["N", "D", "shape", "vocabulary", "repeats", "precision", "sparsity"]
Use = Literal["law", "law, shape", ""]
NATS = "nats a token"
APART = (
    "Losses of different laws are on different scales (tokenizer, corpus, unit). Never subtract "
    "one from another: compare the designs that they choose."
)
"""Said on every page."""


@dataclass(frozen=True, slots=True)
class LawPage:
    """What is known of a law.

    Parameters
    ----------
    name : str
    short, form, words : str
        The form for a table, in symbols, and in words.
    coefficients : mapping of str to float
        By the name that `form` uses.
    parameters : str
        What N counts.
    kind : str
        The same in one word, for a table.
    data : str
        Data and tokenizer.
    parameter_range, token_range : Range
        Where it was fitted.
    source, seen : str
        Where it is published, and which text of it was seen.
    sees : tuple of str
        The choices that it tells apart.
    use : {"law", "law, shape", ""}
        The keys of [objective] that take its name; empty where it cannot be solved with.
    why_not : str
        Why it cannot.
    unit : str
        Of the loss; empty where the law gives an optimum and no loss.
    warnings : tuple of str
    checked : str
        What was recomputed, and what came out.
    curve : callable or None
        Loss of N and D with all else held, for a picture.
    held : str
        What is held.
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
    unit: str = NATS
    warnings: tuple[str, ...] = ()
    checked: str = ""
    curve: Callable[[Floats, Floats], Floats] | None = field(default=None, compare=False)
    held: str = ""

    @property
    def keys(self) -> list[str]:
        """The keys of [objective] that take its name."""
        return [key for key in self.use.split(", ") if key]

    def to_dict(self) -> dict[str, Any]:
        """As plain values; ranges are {min, max}."""
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
