"""Read answers on training, serving and the goal from text such as ``"256 H100 for 30 days"``."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from modelsizer.first_file.answers import Devices, Goal, Serving, Training
from modelsizer.first_file.devices import WORDS, read_count, read_devices
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import MAX_COUNT, Number, parse_quantity

_TIME = re.compile(r"(?P<devices>.+?)(?:\s+(?:for|in|over)|,)\s+(?P<time>[^,]+)", re.I)
_ON = re.compile(r"(?P<given>.+?)\s+on\s+(?P<devices>.+)", re.I)
_AT = re.compile(r"(?P<devices>.+?)(?:\s+(?:at|for)|,)\s+(?P<price>.+)", re.I)
_MONEY = re.compile(r"(?:US)?\$.*|.*(?:\$|USD|dollars)", re.I)
_MILLIONS = re.compile(r"\s*(?:(thousand)|(million)|(billion))\b", re.I)
_HOURLY = (
    r"(?:\s+(?:an|per|a)\s+|\s*/\s*)(?:(?:accelerator|card|chip|device|gpu)[\s-]+)?h(?:(?:ou)?rs?)?"
    r"(?:\s+each)?"
)
_PRICE = re.compile(
    rf"(?P<rest>.+?),?\s+(?:(?:at|for)\s+)?(?P<price>\S+?(?:\s+(?:USD|dollars))?){_HOURLY}", re.I
)
_BITS = re.compile(
    r"(?P<rest>.+?),?\s+(?:(?:at|in|with)\s+)?"
    r"(?:(?P<bits>[0-9]+)[\s-]*bits?|(?:int|bf|fp|mxfp|nvfp)(?P<short>[0-9]+))",
    re.I,
)
_MEMORY = re.compile(
    r"(?:(?P<before>.*)\s)?(?P<memory>[0-9][0-9.,_]*\s*[kKMGT]i?B)"
    r"(?:\s+(?:of|memory|v?ram|accelerators?|cards?|chips?|devices?|gpus?|laptop|machine|phone))*"
)
_NODE = re.compile(r"(?:an?|one)\s+(?:box|machine|node|server)\s+(?:of|with)\s+", re.I)
_LOAD = re.compile(r"\b(?:context|tokens?|users?|requests?)\b", re.I)
_GOAL = re.compile(
    r"(?P<name>[a-z_ ]+?)"
    r"(?:\s+(?:at|for|with)\s+(?:an?\s+)?(?:loss\s+)?(?:of\s+|below\s+)?(?P<loss>[0-9.]+.*))?",
    re.I,
)
_MUCH_MONEY = 1e13  # dollars: FLOPs are more
_DAYS_A_MONTH = 30
_USUAL_HOURS = 60 * 24  # of a training run, where money and no number of accelerators is given


def positive(text: str, dimension: str) -> Number:
    """A quantity above 0.

    Raises
    ------
    ValueError
        If it is none of this dimension, or not positive.
    """
    number = parse_quantity(text, dimension)
    if number <= 0:
        raise ValueError(f"{short(text)} is not positive; write a number of {dimension} above 0")
    return number


def _dollars(text: str) -> str:
    """Money as a limit is written: ``$2 million`` is ``2M USD``."""
    bare = _MILLIONS.sub(lambda m: "K" if m[1] else "M" if m[2] else "B", text.strip())
    if match := re.fullmatch(r"(?:US)?\$\s*(.*)|(.*?)\s*(?:(?:US\s+)?dollars|\$)", bare, re.I):
        return f"{match[1] or match[2]} USD"
    return bare


def _duration(text: str) -> str:
    """A time with its number in digits: ``two weeks`` is ``2 weeks``; a month has 30 days."""
    first, _, rest = text.strip().partition(" ")
    said = f"{WORDS[first.lower()]} {rest}" if rest and first.lower() in WORDS else text.strip()
    if match := re.fullmatch(r"([0-9]+)\s*months?", said, re.I):
        return f"{_DAYS_A_MONTH * int(match[1])} days"
    return said


def _trained_on(text: str) -> Devices:
    """Accelerators whose peak is known."""
    found = read_devices(text)
    if found.device.bf16_flops is None:
        raise ValueError(
            f"the bf16 FLOP/s of {found.device.name} are not known: write the training FLOPs, such "
            "as '1e22'"
        )
    return found


def read_training(text: str) -> Training:
    """Read what there is to train with.

    Examples
    --------
    >>> str(read_training("256 H100 for 30 days").devices)
    '256 H100-SXM'
    >>> read_training("2M USD on H100-SXM at 2.5").price
    2.5
    """
    said = text.strip()
    if match := _ON.fullmatch(said):
        if _is_time(match["given"]):
            return _timed(match["devices"], match["given"])
        if _MONEY.fullmatch(match["given"]) is None and _are_flops(match["given"]):
            raise ValueError(
                f"{short(text)}: FLOPs stand alone ('{match['given']}'); what trains them is then "
                "a line of the file, training.accelerator"
            )
        return _paid(said, _dollars(match["given"]), match["devices"])
    if match := _TIME.fullmatch(said):
        return _timed(match["devices"], match["time"])
    if _MONEY.fullmatch(said):
        positive(_dollars(said), "dollars")
        raise ValueError(
            f"{short(text)} names no accelerators: say which, and what an hour of one costs, such "
            f"as '{said} on 512 H100-SXM at 2.5'"
        )
    flops = re.sub(r"(?<=[0-9])\s*flops?$", " FLOPs", said, flags=re.I)
    try:
        positive(flops, "FLOPs")
    except ValueError:
        raise ValueError(
            f"{short(text)} is neither accelerators and a time ('256 H100-SXM for 30 days'), nor "
            "FLOPs ('1e24'), nor money and accelerators ('2M USD on 512 H100-SXM at 2.5')"
        ) from None
    return Training(flops=flops)


def _is_time(text: str) -> bool:
    """Whether text is a number with a unit of time."""
    try:
        parse_quantity(_duration(text), "seconds")
    except ValueError:
        return False
    return text.strip()[-1:].isalpha()


def _are_flops(text: str) -> bool:
    """Whether text is a number of FLOPs that is no money."""
    try:
        return parse_quantity(text, "FLOPs") > _MUCH_MONEY
    except ValueError:
        return False


def _timed(devices: str, time: str) -> Training:
    """Accelerators for a time, perhaps at a price."""
    price = None
    if match := _AT.fullmatch(devices):
        devices, price = match["devices"], _hourly(match["price"])
    found = _trained_on(devices)
    positive(_duration(time), "seconds")
    return Training(replace(found, count=found.count or 1), time=_duration(time), price=price)


def _hourly(text: str) -> Number:
    """Dollars for an hour."""
    return positive(_dollars(re.sub(rf"{_HOURLY}$", "", text, flags=re.I)), "dollars")


def _paid(said: str, money: str, devices: str) -> Training:
    """Money for accelerators at a price."""
    positive(money, "dollars")
    match = _AT.fullmatch(devices)
    found = _trained_on(devices if match is None else match["devices"])
    if match is None:
        raise ValueError(
            f"{short(said)} has no price: say what an hour of one costs, such as '{said} at 2.5'"
        )
    price = _hourly(match["price"])
    if found.count is not None:
        return Training(found, money=money, price=price)
    many = float(positive(money, "dollars")) / float(price) / _USUAL_HOURS
    count = 2 ** max(0, round(math.log2(many))) if many < MAX_COUNT else MAX_COUNT
    return Training(replace(found, count=count), money=money, price=price, assumed=True)


def read_serving(text: str) -> Serving:
    """Read what the model is served on.

    Examples
    --------
    >>> str(read_serving("one L40S at 8 bits").devices), read_serving("a phone with 2 GB").memory
    ('1 L40S', '2 GB')
    """
    rest, bits, price = text.strip(), None, None
    if match := _PRICE.fullmatch(rest):
        rest, price = match["rest"].strip(), positive(_dollars(match["price"]), "dollars")
    if match := _BITS.fullmatch(rest):
        rest, bits = match["rest"].strip(), int(match["bits"] or match["short"])
        if bits not in (16, 8, 4):
            raise ValueError(f"{short(text)}: weights have 16, 8 or 4 bits")
    if rest.lower() in ("none", "nothing"):
        return Serving(bits=bits)
    try:
        found = read_devices(_NODE.sub("", rest))
    except ValueError as error:
        if match := _MEMORY.fullmatch(rest):
            return _unnamed(text, match["before"] or "", match["memory"], bits, price)
        raise ValueError(f"{error}; {_served_on(rest)}") from None
    if found.device.memory is None:
        raise ValueError(
            f"the memory of {found.device.name} is not known: write it, such as '8 GB'"
        )
    return Serving(replace(found, count=found.count or 1), bits=bits, price=price)


def _unnamed(
    text: str, before: str, memory: str, bits: int | None, price: Number | None
) -> Serving:
    """One device that is known by its memory alone."""
    first = before.partition(" ")[0]
    counted = re.fullmatch(r"([0-9]+)x?", first) or first.lower() in WORDS
    if price is not None or (counted and read_count(first.rstrip("xX"), "devices") > 1):
        raise ValueError(
            f"{short(text)} does not name its accelerator, such as '2 A100-80GB-SXM': only the "
            "memory of one device may stand for it ('80 GB')"
        )
    positive(memory, "bytes")
    return Serving(memory=memory, bits=bits)


def _served_on(text: str) -> str:
    """What else to write where the text names no accelerator."""
    if _LOAD.search(text):
        return "context and users are another answer: --users '8192 tokens for 16 users'"
    if re.search(r"\s(?:or|and)\s", text):
        return (
            "name one here, and offer the others as a list in the file: "
            'accelerator = ["H100-SXM", "H200-SXM"]'
        )
    return "or write the memory of a device ('2 GB'), or none"


def read_goal(text: str) -> Goal:
    """Read what is optimised.

    Examples
    --------
    >>> read_goal("serving_cost at 2.1")
    Goal(quantity='serving_cost', sense='minimize', loss=2.1)
    """
    match = _GOAL.fullmatch(text.strip())
    name = match["name"].strip().replace(" ", "_").lower() if match else text
    known = [row.name for row in QUANTITIES.values() if row.senses]
    if match is None or name not in known:
        hint = did_you_mean(name, known)
        raise ValueError(
            f"{short(text)} is no goal{hint}; write loss, or what is to be least at a loss, such "
            f"as 'parameters at 2.1': one of {', '.join(known)}"
        )
    if name == "loss":
        return Goal()
    loss = None if match["loss"] is None else positive(match["loss"], "nats")
    return Goal(name, QUANTITIES[name].senses[0], loss)
