"""Figures of the page that tell what is under the pointer, in place of their pictures."""

from __future__ import annotations

from modelsizer.live.drawings import drawings
from modelsizer.live.packed import packed
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.tables.clock import Clock, Ending
from modelsizer.page.scripts import json_element
from modelsizer.page.tags import Html

FIGURES = {"landscape": "map", "depth": "front"}
"""Names of pictures, and the drawings of the same data."""


def hover_data(result: Result, clock: Clock) -> Html:
    """Data of the drawings of an answer, for the scripts of a page; empty where there are none.

    The pictures stay: they are printed, and seen without scripts.
    """
    found, ending = {}, Ending()
    with ending:
        found = drawings(result, clock)
    drawn = {picture: found[name] for picture, name in FIGURES.items() if name in found}
    drawn = {picture: data for picture, data in drawn.items() if "reason" not in data}
    return json_element("hover-data", {"drawings": packed([drawn])}) if drawn else Html("")
