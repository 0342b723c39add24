"""Answers agree with plain loops over kinds of layer and experts (tests/support/layers_oracle)."""

from __future__ import annotations

import random
import tomllib
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

from modelsizer import Problem
from tests.support.layers_oracle import compare, counts, drawing
from tests.support.layers_oracle.engines import BOXES, answered, ranked
from tests.support.layers_oracle.quality import leverage
from tests.support.layers_oracle.search import Oracle
from tests.support.layers_oracle.space import (
    LATENT,
    DeltaNet,
    Dense,
    Design,
    Experts,
    Group,
    Grouped,
    Latent,
    Mamba2,
)
from tests.support.shared import reference, reference_json

QUICK = ("least-active",)
KNOWN = (
    *("latent-experts", "mixture-one-card", "mixture-one-card-active", "mixture-one-card-budget"),
    *("nothing-fits", "windows-128k", "windows-128k-low", "windows-128k-high", "windows-128k-none"),
)
KEYS = {
    *("full_every", "between", "window", "attention", "experts", "latent", "linear", "kv_group"),
    *(f"experts.{name}" for name in ("routed", "active", "d_ff", "granularity", "ffn_multiple")),
    *("experts.shared", "experts.dense_layers", "latent.heads", "linear.state", "linear.groups"),
    *(f"latent.{name}" for name in LATENT),
    *("linear.key_heads", "linear.value_heads", "leverage_flops=budget", "shape=none"),
}
CLOSE = 1e-12
FAST = (3, 22, 25, 27, 67, 69, 81, 88, 89, 100, 110, 128)
PROGRAMS = (22, 81, 100, 128)
ENGINES = ("auto", "exhaustive", BOXES, "scipy", "pulp")


@lru_cache(maxsize=len(FAST))
def drawn(seed: int) -> tuple[Problem, Oracle]:
    found = drawing.tables(seed)
    return Problem.from_tables(found), Oracle(found)


@pytest.mark.parametrize("engine", ENGINES[:2])
@pytest.mark.parametrize("seed", FAST)
def test_answers_agree_with_the_oracle(seed: int, engine: str) -> None:
    problem, oracle = drawn(seed)
    assert answered(problem, engine, oracle) == [], problem.to_toml()


@pytest.mark.parametrize("engine", ENGINES[2:])
@pytest.mark.parametrize("seed", PROGRAMS)
def test_boxes_and_programs_agree_with_the_oracle(seed: int, engine: str) -> None:
    problem, oracle = drawn(seed)
    assert answered(problem, engine, oracle) == [], problem.to_toml()


@pytest.mark.parametrize("seed", FAST)
def test_rankings_agree_with_the_oracle(seed: int) -> None:
    problem, oracle = drawn(seed)
    assert ranked(problem, oracle) == [], problem.to_toml()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300))
def test_all_agree_with_the_oracle_at_length(seed: int) -> None:
    problem, oracle = drawn(seed)
    found = {engine: answered(problem, engine, oracle) for engine in ENGINES}
    found["rank"] = ranked(problem, oracle)
    assert not any(found.values()), (found, problem.to_toml())


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in KNOWN)]
)
def test_the_oracle_finds_known_answers(name: str) -> None:
    """Enumerations that others wrote from the same page."""
    want = reference_json("known_layers/answers.json")[name]
    oracle = Oracle(tomllib.loads(reference(f"known_layers/{name}.toml").read_text()))
    assert ("optimal" if oracle.points else "infeasible") == want["status"]
    if not oracle.points:
        return
    assert (len(oracle.designs), len(oracle.points)) == (want["designs"], want["feasible"])
    values = [point.objective for point in oracle.points[:5]]
    assert values == pytest.approx(want["five_best_objectives"], rel=CLOSE)
    best = oracle.points[0]
    row, told = oracle.row(best), compare.architecture(best.design)
    assert {key: told[key] for key in want["architecture"]} == want["architecture"]
    assert {key: row["parameters"][key] for key in want["parameters"]} == want["parameters"]
    assert (row["loss"], row["tokens"]) == pytest.approx((want["loss"], want["tokens"]), rel=CLOSE)
    terms = {key: row["q_terms"][key] for key in want["q_terms"]}
    assert terms == pytest.approx(want["q_terms"], rel=CLOSE)
    n = oracle.quality.n(best.design)
    used = row["parameters"]["active"]
    if want["leverage"] == 1:
        assert n == used
    else:
        experts = best.design.first(Experts)
        found = leverage(experts, best.design.d_model, oracle.quality.flops)
        assert found == pytest.approx(want["leverage"], rel=CLOSE)


