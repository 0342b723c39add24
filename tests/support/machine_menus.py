"""Small random problems that offer machines, and their answer by solving every choice alone."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from modelsizer import Problem, ProblemError
from modelsizer.optimizer.solver import Solver
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training

MENUS: Mapping[str, list[Any]] = {
    "training.accelerator": ["H100-SXM", "A100-80GB-SXM", "H200-SXM", "B200-SXM", "MI300X"],
    "training.accelerators": [4, 8, 12, 16, 32, 64],
    "training.microbatch_size": [1, 2, 4],
    "training.zero_stage": [0, 1, 2, 3],
    "training.recompute": ["none", "selective", "half", "full"],
    "training.precision": ["bf16", "fp8"],
    "training.expert_parallel": [1, 2, 4],
    "serving.accelerator": ["H100-SXM", "L4", "A100-80GB-SXM", "H200-SXM", "RTX-4090", "L40S"],
    "serving.accelerators": [1, 2, 4, 8],
    "serving.tensor_parallel": [1, 2, 4],
    "serving.expert_parallel": [1, 2, 4],
    "serving.weight_bits": [16, 8, 4],
    "serving.kv_bits": [16, 8, 4],
    "serving.engine": ["vllm", "tensorrt-llm", "llama.cpp", "none"],
    "serving.compute": ["bf16", "fp8"],
}
PRICES = {"H100-SXM": 2.5, "A100-80GB-SXM": 1.3, "H200-SXM": 3.5, "B200-SXM": 5, "MI300X": 2,
          "L4": 0.5, "RTX-4090": 0.4, "L40S": 1}  # fmt: skip
MINIMISED = ("training_cost", "training_time", "decode_latency", "serving_memory",
             "training_memory", "lifetime_cost", "parameters", "tokens", "serving_cost")  # fmt: skip
ORDER = [f"{name}.{key}" for name, table in (("training", Training), ("serving", Serving))
         for key in table.model_fields]  # fmt: skip
"""Keys in the order in which their menus are preferred."""

Tables = dict[str, dict[str, Any]]


def drawn(seed: int) -> tuple[Tables, dict[str, list[Any]]]:
    """Tables of a problem of single values, and menus of some settings."""
    r = random.Random(f"machines {seed}")
    space: dict[str, Any] = {
        "layers": {"min": 4, "max": r.choice([12, 24]), "step": r.choice([1, 2])},
        "d_model": {"min": 512, "max": r.choice([1536, 2560]), "step": 256},
        "head_dim": r.choice([[64, 128], 128]),
        "kv_heads": r.choice([[2, 4, 8], [4], [1, 4]]),
        "ffn_ratio": r.choice([[2.6667, 4], 4]),
        "ffn_multiple": r.choice([64, 256]),
        "vocab_size": r.choice([32768, [32768, 65536]]),
    }
    if r.random() < 0.3:
        space["experts"] = {"routed": r.choice([[8, 16], [0, 8]]), "active": 2, "d_ff": [512, 1024]}
    training = {"sequence_length": 2048, "accelerator": "H100-SXM",
                "accelerators": r.choice([8, 16, 64])}  # fmt: skip
    if r.random() < 0.6:
        training["tensor_parallel"] = r.choice([[1, 2], [1, 2, 4], 2])
    if r.random() < 0.5:
        training["pipeline_parallel"] = r.choice([[1, 2], [1, 2, 4]])
    tables: Tables = {
        "space": space,
        "training": training,
        "serving": {"accelerator": "H100-SXM", "batch_size": r.choice([1, 8, 64]),
                    "context_length": r.choice([2048, 8192])},
        "lifetime": {"inference_tokens": "1T tokens", "prefill_share": 0.8},
        "prices": PRICES,
        "budgets": {},
        "objective": {},
    }  # fmt: skip
    menus = {
        key: r.sample(MENUS[key], min(len(MENUS[key]), r.randint(1, 3)))
        for key in r.sample(list(MENUS), r.randint(1, 4))
    }
    _promise(r, tables)
    return tables, menus


def _promise(r: random.Random, tables: Tables) -> None:
    """Set budgets and the objective."""
    compute = 10 ** r.uniform(19, 21.5)
    first: dict[str, Any] = {
        "training_flops": compute,
        "training_time": f"{r.uniform(0.02, 3) * compute / 1e20:.4g} h",
        "training_cost": f"{max(1.5, r.uniform(5, 250) * compute / 1e20):.4g} USD",
        "training_energy": f"{max(2, r.uniform(2, 100) * compute / 1e20):.4g} kWh",
        "lifetime_cost": f"{r.uniform(5e3, 2e5):.5g} USD",
    }
    others: dict[str, Any] = {
        **first,
        "decode_latency": f"{r.uniform(1, 12):.3g} ms",
        "prefill_latency": f"{r.uniform(2, 200):.3g} ms",
        "serving_memory": r.choice([f"{r.uniform(0.3, 6):.3g} GB", "as gpt2"]),
        "training_memory": f"{r.uniform(3, 40):.3g} GB",
        "parameters": f"{r.uniform(0.1, 2):.3g}B",
        "decode_throughput": {"min": r.uniform(100, 6000)},
        "serving_cost": f"{r.uniform(0.05, 20):.3g} USD",
        "concurrency": {"min": r.choice([1, 4, 32])},
        "tokens": {"min": r.uniform(1e8, 3e10)},
        "kv_cache": f"{r.uniform(0.05, 4):.3g} GB",
    }
    one = r.choice(list(first))
    budgets = {one: first[one]}
    for name in r.sample([name for name in others if name != one], r.randint(1, 3)):
        budgets[name] = others[name]
    sought = r.choice(["loss"] * 7 + [*MINIMISED])
    tables["objective"] = {"minimize": sought}
    if sought != "loss":
        budgets["loss"] = r.uniform(2.6, 3.8)
    elif r.random() < 0.1:
        tables["objective"] = {"maximize": "concurrency"}
        budgets["loss"] = r.uniform(2.6, 3.8)
    tables["budgets"] = budgets


def with_values(tables: Tables, values: Mapping[str, Any]) -> Tables:
    """Tables with other values of dotted keys."""
    found = {name: dict(table) for name, table in tables.items()}
    for key, value in values.items():
        name, _, field = key.partition(".")
        found[name][field] = value
    return found


def value_of(problem: Problem, design: Evaluation) -> Fraction | float:
    """What is minimised."""
    value = design.exact[problem.objective.quantity]
    return -value if problem.objective.sense == "maximize" else value


def alone(
    tables: Tables, menus: Mapping[str, list[Any]]
) -> Iterator[tuple[Problem, dict[str, Any]]]:
    """Yield the problem of each choice of all menus that makes sense, the preferred ones first."""
    keys = sorted(menus, key=ORDER.index)
    for values in itertools.product(*(menus[key] for key in keys)):
        choice = dict(zip(keys, values, strict=True))
        try:
            yield Problem.from_tables(with_values(tables, choice)), choice
        except ProblemError:
            continue


def _money(problem: Problem) -> tuple[Fraction, Fraction]:
    """Dollars for a model FLOP of training, and for an hour of the serving accelerators."""
    training, serving = problem.training, problem.serving
    second = training.flops_per_second(mixture=bool(problem.mixture))
    return (
        Fraction(str(PRICES[training.named.name])) / second,
        Fraction(str(PRICES[serving.named.name])) * serving.devices,
    )


def best_alone(
    tables: Tables, menus: Mapping[str, list[Any]]
) -> tuple[int, tuple[Evaluation, dict[str, Any]] | None]:
    """The best of the answers of every choice, by value, tie rule, money and order; None if none.

    Returns
    -------
    number : int
        Choices that make sense.
    best : (Evaluation, dict) or None
        The design, and the values that were chosen.
    """
    best, number = None, 0
    for number, (problem, choice) in enumerate(alone(tables, menus), start=1):
        result = Solver(problem).solve(details=False)
        assert result.status in ("optimal", "infeasible")
        if (design := result.design) is None:
            continue
        money = _money(problem)
        key = (value_of(problem, design), design.tie_key, design.architecture.block, money, number)
        if best is None or key < best[0]:
            best = key, design, choice
    return number, None if best is None else best[1:]
