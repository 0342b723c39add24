"""Every other question under a law that sees all of a design, against plain loops."""

from __future__ import annotations

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.optimizer.fronts.run import front
from modelsizer.optimizer.laws.robust import solve_draws
from modelsizer.optimizer.prices.continuous import relax
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.near_optimal import k_best
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.terms import TermLaw
from tests.support.enumerated import all_designs, sorted_by_hand
from tests.support.fronts import by_hand, near, some_goals, vectors_of
from tests.support.joint_repair import check_joint_repair
from tests.support.random_laws import law_of, random_law, u_shaped, with_law
from tests.support.random_problems import small
from tests.support.shared import seeds
from tests.support.tight_problems import infeasible_problems, tight


def own(seed: int) -> Problem:
    """A small random problem under a random law."""
    return Problem.from_tables(with_law(small(seed).to_dict(), seed))


@pytest.mark.parametrize("seed", seeds(range(20), {3, *range(5, 20)}))
def test_k_best_are_those_of_plain_sorting(seed: int) -> None:
    problem = own(seed)
    result = solve(problem)
    wanted = sorted_by_hand(problem)
    assert (result.status == "infeasible") == (not wanted)
    if wanted:
        found = k_best(result, 7)
        assert [d.architecture for d in found.best] == [d.architecture for d in wanted[:7]]


@pytest.mark.parametrize("seed", seeds(range(20), {3, *range(5, 20)}))
def test_fronts_are_those_of_plain_loops(seed: int) -> None:
    problem = own(seed)
    names = some_goals(problem, seed)
    try:
        found = vectors_of(front(problem, names, solver="exhaustive"))
    except ProblemError:
        with pytest.raises(ProblemError):
            front(problem, names, solver="bound")
        return
    if not {"training_flops", "tokens"} & {n.removeprefix("-") for n in names}:
        assert near(found, by_hand(problem, names)), names
    assert vectors_of(front(problem, names, solver="bound")) == found


@pytest.mark.parametrize("seed", range(4))
def test_an_engine_gives_the_same_front(seed: int) -> None:
    problem = own(13 * seed)  # least loss
    names = ["loss", "parameters"]
    wanted = vectors_of(front(problem, names, solver="exhaustive"))
    assert vectors_of(front(problem, names, solver=["scipy", "pulp"][seed % 2])) == wanted


def test_joint_repairs_are_as_cheap_as_any_by_hand() -> None:
    for index, seed in enumerate(infeasible_problems(8, own)):
        check_joint_repair(tight(seed, own), index)


def test_the_continuous_relaxation_is_no_worse_and_near() -> None:
    problem = u_shaped()
    best = solve(problem).best
    found = relax(problem, best)
    assert found is not None
    assert best.loss - 0.01 < found.objective <= best.loss + 1e-9


def drawn(seed: int, count: int) -> list[TokenLaw]:
    """The law of a seed with its numbers moved a little."""
    import random

    r, law = random.Random(seed), law_of(seed)
    found: list[TokenLaw] = []
    for _ in range(count):
        terms = tuple(
            type(term)(
                term.coefficient * r.uniform(0.8, 1.25),
                {name: e * r.uniform(0.95, 1.05) for name, e in term.exponents.items()},
                term.name,
            )
            for term in law.terms
        )
        found.append(TermLaw("own", law.E, terms, law.parameter_kind))
    return found


@pytest.mark.parametrize("seed", seeds(range(0, 130, 13), {13, *range(39, 130)}))
def test_draws_of_any_law_are_solved_as_loops_solve_them(seed: int) -> None:
    problem = own(seed)
    if problem.budgets.loss is not None:
        problem = problem.without("budgets.loss")
    laws = drawn(seed, 5)
    found = solve_draws(problem, laws)
    designs = all_designs(problem)
    assert (found is None) == (not designs)
    if found is None:
        return
    certificate = found.certificate
    assert certificate.looked_at == sum(
        (certificate.infeasible, certificate.dominated, certificate.equal, certificate.compared)
    )
    losses = []
    for law in laws:
        assert isinstance(law, TermLaw)
        table = {
            **random_law(seed),
            "terms": [{"coefficient": t.coefficient, **t.exponents} for t in law.terms],
        }
        under = problem.with_settings({"laws.own": table})
        losses.append({d.architecture: d.loss for d in all_designs(under)})
        best = Solver(under).solve(details=False).best
        assert best.loss == pytest.approx(min(losses[-1].values()), rel=1e-14)
    worst = {a: max(each[a] for each in losses) for a in losses[0]}
    mean = {a: sum(each[a] for each in losses) / len(losses) for a in losses[0]}
    assert found.values["worst_case"] == pytest.approx(min(worst.values()), rel=1e-12)
    assert found.values["expected"] == pytest.approx(min(mean.values()), rel=1e-12)
    shares = {c.design.architecture: c.share for c in found.winners}
    assert sum(shares.values()) == pytest.approx(1)
    for architecture in shares:
        assert any(
            each[architecture] == pytest.approx(min(each.values()), rel=1e-12) for each in losses
        )
