"""Answers to the five questions."""

from __future__ import annotations

from typing import Literal

from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.quantities.quantity import Sense
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number, parse_quantity

Kind = Literal["dense", "mixture", "small"]
_SERVER = 40e9  # bytes of a device that is not named, from which it is taken for a server's


@dataclass(frozen=True, slots=True)
class Devices:
    """Accelerators of the catalogue.

    Parameters
    ----------
    device : Accelerator
    count : int or None
        None if it is not said.
    said : str
        The name, if it is that of a family.
    others : tuple of str
        Other accelerators of the family.
    """

    device: Accelerator
    count: int | None = None
    said: str = ""
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
    assumed : bool
        Whether the number of devices was not said.
    """

    devices: Devices | None = None
    time: str = ""
    flops: str = ""
    money: str = ""
    price: Number | None = None
    assumed: bool = False


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
    price : int, float or None
        Dollars for an hour of a device.
    """

    devices: Devices | None = None
    memory: str = ""
    bits: int | None = None
    price: Number | None = None

    @property
    def weight_bits(self) -> int:
        """Bits of the weights: 16 on servers and 4 on other devices unless they are said.

        An unnamed device of 40 GB and more is a server.
        """
        if self.bits is not None:
            return self.bits
        if self.devices is not None:
            return 16 if self.devices.device.server else 4
        return 4 if self.memory and parse_quantity(self.memory, "bytes") < _SERVER else 16


@dataclass(frozen=True, slots=True)
class Load:
    """Tokens of context for each of so many users, and tokens/s that each sees at least.

    Parameters
    ----------
    context, users : int
    speed : int, float or None
    said : str
        The context as written, if its k or M was taken for a power of two.
    """

    context: int
    users: int = 1
    speed: Number | None = None
    said: str = ""


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
        """What was taken for what, where an answer may mean several things."""
        both = (self.train.devices, self.serve.devices)
        found = (
            f"{d.said} is read as {d.device.name}; others of that name: {', '.join(d.others)}"
            for d in both
            if d is not None and d.others
        )
        notes = list(dict.fromkeys(found))
        load, serve, train = self.users, self.serve, self.train
        if train.assumed:
            hours = float(parse_quantity(train.money, "dollars")) / float(train.price or 1)
            days = hours / 24 / ((train.devices and train.devices.count) or 1)
            notes.append(
                f"The money pays for {days:,.3g} days of {train.devices}; that number is assumed"
            )
        if load.said:
            notes.append(f"{load.said} is read as {load.context:,} tokens of context")
        if serve.memory and serve.bits is None:
            notes.append(
                f"Weights of {serve.weight_bits} bits are assumed; '{serve.memory} at 8 bits' says "
                "it otherwise"
            )
        return tuple(notes)