@pytest.mark.parametrize(("granularity", "value"), [(2, 2.710), (8, 3.497)])
def test_the_oracle_has_the_leverage_of_the_paper(granularity: int, value: float) -> None:
    """One expert of 16, at 1e20 FLOPs (arXiv 2507.17702, table 2)."""
    experts = Experts(16, 1, 4096 * 2 // granularity, 0)
    assert leverage(experts, 4096, 1e20) == pytest.approx(value, abs=5e-4)


PUBLISHED = {
    # d_model, vocabulary, tied, groups; total and active parameters
    "DeepSeek-V3": (
        Design(7168, 129280, False, (
            Group(3, V3 := Latent(128, 512, 1536, 64, 128, 128), Dense(18432)),
            Group(58, V3, Experts(256, 8, 2048, 1)),
        )), 671_026_404_352, 37_552_282_624,
    ),
    "Mixtral 8x7B": (
        Design(4096, 32000, False, (Group(32, Grouped(32, 8, 128), Experts(8, 2, 14336, 0)),)),
        46_702_792_704, 12_879_925_248,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_oracle_counts_published_models(name: str) -> None:
    design, total, active = PUBLISHED[name]
    assert counts.parameters(design)[:2] == (total, active)


@pytest.mark.reference
@pytest.mark.parametrize("d", [512, 2048])
def test_the_oracle_counts_mixers_as_the_library_does(d: int) -> None:
    torch = pytest.importorskip("torch")
    qwen = pytest.importorskip("transformers.models.qwen3_next")
    nemotron = pytest.importorskip("transformers.models.nemotron_h")
    delta, mamba = DeltaNet(8, 32, 64, 128, 4), Mamba2(96, 64, 128, 8, 4)
    with torch.device("meta"):
        ours = {
            delta: qwen.modeling_qwen3_next.Qwen3NextGatedDeltaNet(
                qwen.Qwen3NextConfig(
                    hidden_size=d, linear_num_key_heads=8, linear_num_value_heads=32,
                    linear_key_head_dim=64, linear_value_head_dim=128,
                ), 0,
            ),
            mamba: nemotron.modeling_nemotron_h.NemotronHMamba2Mixer(
                nemotron.NemotronHConfig(
                    hidden_size=d, mamba_num_heads=96, mamba_head_dim=64, n_groups=8,
                    ssm_state_size=128,
                ), 0,
            ),
        }  # fmt: skip
    for part, module in ours.items():
        found = counts.mixer(part, d)
        assert found.matrices + found.other == sum(w.numel() for w in module.parameters())


def test_every_kind_of_layer_and_setting_is_drawn() -> None:
    """Of as many problems as are compared: menus before limits are put."""
    seen: Counter[str] = Counter()
    for seed in range(300):
        found = drawing.unlimited(random.Random(seed), seed)
        space, objective = found["space"], found["objective"]
        seen.update([*space, *objective, found["training"]["flops"], *found["serving"]])
        seen.update(f"{key}={value}" for key, value in objective.items())
        for table in ("experts", "latent", "linear"):
            seen.update(f"{table}.{name}" for name in space.get(table, ()))
    assert 60 <= seen["full_layers"] <= 140
    assert min(seen[f"experts={name}"] for name in ("tian-2025", "active", "total")) > 10
    assert min(seen[f"ablations={name}"] for name in ("low", "middle", "high", "none")) > 30
    assert {*KEYS, "6ND", "causal", "kv_policy", "state_bytes"} <= {
        k for k, n in seen.items() if n > 5
    }


def test_the_oracle_shares_no_code_with_the_package() -> None:
    files = list((Path(__file__).parents[1] / "support" / "layers_oracle").glob("*.py"))
    assert len(files) >= 8
    for path in files:
        if path.name not in ("engines.py", "__main__.py"):
            assert "modelsizer" not in path.read_text(), path
