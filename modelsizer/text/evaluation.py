"""Report of an evaluation: a design, its quantities, and the limits that it breaks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelsizer.problems.architecture.describing import telling_choices
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.text.kit.lines import pairs, paragraph, section
from modelsizer.text.kit.words import quantity, setting

if TYPE_CHECKING:
    from rich.console import Console


def print_evaluation(console: Console, found: Evaluation) -> None:
    """Print the choices of a design, every quantity, and what it breaks."""
    choices = telling_choices(found.architecture)
    section(console, "Architecture")
    pairs(console, [(name, setting(choices, name)) for name in choices])
    section(console, "Quantities")
    known = {name: found.quantity(name) for name in found.exact}
    finite = {name: value for name, value in known.items() if math.isfinite(value)}
    pairs(console, [(name, quantity(value, name)) for name, value in finite.items()])
    if found.violated:
        section(console, "Limits")
        paragraph(console, f"It breaks {', '.join(found.violated)}.")
