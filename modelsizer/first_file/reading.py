"""Read answers from text such as ``"256 H100-SXM for 30 days"``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

from modelsizer.first_file.answers import Devices, Goal, Kind, Load, Model, Serving, Training
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.hardware.accelerators import Accelerator, accelerator, accelerators
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.registry import loosely
from modelsizer.problems.units import MAX_COUNT, Number, parse_quantity

_WORDS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "six": 6, "eight": 8}
_COUNT = rf"(?P<count>[0-9][0-9,_]*|{'|'.join(_WORDS)})"
_DEVICES = re.compile(rf"(?:{_COUNT}(?:\s*x\s*|\s+)|(?P<close>[0-9]+)\s*x?\s*)?(?P<name>.+)", re.I)
_CARDS = re.compile(r"\s+(?:gpus?|accelerators?|cards?|chips?|nodes?)$", re.I)
_TIME = re.compile(r"(?P<devices>.+?)\s+(?:for|in|over)\s+(?P<time>.+)", re.I)
_MONEY = re.compile(
    r"(?P<money>.+?)\s+on\s+(?P<devices>.+?)(?:\s+at\s+(?P<price>.+?)(?:\s+(?:an|per)\s+hour)?)?",
    re.I,
)
_MEMORY = re.compile(r"(?:.*\s)?(?P<memory>[0-9][0-9.,_]*\s*[kKMGT]i?B)")
_BITS = re.compile(r"(?P<rest>.+?)\s+(?:at|in)\s+(?P<bits>[0-9]+)[\s-]*bits?", re.I)
_PRICE = re.compile(
    r"(?P<rest>.+?)\s+(?:at|for)\s+(?P<price>\S+(?:\s+USD)?)\s+(?:an|per)\s+hour", re.I
)
_SIZE = r"[0-9][0-9.,_]*\s*[KMBT]?"
_KIND = re.compile(
    r"(?:an?\s+)?(?:(?P<kind>[a-z]+)(?:\s+(?:model|device|of experts))?)?"
    rf"(?:\s*(?:of|up to|at most)?\s*(?P<size>{_SIZE}))?"
    rf"(?:\s*(?:,|with|and)?\s*(?P<active>{_SIZE})\s*active)?",
    re.I,
)
_GOAL = re.compile(
    r"(?P<name>[a-z_ ]+?)"
    r"(?:\s+(?:at|for|with)\s+(?:an?\s+)?(?:loss\s+)?(?:of\s+|below\s+)?(?P<loss>[0-9.]+.*))?",
    re.I,
)


def _devices(text: str) -> Devices:
    """Accelerators such as ``8 x H100-SXM``; the first of a family where only that is named."""
    match = _DEVICES.fullmatch(_CARDS.sub("", text.strip()))
    if match is None:
        raise ValueError(f"{short(text)} names no accelerator")
    said = match["count"] or match["close"]
    count = None if said is None else _WORDS.get(said.lower()) or _whole(said, "accelerators")
    name = match["name"].strip()
    try:
        return Devices(accelerator(name), count)
    except ValueError:
        found = _family(name) or (_family(name[:-1]) if name[-1:] == "s" else [])
        if not found:
            raise
    return Devices(found[0], count, name, tuple(device.name for device in found[1:]))


def _family(name: str) -> list[Accelerator]:
    """Accelerators whose names begin with these words, those on SXM and of more memory first."""
    key = loosely(name)
    found = []
    for known, row in accelerators().items():
        words = known.split("-")
        if key in {loosely("".join(words[:number])) for number in range(1, len(words))}:
            found.append(row)
    return sorted(found, key=lambda row: ("SXM" not in row.name, -(row.memory or 0)))


def _whole(text: str, what: str) -> int:
    number = parse_quantity(text, "count")
    if not isinstance(number, int) or not 1 <= number <= MAX_COUNT:
        raise ValueError(f"{short(text)} is not a number of {what}: write a whole number from 1")
    return number


def _positive(text: str, dimension: str) -> Number:
    number = parse_quantity(text, dimension)
    if number <= 0:
        raise ValueError(f"{short(text)} is not positive; write a number of {dimension} above 0")
    return number


def _dollars(text: str) -> str:
    """Money with its unit, where that comes first."""
    bare = text.strip()
    return f"{bare[1:].strip()} USD" if bare[:1] == "$" else bare


def _trained_on(text: str) -> Devices:
    """Accelerators whose peak is known."""
    found = _devices(text)
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
    if match := _TIME.fullmatch(text.strip()):
        found = _trained_on(match["devices"])
        _positive(match["time"], "seconds")
        return Training(replace(found, count=found.count or 1), time=match["time"])
    if match := _MONEY.fullmatch(text.strip()):
        money, price = _dollars(match["money"]), match["price"]
        _positive(money, "dollars")
        found = _trained_on(match["devices"])
        if price is None:
            raise ValueError(
                f"{short(text)} has no price: say what an hour of one costs, such as "
                f"'{text.strip()} at 2.5'"
            )
        return Training(found, money=money, price=_positive(_dollars(price), "dollars"))
    try:
        _positive(text, "FLOPs")
    except ValueError:
        raise ValueError(
            f"{short(text)} is neither accelerators and a time ('256 H100-SXM for 30 days'), nor "
            "FLOPs ('1e24'), nor money and accelerators ('2M USD on 512 H100-SXM at 2.5')"
        ) from None
    return Training(flops=text.strip())


def read_serving(text: str) -> Serving:
    """Read what the model is served on.

    Examples
    --------
    >>> str(read_serving("one L40S at 8 bits").devices), read_serving("a phone with 2 GB").memory
    ('1 L40S', '2 GB')
    """
    rest, bits, price = text.strip(), None, None
    if match := _PRICE.fullmatch(rest):
        rest, price = match["rest"].strip(), _positive(_dollars(match["price"]), "dollars")
    if match := _BITS.fullmatch(rest):
        rest, bits = match["rest"].strip(), int(match["bits"])
        if bits not in (16, 8, 4):
            raise ValueError(f"{short(text)}: weights have 16, 8 or 4 bits")
    if rest.lower() in ("none", "nothing"):
        return Serving(bits=bits)
    if match := _MEMORY.fullmatch(rest):
        _positive(match["memory"], "bytes")
        return Serving(memory=match["memory"], bits=bits)
    try:
        found = _devices(rest)
    except ValueError as error:
        raise ValueError(f"{error}; or write the memory of a device ('2 GB'), or none") from None
    if found.device.memory is None:
        raise ValueError(
            f"the memory of {found.device.name} is not known: write it, such as '8 GB'"
        )
    return Serving(replace(found, count=found.count or 1), bits=bits, price=price)


def read_load(text: str) -> Load:
    """Read the context, the users and the speed that each user sees.

    Examples
    --------
    >>> read_load("8192 tokens for 16 users at 20 tokens/s")
    Load(context=8192, users=16, speed=20)
    """
    first, *rest = re.split(r"\s*(?:,|\bfor\b|\bat\b|\bx\b)\s*", text.strip())
    context = parse_quantity(first, "tokens")
    if not isinstance(context, int) or not 1 <= context <= MAX_COUNT:
        raise ValueError(f"{short(first)} is not a number of tokens of context, such as 8192")
    users, speed = 1, None
    for part in rest:
        words = re.sub(r"\s+each$", "", part)
        if words.endswith("/s"):
            speed = _positive(words, "tokens/s")
        else:
            users = _whole(re.sub(r"\s*(?:users?|requests?|sequences?)$", "", words), "users")
    return Load(context, users, speed)


def read_model(text: str) -> Model:
    """Read the kind of model and its size.

    Examples
    --------
    >>> read_model("mixture of 30B with 3B active")
    Model(kind='mixture', size='30B', active='3B')
    """
    kinds: tuple[Kind, ...] = get_args(Kind)
    match = _KIND.fullmatch(text.strip())
    usual = "dense" if match is None or not match["active"] else "mixture"
    named = "" if match is None else (match["kind"] or usual).lower()
    kind = next((each for each in kinds if each == named), None)
    if match is None or kind is None:
        hint = did_you_mean(text.split(" ")[0], kinds)
        raise ValueError(
            f"{short(text)} is no kind of model{hint}; write dense, mixture or small, and perhaps "
            "its size ('mixture of 30B with 3B active')"
        )
    if match["active"] and kind != "mixture":
        raise ValueError(f"{short(text)}: active parameters are of a mixture")
    size, active = (match[name] or "" for name in ("size", "active"))
    for given in filter(None, (size, active)):
        if _positive(given, "parameters") < 1e6:
            raise ValueError(f"{short(text)}: {given} are few parameters: write {given}B")
    return Model(kind, size.strip(), active.strip())


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
    loss = None if match["loss"] is None else _positive(match["loss"], "nats")
    return Goal(name, QUANTITIES[name].senses[0], loss)
