"""The least repairs of an infeasible problem, as changes that the page offers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from modelsizer.live.control import words_of
from modelsizer.live.stops import amount_text
from modelsizer.live.typed_text import typed
from modelsizer.optimizer.constraints import TOKENS, base_of, is_limit, name_of
from modelsizer.optimizer.explain.explain import Explanation
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import exact, parse_quantity
from modelsizer.text.explain_words import round_to_feasible

MOST = 6
"""Repairs that are offered."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A change that makes a problem feasible.

    Parameters
    ----------
    text : str
        What it does: ``"KV cache to 2.148 GB"``.
    settings : mapping of str to value
        To lay over those of the state.
    cost : float
        How large the change is; see `modelsizer.optimizer.explain.change_costs`.
    """

    text: str
    settings: Mapping[str, object]
    cost: float

    def to_dict(self) -> dict[str, Any]:
        """The keys of the page."""
        return {"text": self.text, "settings": dict(self.settings), "without": []}


def offers(found: Explanation, keys: Collection[str]) -> list[Offer]:
    """The least repairs, the least costly first.

    Parameters
    ----------
    found : Explanation
    keys : collection of str
        Of controls, and of the settings of the state: a limit is moved by the key that is there.

    Returns
    -------
    list of Offer
        Limits are rounded to the feasible side.
    """
    together = [(each.cost, each.repairs) for each in found.alternatives]
    if found.joint is not None:
        together.append((found.joint.cost, found.joint.repairs))
    every = [((repair.cost or 0.0), (repair,)) for repair in found.offered] + [
        (cost, tuple(repairs)) for cost, repairs in together if len(repairs) > 1
    ]
    made = [_offer(found.problem, repairs, cost, keys) for cost, repairs in every]
    apart = {offer.text: offer for offer in sorted(made, key=lambda offer: -offer.cost)}
    return sorted(apart.values(), key=lambda offer: offer.cost)[:MOST]


def without_offers(found: Explanation) -> str:
    """What is said where nothing is offered."""
    if not found.complete:
        return (
            "No repair was found in the time that a page takes; the command explain takes as long "
            "as it needs."
        )
    return "No single change makes it feasible: undo, or change several of what is named above."


def _offer(
    problem: Problem, repairs: Iterable[Repair], cost: float, keys: Collection[str]
) -> Offer:
    texts, settings = [], dict[str, object]()
    for repair in repairs:
        text, change = _change(problem, repair, keys)
        texts.append(text)
        settings |= change
    return Offer(" and ".join(texts), settings, cost)


def _change(
    problem: Problem, repair: Repair, keys: Collection[str]
) -> tuple[str, dict[str, object]]:
    """A repair in words, and what it sets."""
    base = base_of(repair.key)
    name, value = name_of(repair.key), repair.value
    words = words_of(base) if base == TOKENS or name in QUANTITIES else name
    if repair.side is None:
        return f"{words} to {typed(value)}", dict(repair.made)
    assert not isinstance(value, str)
    text = round_to_feasible(value, repair.unit, repair.side)
    if not _holds(text, repair):
        text = amount_text(value, repair.unit)
    end = {"max": "at most ", "min": "at least "}[repair.side] if base in (TOKENS, "") else ""
    change = dict(repair.made)
    if is_limit(base):
        change = _limit(problem, base, repair, text, keys)
    return f"{words} to {end}{text}", change


def _holds(text: str, repair: Repair) -> bool:
    """Whether a text is no tighter a limit than the value of a repair."""
    assert not isinstance(repair.value, str)
    try:
        read = exact(parse_quantity(text, repair.unit))
    except ValueError:
        return False
    value = exact(repair.value)
    return read >= value if repair.side == "max" else read <= value


def _limit(
    problem: Problem, base: str, repair: Repair, text: str, keys: Collection[str]
) -> dict[str, object]:
    """What moves one end of a limit, and leaves the other."""
    one_end = f"{base}.{repair.side}"
    tokens = problem.training.tokens
    if base == TOKENS and tokens is not None and tokens.min == tokens.max:
        ends = {"min": tokens.min, "max": tokens.max} | {str(repair.side): text}
        return {base: ends}  # of tokens that were fixed
    key = base if base in keys and one_end not in keys and repair.side == "max" else one_end
    return {key: text}
