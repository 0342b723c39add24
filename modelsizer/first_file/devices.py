"""Read accelerators from text such as ``"8 x H100-SXM"``, ``"two A100 80GB"`` or ``"a 4090"``."""

from __future__ import annotations

import re

from modelsizer.first_file.answers import Devices
from modelsizer.problems.errors import short
from modelsizer.problems.hardware.accelerators import Accelerator, accelerator, accelerators
from modelsizer.problems.registry import loosely
from modelsizer.problems.units import MAX_COUNT, parse_quantity

WORDS = {
    **dict.fromkeys(("a", "an", "one", "single"), 1),
    "two": 2,
    "three": 3,
    "four": 4,
    "six": 6,
    "eight": 8,
}
"""Numbers as words."""
COUNT = rf"(?P<count>[0-9][0-9,_]*|(?:{'|'.join(WORDS)})(?![a-z]))"
"""Pattern of a count."""
_DEVICES = re.compile(rf"(?:{COUNT}(?:\s*x\s*|\s+)|(?P<close>[0-9]+)\s*x?\s*)?(?P<name>.+)", re.I)
_CARDS = re.compile(r"\s+(?:gpus?|accelerators?|cards?|chips?|nodes?)$", re.I)
_MEMORY = re.compile(r"[\s-]+[0-9]+\s*Gi?B$", re.I)


def read_devices(text: str) -> Devices:
    """Accelerators such as ``8 x H100-SXM``; the first of a family where only that is named.

    Raises
    ------
    ValueError
        If no accelerator of the catalogue has such a name.
    """
    match = _DEVICES.fullmatch(_CARDS.sub("", text.strip()))
    if match is None:
        raise ValueError(f"{short(text)} names no accelerator")
    said = match["count"] or match["close"]
    count = None if said is None else read_count(said, "accelerators")
    name = match["name"].strip()
    bare = _MEMORY.sub("", name)  # "H100 80GB"
    ways = ((text.strip(), None), (name, count), (bare, count))  # "4090" is a name as a whole
    unknown = ValueError(f"{short(text)} names no accelerator")
    for words, number in ways:
        try:
            return Devices(accelerator(words), number)
        except ValueError as error:
            unknown = error if words == name else unknown
    for words, number in ways:
        found = _family(words) or (_family(words[:-1]) if words[-1:] == "s" else [])
        if found:
            others = tuple(device.name for device in found[1:])
            return Devices(found[0], number, words, others)
    raise unknown


def read_count(text: str, what: str) -> int:
    """A whole number from 1, in digits or as a word.

    Raises
    ------
    ValueError
        If it is none.
    """
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    number = parse_quantity(text, "count")
    if not isinstance(number, int) or not 1 <= number <= MAX_COUNT:
        raise ValueError(f"{short(text)} is not a number of {what}: write a whole number from 1")
    return number


def _family(name: str) -> list[Accelerator]:
    """Accelerators whose names begin with these words or end with this number.

    Those on SXM and of more memory come first.
    """
    key = loosely(name)
    found = []
    for known, row in accelerators().items():
        words = known.split("-")
        inner = range(1, len(words))
        begun = {loosely("".join(words[:number])) for number in inner}
        if key in begun or (inner and key.isdigit() and key == words[-1]):
            found.append(row)
    return sorted(found, key=lambda row: ("SXM" not in row.name, -(row.memory or 0)))
