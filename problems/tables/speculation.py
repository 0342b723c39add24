"""``[serving.speculation]``: several tokens verified in one step of decoding."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.offered import Several, SeveralTables
from modelsizer.problems.typed_keys import Kind, TableError
from modelsizer.problems.typed_tables import Table
from modelsizer.problems.units import exact, parse_quantity
from modelsizer.problems.value_forms import Amount, OneOf, Within

if TYPE_CHECKING:
    from modelsizer.problems.architecture.architecture import Architecture

MOST_LENGTH = 8
SpeculationKind = Literal["mtp", "draft"]


_LENGTHS = tuple(range(MOST_LENGTH + 1))
_LENGTH = OneOf("tokens", 3, _LENGTHS)
_ACCEPTANCE = Amount("share", 0.8, range=Within(least=0, most=1))


def _read_length(value: object) -> int:
    if isinstance(value, bool) or value not in _LENGTHS:
        raise ValueError(
            f"{short(value)} is not a number of drafted tokens, a whole number from 0 to "
            f"{MOST_LENGTH}"
        )
    return _LENGTHS.index(value)


def _read_acceptance(value: object) -> float:
    number = parse_quantity(value, "count")
    if not _ACCEPTANCE.range.holds(number):
        raise ValueError(
            f"{short(value)} is not an acceptance: the share of drafted tokens that are accepted, "
            "from 0 to 1"
        )
    return float(number)


def _models() -> Mapping[str, object]:
    from modelsizer.problems.architecture.models import models

    return models()


def _read_model(value: object) -> str:
    known = _models()
    if not isinstance(value, str) or value not in known:
        hint = did_you_mean(value, known) if isinstance(value, str) else ""
        raise ValueError(
            f"{short(value)} is no model of the catalogue{hint}; a draft is one, "
            'such as "qwen3-0.6b"'
        )
    return value


class Speculation(Table):
    """Drafting of tokens, which the model verifies in one step (arXiv 2211.17192).

    Parameters
    ----------
    kind : {"mtp", "draft"}
        What drafts tokens: a module for multi-token prediction, a layer of the model's own with a
        projection of 2 d_model to d_model (DeepSeek-V3, arXiv 2412.19437, section 2.2; an EAGLE
        head is counted alike); or a smaller model.
    length : int
        Tokens drafted in each step, one after another; 0 for none.
    acceptance : number
        Share of drafted tokens that are accepted, if those before them are.
    model : str
        The draft: a model of the catalogue, served in the formats of the model.
    """

    kind: SpeculationKind
    length: Annotated[int, Kind(_read_length, form=_LENGTH), Several()]
    acceptance: Annotated[float, Kind(_read_acceptance, form=_ACCEPTANCE)]
    model: Annotated[str | None, Kind(_read_model, form=OneOf("", "qwen3-0.6b", _models))] = None

    def _check(self) -> None:
        if self.kind == "draft" and self.model is None:
            raise TableError([("model", 'this key is required with kind = "draft"')])
        if self.kind == "mtp" and self.model is not None:
            raise TableError([("model", 'belongs to kind = "draft"')])

    @property
    def expected_tokens(self) -> Fraction:
        """Tokens that a sequence gets of a step, at least one (ibid., equation 1).

        With acceptance a and length n they are 1 + a + ... + a^n = (1 - a^(n + 1)) / (1 - a).
        """
        share = exact(self.acceptance)
        return sum((share**n for n in range(self.length + 1)), Fraction(0))

    @property
    def draft(self) -> Architecture | None:
        """The smaller model that drafts, if one does."""
        if self.model is None:
            return None
        from modelsizer.problems.architecture.models import models

        return models()[self.model].architecture

    def __str__(self) -> str:
        return f"{self.model or self.kind} of {self.length} at {self.acceptance:g}"


SpeculationValue = Annotated[
    Speculation | None,
    Kind(Speculation.model_validate, Speculation.given),
    SeveralTables(numbers=False),
]
