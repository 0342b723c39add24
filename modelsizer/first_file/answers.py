"""Answers to the five questions."""

from __future__ import annotations

from typing import Literal

from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.quantities.quantity import Sense
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number

Kind = Literal["dense", "mixture", "small"]


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
    price : int, float or None
        Dollars for an hour of a device.
    """

    devices: Devices | None = None
    memory: str = ""
    bits: int | None = None
    price: Number | None = None

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
        found = (
            f"{d.said} is read as {d.device.name}; others of that name: {', '.join(d.others)}"
            for d in both
            if d is not None and d.others
        )
        return tuple(dict.fromkeys(found))
