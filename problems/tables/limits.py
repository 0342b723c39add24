"""How a limit is written: a number, a number with a unit, or a model that has it."""

from __future__ import annotations

import math

from modelsizer.problems.errors import short
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number, format_number, parse_quantity

_AS, _AT = "as ", " at "
EXAMPLE = '"as llama-3-8b at 15T tokens"'


@dataclass(frozen=True, slots=True)
class Bare:
    """Upper limits that a number without a unit can mean.

    Parameters
    ----------
    likely : tuple of (float, str)
        Spellings of what was meant, such as ``"{} GB"``, each for numbers below its first value.
    least, most : float
        In the base unit; a bare number outside is refused, and one with a unit is not.
    """

    likely: tuple[tuple[float, str], ...] = ()
    least: float = 0.0
    most: float = math.inf

    def means(self, number: Number) -> bool:
        """Whether a bare number can be meant."""
        return self.least <= number <= self.most

    def check(self, value: object, number: Number, dimension: str) -> None:
        """Refuse a bare number that nobody can mean.

        Parameters
        ----------
        value : object
            As it was written.
        number : int or float
            In the base unit.
        dimension : str
            A key of `modelsizer.problems.units.UNITS`.

        Raises
        ------
        ValueError
            With the likely spelling.
        """
        if self.means(number) or has_unit(value):
            return
        typed = format_number(number)
        likely = [pattern.format(typed) for below, pattern in self.likely if number < below]
        meant = [f'"{text}"' for text in likely if self._is_meant(text, dimension)][:1]
        spellings = ", or ".join([*meant, f'"{typed} {dimension}" if that is meant'])
        raise ValueError(f"{short(value)} is a number of {dimension}: write {spellings}")

    def _is_meant(self, text: str, dimension: str) -> bool:
        """Whether a spelling is a quantity, and one that can be meant."""
        try:
            return self.means(parse_quantity(text, dimension))
        except ValueError:
            return False

    def written(self, number: Number, dimension: str) -> Number | str:
        """A limit as a problem file holds it: with its unit where a bare number is refused."""
        return number if self.means(number) else f"{number!r} {dimension}"


ANY = Bare()
"""Any bare number can be meant."""


def has_unit(value: object) -> bool:
    """Whether a quantity, which was read without error, is written with a unit."""
    return isinstance(value, str) and value.rstrip()[-1] not in "0123456789."


def is_reference(value: object) -> bool:
    """Whether a limit is written as that of a model: ``"as llama-3-8b at 15T tokens"``."""
    return isinstance(value, str) and f"{value.strip()} ".startswith(_AS)


def read_reference(text: str) -> tuple[str, Number | None]:
    """The model that a reference names, and its tokens if it gives them.

    Parameters
    ----------
    text : str
        ``"as MODEL"`` or ``"as MODEL at TOKENS"``.

    Raises
    ------
    ValueError
        If there is no model in it, or its tokens are no number of tokens above 0.

    Examples
    --------
    >>> read_reference("as llama-3-8b at 15T tokens"), read_reference("as models/our.json")
    (('llama-3-8b', 15000000000000), ('models/our.json', None))
    """
    source, at, said = text.strip().removeprefix(_AS.strip()).strip().rpartition(_AT)
    source, said = (source.strip(), said.strip()) if at else (said.strip(), "")
    if not source:
        raise ValueError(f"{short(text)} names no model; write {EXAMPLE}")
    if not at:
        return source, None
    try:
        tokens = parse_quantity(said, "tokens")
    except ValueError as error:
        raise ValueError(f"{short(text)}: {error}") from None
    if tokens <= 0:
        raise ValueError(f"{short(text)}: tokens must be above 0; write {EXAMPLE}")
    TOKENS.check(said, tokens, "tokens")
    return source, tokens


TOKENS = Bare(((100, "{}T tokens"), (math.inf, "{}B tokens")), least=1e6)
"""Ten books have a million tokens: 15 is 15T."""
MEMORY = Bare(((1000, "{} GB"), (math.inf, "{} MB")), least=1e6)
"""No accelerator has less than a megabyte, and no model and no cache of a batch takes less."""
