"""Random problems of few designs under several limits, and the infeasible ones among them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count, islice

from modelsizer import Problem, ProblemError
from modelsizer.optimizer.explain.conflicts import (
    any_design,
)
from modelsizer.problems.designs.evaluation import judge
from tests.support.enumerated import designs_of
from tests.support.random_problems import small

AFFINE = ("parameters", "non_embedding_parameters", "serving_memory", "kv_cache",
          "kv_bytes_per_token", "inference_flops_per_token", "active_parameters")  # fmt: skip


FEW = 24  # designs of a space, before its ends are left out


def tight(seed: int, make: Callable[[int], Problem] = small) -> Problem:
    """A random problem of few designs under three to seven limits, each hard on its own or not."""
    r = random.Random(seed)
    problem = make(seed)
    tables = problem.bare()
    tables["budgets"], tables["training"] = {}, dict(tables["training"])
    tables["training"]["tokens"] = {"max": 1e12}
    for key in ("layers", "d_model"):  # fewer designs, so that loops stay quick
        values = [int(n) for n in getattr(problem.space, key).numbers]
        tables["space"][key] = sorted(r.sample(values, min(len(values), 3)))
    if r.random() < 0.5:
        first = int(tables["space"]["layers"][0])
        tables["space"]["layers"] = {"min": first, "max": first + r.randint(1, 4)}
    if r.random() < 0.3:
        tables["space"]["aspect_ratio"] = {"min": 10, "max": 300}
    tables["space"].pop("ffn_multiple", None)
    bare = Problem.from_tables(tables)
    if bare.count_designs() > FEW:
        raise ProblemError.of("", "too many designs to list")
    seen = designs_of(bare)
    del tables["training"]["tokens"]
    for name in r.sample(AFFINE, r.randint(1, 4)):
        used = sorted(int(d.exact[name]) for d in seen)
        low, high = used[len(used) // 5], used[-1 - len(used) // 5]
        if r.random() < 0.6:
            tables["budgets"][name] = round(low * r.uniform(0.85, 1.3))
        else:
            tables["budgets"][name] = {"min": round(high * r.uniform(0.75, 1.15))}
    tokens = 10 ** r.uniform(9, 12)
    typical = r.choice(seen)
    flops = typical.training_flops_per_token
    kind = r.choice(["fixed", "min", "max", "range", "none"])
    given = {"fixed": round(tokens), "min": {"min": round(tokens)}, "max": {"max": round(tokens)},
             "range": {"min": round(tokens / 2), "max": round(tokens)}}  # fmt: skip
    if kind != "none":
        tables["training"]["tokens"] = given[kind]
    if r.random() < 0.7 or kind in ("none", "min"):
        tables["budgets"]["training_flops"] = float(f"{flops * tokens * r.uniform(0.5, 1.2):.6g}")
    if r.random() < 0.6:
        judged = judge(problem.quality, typical.architecture)
        loss = float(judged.loss(typical.law_parameters, tokens))
        tables["budgets"]["loss"] = round(loss * r.uniform(0.97, 1.01), 5)
    tables["objective"] |= {"minimize": "parameters"}
    return Problem.from_tables(tables)


def _infeasible(make: Callable[[int], Problem]) -> Iterator[int]:
    for seed in count(1):
        try:
            problem = tight(seed, make)
        except ProblemError:
            continue
        if any_design(problem) is None:
            yield seed


@cache
def _source(make: Callable[[int], Problem]) -> tuple[list[int], Iterator[int]]:
    return [], _infeasible(make)


def infeasible_problems(number: int, make: Callable[[int], Problem] = small) -> list[int]:
    """Seeds of the first infeasible problems that are quickly enumerated."""
    found, more = _source(make)
    found.extend(islice(more, max(0, number - len(found))))
    return found[:number]
