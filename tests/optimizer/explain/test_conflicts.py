"""Minimal conflicts against all subsets of limits, each asked of every design in plain loops."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import pytest

from modelsizer import Problem
from modelsizer.optimizer.constraints import Constraint
from modelsizer.optimizer.explain import space_constraints
from modelsizer.optimizer.explain.conflicts import (
    Keys,
    Oracle,
    all_conflicts,
    measured,
    minimal_conflicts,
    promised_conflicts,
    unmeasured,
)
from modelsizer.optimizer.explain.relaxer import Relaxer
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import exact
from tests.support.enumerated import designs_of, loss_of
from tests.support.shared import seeds
from tests.support.tight_problems import infeasible_problems, tight

BEYOND = 2  # steps that an end of the space reaches in these tests, so that all can be listed


@dataclass(frozen=True)
class Enumerated:
    """A design as plain figures: the limits that it breaks at any tokens, and tokens between."""

    design: Evaluation
    broken: Keys
    least: dict[str, Fraction]
    most: dict[str, Fraction]

    def keeps(self, keys: Keys) -> bool:
        if self.broken & keys:
            return False
        least = max([n for k, n in self.least.items() if k in keys], default=Fraction(0))
        most = min([n for k, n in self.most.items() if k in keys], default=Fraction(10**200))
        return least <= most


def _edge_tokens(problem: Problem, design: Evaluation, loss: float) -> Fraction:
    """Tokens at which a design reaches a loss, by bisection of the law."""
    low, high = 0.0, 200 * math.log(10)
    at = loss_of(problem, design)
    for _ in range(200):
        middle = (low + high) / 2
        above = at(math.exp(middle)) > loss
        low, high = (middle, high) if above else (low, middle)
    unreachable = high >= 200 * math.log(10) - 1e-9
    return Fraction(10) ** 300 if unreachable else Fraction(math.exp(high))


def enumerated(problem: Problem, limits: tuple[Constraint, ...]) -> list[Enumerated]:
    """Every design of the space with all of its ends left out."""
    kept = [limit.key for limit in limits if not limit.of_space]
    free = Relaxer(problem).problem(kept)
    found = []
    for design in designs_of(free):
        shape = design.architecture
        ratio = Fraction(shape.trunk.d_model, shape.layers)
        own = {"layers": shape.layers, "d_model": shape.trunk.d_model, "aspect_ratio": ratio}
        broken: set[str] = set()
        least: dict[str, Fraction] = {}
        most: dict[str, Fraction] = {}
        for limit in limits:
            form = "affine" if limit.of_space else QUANTITIES[limit.quantity].form
            value = exact(limit.limit)
            if form == "affine":
                used = own.get(limit.quantity, design.exact.get(limit.quantity))
                bad = used > value if limit.side == "max" else used < value
                broken |= {limit.key} if bad else set()
                continue
            if form == "flops":
                tokens = value / design.training_flops_per_token
            elif form == "tokens":
                tokens = value
            else:
                tokens = _edge_tokens(problem, design, float(limit.limit))
            falls = form == "loss"  # a most loss asks for tokens
            if limit.equality or limit.side == ("max" if falls else "min"):
                least[limit.key] = tokens
            if limit.equality or limit.side == ("min" if falls else "max"):
                most[limit.key] = tokens
        found.append(Enumerated(design, frozenset(broken), least, most))
    distinct = {(d.broken, *d.least.values(), None, *d.most.values()): d for d in found}
    return sorted(distinct.values(), key=lambda d: len(d.broken))


def by_all_subsets(keys: list[str], designs: list[Enumerated], always: Keys) -> set[Keys]:
    """Minimal conflicts by asking every subset of limits of every design."""
    found: list[Keys] = []
    for size in range(len(keys) + 1):
        for subset in map(frozenset, combinations(keys, size)):
            if any(known <= subset for known in found):
                continue
            asked = subset | always
            if not any(design.keeps(asked) for design in designs):
                found.append(subset)
    return set(found)


def near_universe(problem: Problem) -> dict[str, tuple[int, int]]:
    """A universe a few steps around the space."""
    found = {}
    for name in space_constraints.UNIVERSE:
        choice = getattr(problem.space, name)
        step = space_constraints.step_of(name, choice)
        low, high = int(choice.numbers[0]), int(choice.numbers[-1])
        found[name] = (max(step if name == "d_model" else 1, low - BEYOND * step),
                       high + BEYOND * step)  # fmt: skip
    return found


def check_against_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    problem = tight(seed)
    monkeypatch.setattr(space_constraints, "UNIVERSE", near_universe(problem))
    oracle = Oracle(problem)
    limits = oracle.relaxer.limits
    designs = enumerated(problem, limits)
    space = frozenset(limit.key for limit in limits if limit.of_space)
    promised = [limit.key for limit in limits if not limit.of_space]
    assert not any(design.keeps(oracle.all) for design in designs)
    found = list(promised_conflicts(oracle))
    assert len(found) == len(set(found))
    assert set(found) == by_all_subsets(promised, designs, space)
    every = list(all_conflicts(oracle))
    assert len(every) == len(set(every))
    assert set(every) == by_all_subsets([limit.key for limit in limits], designs, frozenset())
    return len(found), len(every)


@pytest.mark.parametrize("index", seeds(range(25), range(5, 25)))
def test_minimal_conflicts_are_those_of_all_subsets(
    index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = infeasible_problems(index + 1)[index]
    conflicts, with_space = check_against_enumeration(seed, monkeypatch)
    assert with_space >= conflicts >= 1


@pytest.mark.slow
def test_minimal_conflicts_of_a_hundred_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [check_against_enumeration(seed, monkeypatch) for seed in infeasible_problems(100)]
    assert len(sizes) == 100
    assert max(conflicts for conflicts, _ in sizes) >= 3


# The parts


def test_minimal_conflicts_of_a_known_family() -> None:
    wanted = {frozenset("ab"), frozenset("bcd"), frozenset("ae"), frozenset("f")}
    asked = []

    def feasible(keys: Keys) -> bool:
        asked.append(keys)
        return not any(conflict <= keys for conflict in wanted)

    found = list(minimal_conflicts(list("abcdefgh"), feasible))
    assert len(found) == 4
    assert set(found) == wanted
    assert len(asked) < 2**8
    assert list(minimal_conflicts(list("abc"), lambda keys: True)) == []
    assert list(minimal_conflicts(list("ab"), lambda keys: not keys)) == [{"b"}, {"a"}]


@pytest.mark.parametrize("seed", range(20))
def test_minimal_conflicts_of_random_families(seed: int) -> None:
    r = random.Random(seed)
    letters = list("abcdefghij")
    drawn = {frozenset(r.sample(letters, r.randint(1, 5))) for _ in range(r.randint(1, 12))}
    wanted = {c for c in drawn if not any(other < c for other in drawn)}
    found = list(minimal_conflicts(letters, lambda keys: not any(c <= keys for c in wanted)))
    assert set(found) == wanted


def test_progress_counts_conflicts_and_searches() -> None:
    seen: list[tuple[int, int]] = []
    problem = tight(infeasible_problems(1)[0])
    oracle = Oracle(problem, lambda *known: seen.append(known))
    assert not oracle.feasible(oracle.all)
    assert not oracle.feasible(oracle.all)  # which is known
    assert oracle.feasible(())
    assert seen == [(0, 1), (0, 2)]


def test_a_conflict_says_what_it_needs() -> None:
    problem = Problem.load("one-h100-1e24").with_settings(
        {"budgets.parameters": {"min": 50e9}, "budgets.training_flops": 1e30}
    )
    oracle = Oracle(problem)
    (keys,) = promised_conflicts(oracle)
    found = measured(oracle, unmeasured(oracle.relaxer.limits, keys))
    assert found.keys == ("budgets.parameters", "budgets.serving_memory")
    assert found.lead.key == "budgets.serving_memory"
    assert isinstance(found.needs, Fraction)
    assert found.needs > 100e9  # 2 bytes for each of 50e9 parameters
    assert found.needs.denominator == 1
