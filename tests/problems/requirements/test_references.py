"""Limits that are those of a model."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from modelsizer import Problem, evaluate, load_architecture, solve
from modelsizer.problems.designs.evaluation import Evaluator
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.limits import read_reference
from tests.support.devices import on_any_device
from tests.support.referenced import drawn

LLAMA = "llama-3-8b"
AS_LLAMA = f"as {LLAMA} at 15T tokens"
EXACTLY = {
    "layers": 32, "d_model": 4096, "head_dim": 128, "kv_heads": 8, "d_ff": 14336,
    "vocab_size": 128256,
}  # fmt: skip
WIDE = EXACTLY | {
    "layers": {"min": 28, "max": 36}, "d_model": {"min": 3840, "max": 4352}, "kv_heads": [4, 8],
    "d_ff": [12288, 14336],
}  # fmt: skip
TABLES: dict[str, Any] = {
    "space": WIDE,
    "serving": {"accelerator": "H100-SXM"},
    "budgets": {"training_flops": AS_LLAMA, "loss": f"as {LLAMA}"},
}

SEES_HEADS = {
    "E": 1.7,
    "terms": [
        {"parameters": -0.34, "coefficient": 450.0},
        {"tokens": -0.37, "coefficient": 2000.0},
        {"kv_heads": -0.5, "coefficient": 0.01},
    ],
}


@pytest.mark.parametrize("law", TOKEN_LAWS)
def test_a_model_keeps_its_own_loss_under_every_law(law: str) -> None:
    model = load_architecture(LLAMA)
    for at, ablations in enumerate(("low", "middle", "high", "none")):
        objective = {"law": law, "ablations": ablations}
        own = Problem.from_tables(TABLES | {"objective": objective, "space": EXACTLY})
        own = own.with_settings({"training.tokens": AS_LLAMA} if at % 2 else {})
        found = solve(own, solver=("auto", "exhaustive", "scipy", "auto")[at])
        assert found.status == "optimal"
        assert found.best.loss == own.budgets.loss.max == evaluate(own, model).loss
        if at % 2:
            wide = Problem.from_tables(TABLES | {"objective": objective})
            assert evaluate(wide, model).feasible
            assert solve(wide, solver="exhaustive").best.loss <= wide.budgets.loss.max


def check(seed: int, folder: Path, *engines: str) -> bool:
    """Whether a problem was drawn; the model keeps its limits, and no engine loses it."""
    drawn_one = drawn(seed, folder)
    if drawn_one is None:
        return False
    problem, sought = on_any_device(drawn_one.problem), drawn_one.sought
    free = evaluate(problem, drawn_one.model)
    fixed = problem.with_settings({"training.tokens": drawn_one.reference})
    assert not free.violated, seed
    assert not evaluate(fixed, drawn_one.model).violated, seed
    for engine in engines:
        found = solve(problem, solver=engine)
        assert found.status == "optimal", seed
        assert found.best.exact[sought] <= free.exact[sought], seed
    return True


def test_random_models_keep_their_own_limits(tmp_path: Path) -> None:
    assert sum(check(seed, tmp_path, "auto") for seed in range(1, 7)) == 6


@pytest.mark.slow
def test_many_random_models_keep_their_own_limits(tmp_path: Path) -> None:
    engines = ("auto", "exhaustive", "scipy")
    assert sum(check(seed, tmp_path, *engines) for seed in range(7, 221)) >= 164


def test_every_quantity_is_that_of_the_design() -> None:
    tables = TABLES | {
        "training": {
            "tokens": AS_LLAMA, "accelerator": "H100-SXM", "accelerators": 64,
            "price_per_hour": 2.3, "tensor_parallel": [1, 2, 4],
        },
        "serving": {"accelerator": "H100-SXM", "batch_size": 3, "kv_bits": 4, "output_length": 300,
                    "prefill": {"accelerators": 2}},
        "lifetime": {"inference_tokens": "3T", "prefill_share": 0.7},
    }  # fmt: skip
    for name, row in QUANTITIES.items():
        limit = {"min": AS_LLAMA} if row.only == "min" else AS_LLAMA
        problem = Problem.from_tables(tables | {"budgets": {name: limit}})
        found = Evaluator(problem).evaluate(load_architecture(LLAMA))
        assert not found.violated, name
        end = problem.budgets.limits[name].max or problem.budgets.limits[name].min
        assert end == pytest.approx(float(found.exact[name]), rel=1e-15), name


def test_the_text_stays_and_the_number_follows() -> None:
    problem = Problem.from_tables(TABLES)
    assert problem.to_dict()["budgets"] == TABLES["budgets"]
    assert Problem.parse(problem.to_toml()) == problem
    assert pickle.loads(pickle.dumps(problem)).budgets.loss == problem.budgets.loss
    losses = {
        problem.with_settings(settings).budgets.loss.max
        for settings in ({}, {"objective.law": "kaplan-2020"}, {"objective.ablations": "high"})
    }
    assert len(losses) == 3
    longer = problem.with_settings(
        {"budgets.kv_cache": {"min": f"as {LLAMA}"}, "serving.context_length": 8192}
    )
    assert longer.budgets.kv_cache.min == 2**30
    named = longer.with_settings({"scenarios": {"short": {"serving": {"context_length": 1024}}}})
    assert named.scenario("short").budgets.kv_cache.min == 2**27


def test_the_loss_follows_the_leverage_of_the_budget() -> None:
    tables = TABLES | {"objective": {"leverage_flops": "budget"}}
    tables |= {"budgets": {"training_flops": 1e22, "loss": "as qwen3-30b-a3b"}}
    losses = [
        Problem.from_tables(tables).with_settings({"budgets.training_flops": flops}).budgets.loss
        for flops in (1e20, 1e22, "as qwen3-30b-a3b")
    ]
    assert len({limit.max for limit in losses if limit is not None}) == 3


def test_text_of_another_tokenizer_is_the_same_text() -> None:
    settings = {
        "tokenizer.bytes_per_token": {"32000": 3.17, "128256": 3.94},
        "training.tokens": f"as {LLAMA}",
        "budgets.tokens": {"min": f"as {LLAMA}"},
        "space": EXACTLY,
    }
    problem = Problem.from_tables(TABLES).with_settings(settings)
    tokens = problem.training.tokens
    assert tokens is not None
    assert tokens.min == tokens.max == problem.budgets.tokens.min > 15e12
    found = solve(problem)
    assert found.status == "optimal"
    assert found.best.loss == problem.budgets.loss.max
    assert found.best.tokens == pytest.approx(15e12, rel=1e-12)


def test_a_file_beside_the_problem_is_found(tmp_path: Path, monkeypatch: Any) -> None:
    problem = Problem.from_tables(TABLES)
    (tmp_path / "ours.json").write_text(__import__("json").dumps(solve(problem).to_dict()))
    text = problem.to_toml().replace(f"as {LLAMA}", "as ours.json")
    (tmp_path / "problem.toml").write_text(text)
    monkeypatch.chdir("/")
    found = Problem.load(tmp_path / "problem.toml")
    assert found.budgets.loss.max_as == f"as {tmp_path / 'ours.json'}"
    assert found.budgets.loss.max <= problem.budgets.loss.max  # an answer has tokens of its own
    (tmp_path / "ours.json").unlink()
    with pytest.raises(ProblemError, match="no such file"):
        found.with_settings({"name": "gone"})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"budgets.loss": "as"}, 'names no model; write "as llama-3-8b'),
        ({"budgets.loss": "as lama-3-8b"}, "did you mean llama-3-8b"),
        ({"budgets.loss": "as llama-3-8b at 15"}, '"15T tokens"'),
        ({"budgets.loss": "as llama-3-8b at much"}, "is not a number of tokens"),
        ({"budgets.loss": "as llama-3-8b at 0 tokens"}, "above 0"),
        ({"budgets.loss": "as -"}, "standard input"),
        ({"budgets.loss": "as mistral-7b"}, 'no training tokens of it; write "as mistral-7b at'),
        ({"budgets.loss": "as bert-base at 1T tokens"}, "no language head|no model"),
        (
            {"budgets.loss": "as deepseek-v3", "objective.law": "own", "laws": {"own": SEES_HEADS}},
            "it has no loss: own sees kv_heads, which attention of another kind has not",
        ),
        ({"budgets.kv_cache": "as mamba-2.8b"}, "its kv_cache is 0|no model"),
        ({"serving.context_length": "as llama-3-8b"}, "is not a number"),
        ({"budgets.parameters": {"min": "as llama-3-70b", "max": "as llama-3-8b"}}, "is above max"),
        ({"budgets.decode_throughput": "as llama-3-8b"}, "lower limit only"),
        (
            {"budgets.training_memory": "as llama-3-8b", "training.accelerators": 6,
             "training.tensor_parallel": 6},
            "no training_memory under these layouts: 6 does not divide",
        ),
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused_with_its_key(settings: dict[str, Any], words: str) -> None:
    tables = TABLES | {"space": WIDE | {"vocab_size": 129024, "d_model": 4608}}
    with pytest.raises(ProblemError, match=words) as error:
        Problem.from_tables(tables).with_settings(settings)
    assert str(error.value).startswith(next(iter(settings)))


def test_models_and_tokens_are_read_apart() -> None:
    assert read_reference("as a at b/config.json at 2T") == ("a at b/config.json", 2 * 10**12)
    assert read_reference(" as  llama-3-8b ") == ("llama-3-8b", None)
