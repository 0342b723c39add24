"""Section of the page about the designs as good within the error of the law."""

from __future__ import annotations

from modelsizer.optimizer.result import Result
from modelsizer.optimizer.surveys.near_ties import near_ties
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.page.tags import Html, join, table, tag
from modelsizer.text.near_ties import cheapest_table, count_words, heading


def near_ties_section(result: Result, clock: Clock) -> tuple[str, str, Html] | None:
    """Name, heading and content of the section; None where nothing is as good."""
    found = near_ties(result, time_limit=clock.share(4))
    if found is None:
        return None
    words = count_words(found)
    parts = [tag("p", f"{words[0].upper()}{words[1:]}")]
    if found.cheapest and found.designs != 1:
        parts.append(table(cheapest_table(result, found)))
    return "near-ties", heading(found), join(parts, "\n")
