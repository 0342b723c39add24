"""What the choices of a design are worth, in the answer and in its JSON."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelsizer import Problem, evaluate, load_architecture
from modelsizer.problems.designs.worth import worth
from modelsizer.problems.laws.bands import ENDS, TERMS

LLAMA = load_architecture("llama-3-8b")


def problem(**objective: object) -> Problem:
    keys = {f"objective.{key}": value for key, value in objective.items()}
    return Problem.load("fixed-2t-tokens", keys)


def test_terms_are_shares_of_the_reducible_loss_and_the_band_has_all_of_one_end() -> None:
    base = evaluate(problem(ablations="none"), LLAMA)
    law = problem().law
    reducible = base.loss - base.shape_excess - law.irreducible
    found = worth(problem(), evaluate(problem(), LLAMA))
    assert found is not None
    assert tuple(found.choices) == TERMS
    kv = found.choices["kv_heads"]  # 32 heads and 8 kv heads
    assert [kv[end] / reducible for end in ENDS] == pytest.approx([0.002, 0.014, 0.030])
    for end, value in (("low", found.low), ("high", found.high)):
        total = sum(ends[end] for ends in found.choices.values())
        assert value == pytest.approx(base.loss + total, rel=1e-14)
        assert value == pytest.approx(evaluate(problem(ablations=end), LLAMA).loss, rel=1e-14)


def test_the_same_band_whatever_the_reading_and_none_without() -> None:
    bands = {end: worth(problem(ablations=end), evaluate(problem(ablations=end), LLAMA))
             for end in ENDS}  # fmt: skip
    lows = [band.low for band in bands.values() if band is not None]
    assert lows == pytest.approx([lows[0]] * 3, rel=1e-14)
    none = evaluate(problem(ablations="none"), LLAMA)
    bare = worth(problem(ablations="none"), none)
    assert bare is not None
    assert bare.low == bare.high == none.loss
    assert not any(value for ends in bare.choices.values() for value in ends.values())


def test_what_a_law_sees_itself_is_worth_nothing_more() -> None:
    terms = [
        {"coefficient": 480.0, "parameters": -0.35},
        {"coefficient": 2000.0, "tokens": -0.37},
        {"coefficient": 0.02, "kv_group": 0.5},
    ]
    own = {"laws": {"own": {"E": 1.8, "terms": terms}}, "objective": {"law": "own"}}
    found = Problem.from_tables(problem().to_dict() | own)
    mine = worth(found, evaluate(found, LLAMA))
    assert mine is not None
    assert not any(mine.choices["kv_heads"].values())
    assert mine.choices["ffn"]["middle"] > 0


def test_a_design_without_a_loss_has_none() -> None:
    classifier = replace(LLAMA, trunk=replace(LLAMA.trunk, head=2))
    assert worth(problem(), evaluate(problem(), classifier)) is None
