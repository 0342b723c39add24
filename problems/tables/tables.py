"""Base of the tables of a problem file, and their kinds of value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Self

from modelsizer.problems.by_byte import BY_BYTE, as_written, parse_amount
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.hardware.accelerators import (
    FIGURES,
    PRECISIONS,
    Accelerator,
    accelerator,
    accelerators,
)
from modelsizer.problems.offered import Offered, Several
from modelsizer.problems.plain_values import NO_LIMIT
from modelsizer.problems.tables.limits import ANY, Bare
from modelsizer.problems.tables.menus import (
    Choice,
    Interval,
    choice_form,
    choice_parser,
    interval_parser,
    written_value,
)
from modelsizer.problems.typed_keys import Kind
from modelsizer.problems.typed_tables import Table as Table
from modelsizer.problems.units import (
    MAX_BYTES_A_VALUE,
    MAX_COUNT,
    Number,
    format_number,
    parse_quantity,
)
from modelsizer.problems.value_forms import Amount, Boolean, Limit, Loosely, OneOf, Within

LEAST_SETTING, MOST_SETTING = 1e-30, 1e30
"""Within of prices, figures, shares and durations, many orders of magnitude beyond any real one. A
cost is a product of a few of them and of counts, so that doubles hold it; tokens and limits are
checked together with them, by `modelsizer.problems.checks.check_magnitudes`."""
MOST_TOKENS = 1e300
MOST_SERVED = 1e100  # inference tokens of a lifetime, which are multiplied by settings


_COUNTS = Within(least=1, most=MAX_COUNT)
_SHARES = Within(above=0, most=1)
_PARTS = Within(least=0, below=1)
_IMBALANCES = Within(least=1, most=1000)  # at most all tokens to one of a thousand ways


def _read_count(value: object) -> int:
    number = parse_quantity(value, "count")
    if not isinstance(number, int) or not _COUNTS.holds(number):
        raise ValueError(f"{short(value)} must be a whole number from 1 to {MAX_COUNT}")
    return number


def count(unit: str = "", example: int | None = None) -> Kind:
    """Kind of a whole number from 1, of a unit."""
    return Kind(_read_count, form=Amount(unit, example, range=_COUNTS, whole=True))


def bytes_a_value(example: Number = 1, *, zero: bool = False) -> Kind:
    """Kind of bytes per value."""
    ends = (
        Within(least=0, most=MAX_BYTES_A_VALUE) if zero else Within(above=0, most=MAX_BYTES_A_VALUE)
    )

    def read(value: object) -> Number:
        number = _in_range(parse_quantity(value, "bytes"), value)
        if not ends.holds(number):
            raise ValueError(
                f"{short(value)} is not a number of bytes for each value, such as 2, 1 or 0.5"
            )
        return number

    return Kind(read, form=Amount("bytes", example, "bytes", ends))


def share(example: float) -> Kind:
    """Kind of a share above 0."""
    return Kind(_read_share, form=Amount("share", example, range=_SHARES))


def _in_range(number: Number, value: object, most: float = MOST_SETTING) -> Number:
    """Return a number that is zero or of ordinary size; its sign is checked elsewhere."""
    if 0 < abs(number) < LEAST_SETTING:
        raise ValueError(f"{value!r} is too small; write at least {format_number(LEAST_SETTING)}")
    if abs(number) > most:
        raise ValueError(f"{value!r} is too large; write at most {format_number(most)}")
    return number


def _read_share(value: object) -> Number:
    number = parse_quantity(value, "count")
    if not _SHARES.holds(number):
        raise ValueError(f"{short(value)} is not a share; write a number above 0 and at most 1")
    return _in_range(number, value)


def _read_imbalance(value: object) -> Number:
    number = parse_quantity(value, "count")
    if not _IMBALANCES.holds(number):
        raise ValueError(
            f"{short(value)} is not an imbalance: what the busiest way of expert parallelism "
            f"receives for the mean of all, from 1 (the same) to {_IMBALANCES.most}"
        )
    return number


def _read_part(value: object) -> Number:
    number = parse_quantity(value, "count")
    if not _PARTS.holds(number):
        raise ValueError(f"{short(value)} is not a part of the whole; write from 0 to below 1")
    return _in_range(number, value)


def amount(
    dimension: str,
    example: object,
    *,
    unit: str = "",
    zero: bool = False,
    most: float = MOST_SETTING,
) -> Kind:
    """Kind of a number of a dimension, with an example."""
    ends = Within(least=0, most=most) if zero else Within(above=0, most=most)
    read, write = _read_amount(dimension, zero=zero, most=most), None
    if dimension in BY_BYTE:
        write = as_written
    return Kind(read, write, Amount(unit or dimension, example, dimension, ends))


def _read_amount(
    dimension: str, *, zero: bool = False, most: float = MOST_SETTING
) -> Callable[[object], Number]:
    def read(value: object) -> Number:
        number = parse_amount(value, dimension)
        if number < 0 or (number == 0 and not zero):
            least = "0 or more" if zero else "above 0"
            raise ValueError(
                f"{short(value)} is not positive; a number of {dimension} must be {least}"
            )
        return _in_range(number, value, most)

    return read


def one_of(what: str, known: tuple[str, ...]) -> Kind:
    """Kind of text from a list of words."""

    def read(value: object) -> str:
        if value not in known:
            hint = did_you_mean(str(value), known)
            raise ValueError(f"{short(value)} is not {what}{hint}; write one of {', '.join(known)}")
        return str(value)

    return Kind(read, form=OneOf(known=known))


def one_number_of(what: str, known: tuple[Number, ...], unit: str = "") -> Kind:
    """Kind of a number from a list."""

    def read(value: object) -> Number:
        if isinstance(value, bool) or value not in known:
            listed = ", ".join(str(k) for k in known)
            raise ValueError(f"{short(value)} is not {what}; write one of {listed}")
        return known[known.index(value)]

    return Kind(read, form=OneOf(unit, known[-1], known))


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{short(value)} is not true or false")
    return value


def _read_real(value: object) -> float:
    return float(parse_quantity(value, "count"))


def _read_accelerator(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f'{short(value)} is not the name of an accelerator, such as "H100-SXM"')
    return accelerator(value).name


def limit(
    dimension: str,
    bare: Bare = ANY,
    *,
    none: bool = False,
    ends: tuple[str, ...] = ("min", "max"),
    example: object = None,
) -> Kind:
    """Reader of a limit: a number or a reference (upper limit), or ``{min, max}`` of them.

    With `none` also ``"none"``, an interval without ends. Which ends it may have, another reader
    checks.
    """
    parse = interval_parser(dimension, bare, references=True)

    def read(value: object) -> Interval:
        return Interval() if none and value == NO_LIMIT else parse(value)

    def write(interval: Interval) -> object:
        return interval.to_toml(lambda number: bare.written(number, dimension))

    meant = Within(least=bare.least or None, most=None if math.isinf(bare.most) else bare.most)
    return Kind(read, write, Limit(dimension, example, dimension, meant, ends, True, none))


Flag = Annotated[bool, Kind(_read_flag, form=Boolean())]
Real = Annotated[float, Kind(_read_real, form=Amount())]
Count = Annotated[int, count()]
TokenCount = Annotated[int, count("tokens", 8192)]
Sequences = Annotated[int, count("sequences", 16)]
Devices = Annotated[int, count("accelerators", 8)]
WayCount = Annotated[int, count("ways", 8)]
BytesAValue = Annotated[int | float, bytes_a_value()]
Share = Annotated[int | float, share(0.5)]
Imbalance = Annotated[
    int | float, Kind(_read_imbalance, form=Amount("ratio", 1.2, range=_IMBALANCES))
]
Part = Annotated[int | float, Kind(_read_part, form=Amount("share", 0.3, range=_PARTS))]
Tokens = Annotated[int | float, amount("tokens", "15T tokens", most=MOST_TOKENS)]
ServedTokens = Annotated[int | float, amount("tokens", "10T tokens", most=MOST_SERVED)]
Bytes = Annotated[int | float, amount("bytes", "2 GiB", zero=True)]
read_dollars = _read_amount("dollars")
PRICE = amount("dollars", 2.5, unit="dollars an hour")
Dollars = Annotated[int | float, PRICE]
BytesASecond = Annotated[int | float, amount("bytes/s", "50 GB/s")]
Watts = Annotated[int | float, amount("watts", "700 W")]
Seconds = Annotated[int | float, amount("seconds", "10 us", zero=True)]
AcceleratorName = Annotated[
    str, Kind(_read_accelerator, form=Loosely("", "H100-SXM", accelerators, "accelerator"))
]
Ways = Annotated[
    Choice,
    written_value(
        choice_parser("ways", whole=True, default_step=1), form=choice_form("ways", [1, 2, 4, 8])
    ),
]


class CustomAccelerator(Table):
    """``[serving.custom_accelerator]`` or ``[training.custom_accelerator]``: own figures.

    Parameters
    ----------
    name : str
        Name for people, and for [prices].
    memory_type : {"HBM", "GDDR", "LPDDR"}
        Type of its memory, which determines the default efficiency of decoding.
    server : bool
        Whether it is a device of data centres; by default, whether its memory is HBM.
    memory : bytes
        Memory as the device reports it.
    bandwidth : bytes/s
        Bandwidth of its memory.
    bf16_flops, fp8_flops, fp4_flops : FLOP/s
        Peak FLOP/s of dense matrix products at this precision, without sparsity.
    link : bytes/s
        Bytes/s to neighbouring accelerators, one way.
    watts : W
        Power of one accelerator.
    """

    name: str = "custom accelerator"
    memory_type: Annotated[str, one_of("a type of memory", ("HBM", "GDDR", "LPDDR"))] = "HBM"
    server: Flag | None = None
    memory: Annotated[int | float | None, amount("bytes", "80 GB")] = None
    bandwidth: Annotated[int | float | None, amount("bytes/s", "3.35 TB/s")] = None
    bf16_flops: Annotated[int | float | None, amount("FLOP/s", "989 TFLOP/s")] = None
    fp8_flops: Annotated[int | float | None, amount("FLOP/s", "1979 TFLOP/s")] = None
    fp4_flops: Annotated[int | float | None, amount("FLOP/s", "4500 TFLOP/s")] = None
    link: BytesASecond | None = None
    watts: Watts | None = None

    @property
    def device(self) -> Accelerator:
        """The accelerator in the form of the catalogue."""
        figures: dict[str, Any] = {name: getattr(self, name) for name in FIGURES}
        return Accelerator(
            self.name,
            memory_type=self.memory_type,
            server=self.memory_type == "HBM" if self.server is None else self.server,
            source="the problem file",
            **figures,
        )


class OnAccelerator(Table):
    """A table that sets an accelerator.

    Parameters
    ----------
    accelerator : str, optional
        Name of an accelerator in the catalogue, which `modelsizer accelerators` lists.
    custom_accelerator : CustomAccelerator, optional
        Figures of an accelerator of your own, instead of a name.
    """

    accelerator: Annotated[AcceleratorName | None, Several(numbers=False)] = None
    custom_accelerator: CustomAccelerator | None = None

    def _check(self) -> None:
        if self.accelerator is not None and self.custom_accelerator is not None:
            raise ValueError("give accelerator or custom_accelerator, not both")

    def _check_precision(self, key: str, precision: str) -> None:
        """Reject a precision that the accelerator is not known to have.

        One without a peak is taken for 16 bits, which every accelerator has.
        """
        device = self.device
        if device is None or precision == PRECISIONS[0] or precision in device.precisions:
            return
        known = " or ".join(f'"{p}"' for p in device.precisions or PRECISIONS[:1])
        raise ValueError(
            f'{key} = "{precision}" needs the dense {precision} FLOP/s of {device.name}, which are '
            f"not known: write {known}, or define the accelerator with its {precision}_flops "
            "under custom_accelerator"
        )

    @property
    def device(self) -> Accelerator | None:
        """The accelerator, if one is set."""
        if self.custom_accelerator is not None:
            return self.custom_accelerator.device
        return None if self.accelerator is None else accelerator(self.accelerator)

    def on(self, device: Accelerator) -> Self:
        """The same on an accelerator of the catalogue."""
        return self.model_copy({"accelerator": device.name, "custom_accelerator": None})

    @property
    def every_device(self) -> tuple[Accelerator, ...]:
        """The accelerators to choose from; none if none is set."""
        if isinstance(self.accelerator, Offered):
            return tuple(map(accelerator, self.accelerator.values))
        return () if self.device is None else (self.device,)

    @property
    def named(self) -> Accelerator:
        """The accelerator, which must be set."""
        device = self.device
        assert device is not None, "modelsizer.problems.quantities.needs.lacking tells"
        return device
