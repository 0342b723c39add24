"""Answers to the five questions, read from text such as ``"256 H100-SXM for 30 days"``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, get_args

from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.hardware.accelerators import Accelerator, accelerator, accelerators
from modelsizer.problems.quantities.quantity import Sense
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.registry import loosely
from modelsizer.problems.units import MAX_COUNT, Number, parse_quantity

Kind = Literal["dense", "mixture", "small"]
_WORDS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "six": 6, "eight": 8}
_COUNT = rf"(?P<count>[0-9][0-9,_]*|{'|'.join(_WORDS)})"
_DEVICES = re.compile(rf"(?:{_COUNT}(?:\s*x\s*|\s+)|(?P<close>[0-9]+)\s*x?\s*)?(?P<name>.+)", re.I)
_CARDS = re.compile(r"\s+(?:gpus?|accelerators?|cards?|chips?|nodes?)$", re.I)
_TIME = re.compile(r"(?P<devices>.+?)\s+(?:for|in|over)\s+(?P<time>.+)", re.I)
_MONEY = re.compile(
    r"(?P<money>.+?)\s+on\s+(?P<devices>.+?)(?:\s+at\s+(?P<price>.+?)(?:\s+(?:an|per)\s+hour)?)?", re.I
)
_MEMORY = re.compile(r"(?:.*\s)?(?P<memory>[0-9][0-9.,_]*\s*[kKMGT]i?B)")
_BITS = re.compile(r"(?P<rest>.+?)\s+(?:at|in)\s+(?P<bits>[0-9]+)[\s-]*bits?", re.I)
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


@dataclass(frozen=True, slots=True)
class Devices:
    """Accelerators of the catalogue.

    Parameters
    ----------
    device : Accelerator
    count : int or None
        None if it is not said.
    others : tuple of str
        Other accelerators that the name may mean.
    """

    device: Accelerator
    count: int | None = None
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.device.name if self.count is None else f"{self.count:,} {self.device.name}"


@dataclass(frozen=True, slots=True)
class Training:
    """What there is to train with: devices and a time, or FLOPs, or money and devices.

    Parameters
    ----------
    devices : Devices or None
    time, flops, money : str
        As a limit is written; empty if it is not one of these.
    price : int, float or None
        Dollars for an hour of a device.
    """

    devices: Devices | None = None
    time: str = ""
    flops: str = ""
    money: str = ""
    price: Number | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """What the model is served on.

    Parameters
    ----------
    devices : Devices or None
    memory : str
        Of a device that is not named, as a limit is written.
    bits : int or None
        Of the weights; None if it is not said.
    """

    devices: Devices | None = None
    memory: str = ""
    bits: int | None = None

    @property
    def weight_bits(self) -> int:
        """Bits of the weights: 16 on servers and 4 on other devices unless they are said."""
        on_server = self.devices.device.server if self.devices is not None else not self.memory
        return self.bits or (16 if on_server else 4)


@dataclass(frozen=True, slots=True)
class Load:
    """Tokens of context for each of so many users, and tokens/s that each sees at least."""

    context: int
    users: int = 1
    speed: Number | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """The kind of model; `size` and `active` are at most so many parameters, as written."""

    kind: Kind = "dense"
    size: str = ""
    active: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is optimised; `loss` is the most that it may have, if another quantity is."""

    quantity: str = "loss"
    sense: Sense = "minimize"
    loss: Number | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One of the five questions.

    Parameters
    ----------
    name : str
        Of its option, ``--train``.
    words : str
        The question.
    examples : tuple of str
        Answers; the first is the default.
    small : str
        The default for a small device, if it is another.
    read : callable
        From text to the answer; raises ValueError with what would be right.
    """

    name: str
    words: str
    examples: tuple[str, ...]
    read: Callable[[str], Any]
    small: str = ""

    def default(self, kind: Kind) -> str:
        """The answer that is taken where none is given."""
        return self.small if kind == "small" and self.small else self.examples[0]


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
    return Devices(found[0], count, tuple(device.name for device in found[1:]))


def _family(name: str) -> list[Accelerator]:
    """Accelerators whose names begin so, those of servers with fast links and more memory first."""
    key = loosely(name)
    found = [row for known, row in accelerators().items() if key and loosely(known).startswith(key)]
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
        found = _devices(match["devices"])
        _positive(match["time"], "seconds")
        counted = found if found.count is not None else Devices(found.device, 1, found.others)
        return Training(counted, time=match["time"])
    if match := _MONEY.fullmatch(text.strip()):
        money, price = _dollars(match["money"]), match["price"]
        _positive(money, "dollars")
        found = _devices(match["devices"])
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
    rest, bits = text.strip(), None
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
    return Serving(Devices(found.device, found.count or 1, found.others), bits=bits)


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
    kinds, match = get_args(Kind), _KIND.fullmatch(text.strip())
    kind = match and (match["kind"] or ("mixture" if match["active"] else "dense")).lower()
    if match is None or kind not in kinds:
        hint = did_you_mean(text.split(" ")[0], kinds)
        raise ValueError(
            f"{short(text)} is no kind of model{hint}; write dense, mixture or small, and perhaps "
            "its size ('mixture of 30B with 3B active')"
        )
    if match["active"] and kind != "mixture":
        raise ValueError(f"{short(text)}: active parameters are of a mixture")
    size, active = (match[name] or "" for name in ("size", "active"))
    for given in filter(None, (size, active)):
        if _positive(given, "parameters") < 1e6:  # noqa: PLR2004 - 30 is 30B
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


QUESTIONS = (
    Question(
        "model",
        "What kind of model? dense, mixture (of experts) or small (for a device), and its size "
        "if that is given",
        ("dense", "mixture of 30B with 3B active", "small", "dense 7B"),
        read_model,
    ),
    Question(
        "train",
        "What is there to train with? Accelerators and a time, FLOPs, or money",
        ("256 H100-SXM for 30 days", "1e24 FLOPs", "2M USD on 512 H100-SXM at 2.5"),
        read_training,
    ),
    Question(
        "serve",
        "What is it served on? Accelerators, the memory of a device, or none",
        ("one H100-SXM", "8 H200-SXM at 8 bits", "one L40S", "2 GB", "none"),
        read_serving,
        small="2 GB",
    ),
    Question(
        "users",
        "How much context has a user, and how many are served at once?",
        ("8192 tokens for 16 users", "131072 tokens for 4 users at 20 tokens/s"),
        read_load,
        small="4096 tokens for 1 user",
    ),
    Question(
        "goal",
        "What is sought? The least loss, or the least of something at a loss",
        ("loss", "parameters at 2.1", "serving_memory", "training_flops"),
        read_goal,
    ),
)
"""The questions, in the order in which they are asked."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The five answers, with the texts that they were read from.

    Parameters
    ----------
    model : Model
    train : Training
    serve : Serving
    users : Load
    goal : Goal
    texts : tuple of (str, str)
        Names of questions, with the text of each answer.
    """

    model: Model
    train: Training
    serve: Serving
    users: Load
    goal: Goal
    texts: tuple[tuple[str, str], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for what, where a name may mean several accelerators."""
        both = (self.train.devices, self.serve.devices)
        return tuple(
            f"{d.device.name} is one of a family; the others: {', '.join(d.others)}"
            for d in dict.fromkeys(both)
            if d is not None and d.others
        )
