"""``[prices]``: what an hour of each accelerator costs, which only the user knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated

from modelsizer.problems.errors import short
from modelsizer.problems.hardware.accelerators import Accelerator, accelerator, accelerators
from modelsizer.problems.reading import PRICES
from modelsizer.problems.records import dataclass
from modelsizer.problems.registry import loosely
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.tables import PRICE, read_dollars
from modelsizer.problems.tables.training import Training
from modelsizer.problems.typed_keys import Kind, TableError
from modelsizer.problems.units import Number
from modelsizer.problems.value_forms import Entries, Form

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Prices:
    """``[prices]``.

    Parameters
    ----------
    given : tuple of (str, number)
        Names of accelerators, with dollars for an hour of one each.
    """

    given: tuple[tuple[str, Number], ...] = ()

    def of(self, device: Accelerator | None) -> Number | None:
        """Dollars for an hour of an accelerator; None if no price of it is given."""
        if device is None:
            return None
        key = loosely(device.name)
        return next((price for name, price in self.given if loosely(name) == key), None)

    def training(self, training: Training) -> Number | None:
        """Dollars for an hour of a training accelerator.

        ``training.price_per_hour`` goes before the table.
        """
        if training.price_per_hour is not None:
            return training.price_per_hour
        return self.of(training.device) if self.given else None

    def serving(
        self, served_on: Accelerator | None, lifetime: Lifetime, training: Training
    ) -> Number | None:
        """Dollars for an hour of a serving accelerator.

        ``lifetime.price_per_hour`` goes before the table, and ``training.price_per_hour`` stands
        in where there is no table.
        """
        if lifetime.price_per_hour is not None:
            return lifetime.price_per_hour
        return self.of(served_on) if self.given else training.price_per_hour

    def names(self, devices: Iterable[Accelerator]) -> tuple[str, ...]:
        """Names that have a price, and those of accelerators that may need one."""
        used = (device.name for device in devices)
        return tuple(dict.fromkeys((*(name for name, _ in self.given), *used)))

    def check(self, devices: Iterable[Accelerator]) -> None:
        """Refuse names of no accelerator.

        Parameters
        ----------
        devices : iterable of Accelerator
            Those of the problem, which may be its own.

        Raises
        ------
        TableError
            With the keys.
        """
        if not self.given:
            return
        own = {loosely(device.name) for device in devices}
        faults = []
        for name, _ in self.given:
            if loosely(name) in own:
                continue
            try:
                accelerator(name)
            except ValueError as error:
                message = f"{error}, and a custom_accelerator of the problem goes by its name"
                faults.append((f"{PRICES}.{name}", message))
        if faults:
            raise TableError(faults)


def price_needed(device: Accelerator | None, *instead: str) -> str:
    """The request for the price of an accelerator.

    Parameters
    ----------
    device : Accelerator or None
    *instead : str
        Keys that may give it instead.
    """
    name = "H100-SXM" if device is None else device.name
    key = name if _BARE.fullmatch(name) else f'"{name}"'
    others = "".join(f", or {key}" for key in instead)
    return f"a price: write [{PRICES}] {key} = 2.5, in dollars an hour of one{others}"


def _read(value: object) -> Prices:
    if isinstance(value, Prices):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"{short(value)} is not a table; write [{PRICES}] with H100-SXM = 2.5")
    found: dict[str, tuple[str, Number]] = {}
    faults = []
    for name, price in value.items():
        if not isinstance(name, str) or not (key := loosely(name)):
            faults.append(("", f"{short(name)} is not the name of an accelerator"))
            continue
        if key in found:
            faults.append((name, f"is {found[key][0]}, whose price is given too; keep one of them"))
            continue
        try:
            found[key] = _listed(name), read_dollars(price)
        except ValueError as error:
            faults.append((name, str(error)))
    if faults:
        raise TableError(faults)
    return Prices(tuple(found.values()))


def _listed(name: str) -> str:
    """The name as the catalogue has it, or one that it does not have."""
    try:
        return accelerator(name).name
    except ValueError:
        return name


def _write(prices: Prices) -> dict[str, Number]:
    return dict(prices.given)


_FORM = Entries(
    "dollars an hour",
    {"H100-SXM": 2.5},
    PRICE.form or Form(),
    names=accelerators,
    others="[A-Za-z0-9]",
)
PricesTable = Annotated[Prices, Kind(_read, _write, _FORM)]
NO_PRICES = Prices()
