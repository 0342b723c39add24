"""Bytes and bits per weight by part: read, written, counted, and proven by every solver."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, Solver
from modelsizer.optimizer.explain.explain import explain
from modelsizer.problems.architecture.models import models
from modelsizer.problems.architecture.weight_formats import PARTS, WeightFormat
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.memory_parts import serving_parts
from modelsizer.problems.tables.serving import Serving

BITS = {"attention": 8, "ffn": 4.25, "embedding": 6.5}


def problem(**serving: Any) -> Problem:
    tables = Problem.load("one-h100-1e24").to_dict()
    tables["serving"] = {"batch_size": 4, "context_length": 4096} | serving
    return Problem.from_tables(tables)


def test_bits_of_parts_include_scales() -> None:
    formats = problem(weight_bits=BITS).serving.weights
    assert formats.attention == 1
    assert formats.ffn == formats.experts == Fraction(17, 32)
    assert formats.embedding == formats.head == Fraction(13, 16)
    assert formats.other == 2
    assert formats.matrix == formats.smallest == Fraction(17, 32)


def test_parts_that_are_not_given_have_two_bytes() -> None:
    formats = problem(weight_bytes={"experts": 0.53125, "head": 1}).serving.weights
    assert formats == WeightFormat(
        Fraction(2),
        Fraction(2),
        Fraction(17, 32),
        Fraction(2),
        Fraction(2),
        Fraction(1),
        Fraction(2),
    )


def test_all_parts_alike_are_one_number() -> None:
    one, parts = problem(weight_bytes=0.75), problem(weight_bytes=dict.fromkeys(PARTS, 0.75))
    model = models()["qwen3-30b-a3b"].architecture
    settings = {"serving.accelerator": "H100-SXM"}
    found = [evaluate(p.with_settings(settings), model).exact for p in (one, parts)]
    assert found[0] == found[1]


def test_a_table_is_written_as_it_was_read() -> None:
    asked = problem(weight_bits=BITS)
    tables = asked.to_dict()
    assert tables["serving"]["weight_bits"] == BITS
    assert Problem.from_tables(tables).serving == asked.serving
    changed = asked.with_settings({"serving.weight_bits.head": 8})
    assert changed.serving.weights.head == 1
    assert changed.serving.weights.ffn == asked.serving.weights.ffn


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({"serving.weight_bits.atention": 8}, "serving.weight_bits.atention", "mean attention"),
        ({"serving.weight_bits.ffn": 0}, "serving.weight_bits.ffn", "0 is not a number of bits"),
        ({"serving.weight_bits.ffn": "many"}, "serving.weight_bits.ffn", "not a number"),
        ({"serving.weight_bytes.ffn": 65}, "serving.weight_bytes.ffn", "at most 64"),
        ({"serving.weight_bits": {}}, "serving.weight_bits", "some of attention"),
        ({"serving.weight_bits": BITS, "serving.weight_bytes": 1}, "serving", "not both"),
        ({"serving.weight_bits": BITS, "serving.embedding_bits": 8}, "serving", "as one number"),
        ({"serving.weight_bits": BITS, "serving.weight_block": 32}, "serving", "as one number"),
    ],
)
def test_faults_name_the_key(settings: dict[str, Any], key: str, words: str) -> None:
    base = Problem.load("one-h100-1e24").to_dict()
    base["serving"].pop("weight_bytes", None)
    with pytest.raises(ProblemError, match=words) as told:
        Problem.from_tables(base).with_settings(settings)
    assert told.value.faults[0].key == key


def test_a_part_cannot_be_set_of_one_number() -> None:
    with pytest.raises(ProblemError, match="one number for all parts: write it as a table"):
        problem(weight_bytes=1).with_settings({"serving.weight_bytes.ffn": 0.5})


def test_stored_formats_are_kept_where_nothing_is_set() -> None:
    stored = WeightFormat(*map(Fraction, ("1", "1/2", "1/3", "4", "2", "2", "4")))
    assert Serving().stored(stored).weights == stored
    for number in ({"weight_bytes": 2}, {"weight_bits": 8}):
        serving = Serving.model_validate(number)
        assert serving.stored(stored) is serving
    part = Serving.model_validate({"weight_bits": {"experts": 8, "embedding": 16}}).stored(stored)
    assert part.weights == WeightFormat(
        Fraction(1), Fraction(1, 2), Fraction(1), Fraction(4), Fraction(2), Fraction(2), Fraction(4)
    )


def test_parts_of_memory_are_told_apart() -> None:
    asked = problem(weight_bits=BITS)
    design = evaluate(asked, models()["llama-3-8b"].architecture)
    parts = serving_parts(asked, design)
    assert parts is not None
    assert parts.total == design.exact["serving_memory"]
    held = dict(parts.parts)
    assert list(held) == ["attention", "feed-forward", "embedding and head", "other weights",
                          "KV cache"]  # fmt: skip
    assert held["feed-forward"] == 32 * 3 * 4096 * 14_336 * Fraction(17, 32)


def test_every_solver_proves_the_same() -> None:
    tables: dict[str, Any] = {
        "space": {"layers": {"min": 4, "max": 40}, "d_model": [1024, 1536, 2048, 3072],
                  "head_dim": [64, 128], "kv_heads": [2, 8], "ffn_ratio": [2.5, 4],
                  "vocab_size": 50_000, "tied_embeddings": [True, False]},
        "training": {"tokens": 1e11},
        "serving": {"accelerator": "H100-SXM", "context_length": 2048, "batch_size": 4,
                    "weight_bits": {"attention": 8, "ffn": 4.25, "embedding": 16, "head": 4.5}},
        "budgets": {"serving_memory": "1.1 GB", "decode_latency": "1.6 ms"},
    }  # fmt: skip
    asked = Problem.from_tables(tables)
    solvers = ("exhaustive", "bound", "scipy", "pulp")
    found = {name: Solver(asked, solver=name).solve(details=False) for name in solvers}
    best = found["exhaustive"].best
    for result in found.values():
        assert result.status == "optimal"
        assert result.best.architecture == best.architecture
        assert result.best.loss == pytest.approx(best.loss, abs=1e-9)
    alike = Problem.from_tables(tables | {"serving": tables["serving"] | {"weight_bits": 16}})
    assert Solver(alike).solve(details=False).best.loss > best.loss


def test_repairs_leave_a_table_alone() -> None:
    asked = problem(weight_bits=BITS).with_settings({"budgets.serving_memory": "1 MB"})
    keys = {repair.key for repair in explain(asked).repairs}
    assert not keys & {"serving.weight_bits", "serving.weight_bytes"}


def test_a_router_has_the_format_of_the_rest_or_its_own() -> None:
    assert problem(weight_bits={"other": 32}).serving.weights.router == 4
    assert problem(weight_bits={"other": 32, "router": 16}).serving.weights.router == 2
    assert problem(weight_bits={"experts": 4.25}).serving.weights.router == 2
    model = models()["deepseek-v3"].architecture
    settings = {"serving.accelerator": "H200-SXM"}
    plain, wide = (
        evaluate(problem(weight_bytes={"router": each}).with_settings(settings), model).exact
        for each in (2, 4)
    )
    routers = 58 * 256 * 7168
    assert wide["serving_memory"] - plain["serving_memory"] == 2 * routers
    assert wide["decode_latency"] > plain["decode_latency"]
