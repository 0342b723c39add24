"""Allocation of parameters and FLOPs: parts add up to independently counted totals."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from modelsizer import Problem, Solver, solve
from modelsizer.cli import app
from modelsizer.problems.architecture import allocation as counting
from modelsizer.problems.architecture.allocation import SPENT, active_parts, allocate, total_parts
from modelsizer.problems.architecture.architecture import (
    Architecture,
    DenseFeedForward,
    FullAttention,
    LatentAttention,
    Layer,
    LayerGroup,
    MixtureOfExperts,
    Trunk,
)
from modelsizer.problems.architecture.attention import Indexer
from modelsizer.problems.architecture.describing import parameters_dict
from modelsizer.problems.architecture.feedforward import NoFeedForward
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import NoAttention, Several
from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.architecture.state_space import Mamba, Mamba2
from modelsizer.problems.designs.description import describe

CONTEXTS = (1, 4096, 32768, 131072)
EXAMPLES = 25  # of each property
CATALOGUE = ("llama-3-8b", "gemma-3-27b", "deepseek-v3", "mixtral-8x7b", "qwen3-30b-a3b", "gpt2",
             "opt-350m", "bloom-560m", "mistral-7b", "qwen1.5-moe-a2.7b", "gpt-oss-120b",
             "nemotron-3-nano-30b-a3b", "qwen3-next-80b-a3b", "zamba2-2.7b", "mamba-130m")  # fmt: skip


def run(*args: str, code: int = 0, stdin: str | None = None) -> Any:
    answer = CliRunner().invoke(app, ["allocate", *args], input=stdin)
    assert answer.exit_code == code, answer.output + answer.stderr
    assert "Traceback" not in answer.stderr
    return answer


# Architectures of every kind


small = st.integers(1, 9)
with_scores = st.one_of(
    st.builds(
        lambda kv, group, dim, **rest: FullAttention(kv * group, kv, dim, **rest),
        small, small, small, qkv_bias=st.booleans(), output_bias=st.booleans(),
        qk_norm=st.sampled_from(["none", "head", "head_with_bias", "full"]),
        window=st.none() | st.integers(1, 300), sinks=st.booleans(),
    ),
    st.builds(LatentAttention, small, small, small, small, small, st.none() | small,
              st.booleans(), st.none() | st.builds(Indexer, small, small, st.integers(1, 300))),
)  # fmt: skip
with_states = st.one_of(
    st.builds(Mamba, small, small, small, small, inner_norms=st.booleans()),
    st.builds(Mamba2, small, small, small, small, small, st.booleans(), st.booleans()),
    st.builds(
        lambda keys, group, *rest: GatedDeltaNet(keys, keys * group, *rest),
        small, small, small, small, small, st.booleans(), st.integers(0, 9), st.integers(0, 9),
    ),
)  # fmt: skip
attentions = st.one_of(
    with_scores,
    with_states,
    st.just(NoAttention()),
    st.builds(lambda *parts: Several(parts), with_scores, with_states),
)
feed_forwards = st.one_of(
    st.builds(DenseFeedForward, st.integers(1, 99), st.booleans(), st.booleans()),
    st.builds(
        lambda d_ff, active, more, **rest: MixtureOfExperts(d_ff, active + more, active, **rest),
        small, small, st.integers(0, 9), gated=st.booleans(), shared_d_ff=st.integers(0, 9),
        expert_bias=st.booleans(), router_bias=st.booleans(), shared_bias=st.booleans(),
        shared_gate=st.booleans(),
    ),
    st.just(NoFeedForward()),
)  # fmt: skip
trunks = st.builds(
    Trunk, small, st.integers(1, 50), st.booleans(), st.booleans(), st.integers(0, 9), small,
    st.booleans(), st.booleans(), st.none() | small,
)  # fmt: skip
layers = st.builds(Layer, attentions, feed_forwards, st.integers(0, 4), st.booleans(),
                   st.integers(0, 9), st.integers(0, 9))  # fmt: skip
groups = st.builds(LayerGroup, layers, small)
architectures = st.builds(Architecture, trunks, st.lists(groups, min_size=1, max_size=4).map(tuple))


def adds_up(architecture: Architecture, contexts: tuple[int, ...]) -> counting.Allocation:
    """Assert that parts, layers and wholes agree, and with the counts of `describe`."""
    found = allocate(architecture, contexts)
    layers, p = found.layers, found.parameters
    for context, flops in zip(contexts, found.forward, strict=True):
        whole = describe(architecture, sequence=context)
        assert p.total == whole.parameters.total == sum(total_parts(p).values())
        assert p.active == whole.parameters.active == sum(active_parts(p).values())
        assert sum(getattr(flops, name) for name in SPENT) == whole.forward_flops_per_token
        assert flops.training == whole.training_flops_per_token
    for name in ("attention", "ffn", "experts"):
        assert getattr(p, name) == sum(x.count * getattr(x.parameters, name) for x in layers)
    more = tuple(LayerGroup(g.layer, g.count + 1) for g in architecture.groups)
    grown = describe(replace(architecture, groups=more)).parameters.total - p.total
    assert grown == sum(x.parameters.total for x in layers)
    idle = (x.count * (x.parameters.total - x.parameters.active) for x in layers)
    assert p.total - p.active == sum(idle)
    for index, flops in enumerate(found.forward):
        for name in ("attention_projections", "scores", "states", "ffn", "other"):
            each = (x.count * getattr(x.forward[index], name) for x in layers)
            assert getattr(flops, name) == sum(each)
    return found


@settings(deadline=None, max_examples=EXAMPLES)
@given(architectures, st.lists(st.integers(1, 600), min_size=1, max_size=3))
def test_parts_add_up(architecture: Architecture, contexts: list[int]) -> None:
    adds_up(architecture, tuple(contexts))


@pytest.mark.parametrize("name", CATALOGUE)
def test_published_models(name: str) -> None:
    found = adds_up(load_architecture(name), CONTEXTS)
    assert_least(found.architecture, found.scores_outweigh_ffn, 0)
    assert_least(found.architecture, found.scores_outweigh_rest, 1)


def test_published_counts() -> None:
    deepseek = allocate(load_architecture("deepseek-v3"), (4096,))
    # 256 experts of 3 x 7168 x 2048 in 58 layers; 8 of them are active.
    assert deepseek.parameters.experts == 58 * 256 * 3 * 7168 * 2048
    assert active_parts(deepseek.parameters)["ffn"] == (
        3 * 3 * 7168 * 18432 + 58 * (7168 * 256 + 9 * 3 * 7168 * 2048)
    )
    # Each of 128 heads has a query of 128 + 64 and a value of 128.
    assert deepseek.forward[0].scores == 61 * 2 * 4096 * 128 * (192 + 128)
    llama = allocate(load_architecture("llama-3-8b"), (8192,))
    assert llama.forward[0].head == 2 * 4096 * 128256
    assert llama.forward[0].scores == 32 * 4 * 8192 * 4096
    gpt2 = allocate(load_architecture("gpt2"), (1024,))
    assert gpt2.parameters.total == 124_439_808  # Hugging Face's gpt2
    assert gpt2.parameters.embedding == (50257 + 1024) * 768
    assert gpt2.parameters.lm_head == 0  # tied, yet a token meets it
    assert gpt2.forward[0].head == 2 * 50257 * 768
    with pytest.raises(ValueError, match="at least 1"):
        allocate(load_architecture("gpt2"), (0,))


# Where scores outweigh


def beyond(architecture: Architecture, context: int) -> tuple[bool, bool]:
    flops = counting.whole_flops(architecture, context)
    return flops.scores > flops.ffn, 2 * flops.scores > flops.total


def assert_least(architecture: Architecture, least: int | None, which: int) -> None:
    """It holds there and not one token earlier; or not even in a context of 2^40."""
    if least is None:
        assert not beyond(architecture, 2**40)[which]
        return
    assert beyond(architecture, least)[which]
    assert least == 1 or not beyond(architecture, least - 1)[which]


@settings(deadline=None, max_examples=EXAMPLES)
@given(architectures)
def test_crossings_against_every_context(architecture: Architecture) -> None:
    found = allocate(architecture)
    for which, least in enumerate((found.scores_outweigh_ffn, found.scores_outweigh_rest)):
        assert_least(architecture, least, which)
        some = range(1, 700)
        first = next((c for c in some if beyond(architecture, c)[which]), None)
        if first is not None or (least is not None and least < some.stop):
            assert least == first


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.integers(1, 300), st.integers(1, 999), st.integers(1, 64), st.integers(1, 128), small)
def test_crossing_of_a_llama_is_the_closed_form(
    d_model: int, d_ff: int, heads: int, head_dim: int, layers: int
) -> None:
    layer = Layer(FullAttention(heads, 1, head_dim), DenseFeedForward(d_ff))
    found = allocate(Architecture(Trunk(d_model, 100), (LayerGroup(layer, layers),)))
    # 4 context heads head_dim > 2 x 3 d_model d_ff
    assert found.scores_outweigh_ffn == 3 * d_model * d_ff // (2 * heads * head_dim) + 1


def test_crossings_known() -> None:
    assert allocate(load_architecture("llama-3-8b")).scores_outweigh_ffn == 14336 * 3 // 2 + 1
    mistral = allocate(load_architecture("mistral-7b"))  # every layer has a window of 4,096
    assert (mistral.scores_outweigh_ffn, mistral.scores_outweigh_rest) == (None, None)
    # Windows that are wide enough do not hide a crossing inside them.
    layer = Layer(FullAttention(4, 4, 8, window=100), DenseFeedForward(8))
    within = allocate(Architecture(Trunk(32, 1), (LayerGroup(layer, 2),)))
    assert within.scores_outweigh_ffn == 3 * 32 * 8 // (2 * 32) + 1 < 100
    barely = allocate(Architecture(Trunk(32, 10**6), (LayerGroup(layer, 2),)))
    assert (barely.scores_outweigh_ffn, barely.scores_outweigh_rest) == (13, None)
    # At its window of 12 a layer's scores equal its feed-forward: that does not outweigh it.
    for window, least in ((12, None), (13, 13)):
        kind = replace(layer, attention=FullAttention(4, 4, 8, window=window))
        equal = allocate(Architecture(Trunk(32, 1), (LayerGroup(kind, 2),)))
        assert equal.scores_outweigh_ffn == least


# The command


def test_json_of_a_model() -> None:
    found = json.loads(run("gemma-3-27b", "--json", "-", "--context", "2K, 1_000,2000").stdout)
    architecture = load_architecture("gemma-3-27b")
    assert [at["context"] for at in found["contexts"]] == [2000, 1000]  # each once, as given
    for at in found["contexts"]:
        whole = describe(architecture, sequence=at["context"])
        assert at["forward"]["total"] == whole.forward_flops_per_token
        assert at["training_total"] == whole.training_flops_per_token
    assert found["parameters"] == parameters_dict(describe(architecture).parameters)
    local, every = found["layers"]
    assert (local["count"], every["count"]) == (52, 10)
    # At 2,000 tokens a window of 1,024 costs 1,024; at 1,000 nothing is saved.
    scores = [[at["scores"] for at in kind["flops_per_token"]] for kind in (local, every)]
    assert scores[0][0] * 2000 == scores[1][0] * 1024
    assert scores[0][1] == scores[1][1]
    assert found["scores_outweigh"]["feed_forward"] == 257_159


def test_a_problem_is_solved_and_its_best_design_allocated() -> None:
    args = ("--set", "serving.context_length=16384", "--set", "budgets.training_flops=5e23")
    found = json.loads(run("one-h100-1e24", *args, "--json", "-").stdout)
    over = {"serving.context_length": 16384, "budgets.training_flops": 5e23}
    problem = Problem.load("one-h100-1e24").with_settings(over)
    best = solve(problem, solver="exhaustive").best.architecture
    assert found["architecture"]["layers"] == best.layers
    assert found["architecture"]["d_model"] == best.trunk.d_model
    assert found["parameters"]["total"] == describe(best).parameters.total
    assert [at["context"] for at in found["contexts"]] == [8192, 16384]


def test_an_answer_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(solve(Problem.load("one-h100-1e24")).to_dict()))
    by_problem = json.loads(run("one-h100-1e24", "--json", "-").stdout)
    for source in (str(path), "-"):
        answer = run(source, "--context", "8192", "--json", "-", stdin=path.read_text())
        assert json.loads(answer.stdout) | {"source": ""} == by_problem | {"source": ""}


@pytest.mark.parametrize(
    "args",
    [
        "llama-3-8b", "gemma-3-27b", "deepseek-v3 --context 1048576,2097152,4194304",
        "llama-3.1-405b --context 1,128,16384,1000000,1e15", "one-h100-1e24",
    ],
)  # fmt: skip
def test_text_is_whole_at_80_columns(args: str) -> None:
    text = run(*args.split()).stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert "Scores outweigh the feed-forward from a context of" in text
    assert "not causally halved" in text


def test_words_of_the_report() -> None:
    llama = " ".join(run("llama-3-8b").stdout.split())
    for words in ("context of 21,505 tokens", "feed-forward 5,637,144,576 70.2 %",
                  "total 8,030,261,248 100.0 %", "forward 17.157 100.0 % 32.189 100.0 %",
                  "Each of 32 layers: full attention, d_ff 14,336"):  # fmt: skip
        assert words in llama
    assert "windows cap them" in run("mistral-7b").stdout
    gpt2 = run("gpt2").stdout
    assert "lm head, tied" in gpt2
    assert "1,024 learned positions" in gpt2
    assert "learned positions" not in run("gpt2", "--context", "1024").stdout
    deepseek = " ".join(run("deepseek-v3").stdout.split())
    assert "routed experts 653,908,770,816 97.4 % 20,434,649,088" in deepseek
    assert "256 experts of which 8 active" in deepseek
    assert '"6ND"' in run("one-h100-1e24", "--set", "training.flops=6ND").stdout


def test_csv_adds_up_and_the_picture_is_drawn(tmp_path: Path) -> None:
    path, picture = tmp_path / "parts.csv", tmp_path / "parts.svg"
    run("deepseek-v3", "--csv", str(path), "--plot", str(picture), "--plot-size", "column")
    assert "scores outweigh the feed-forward from 9,720 tokens" in picture.read_text()
    with path.open() as file:
        rows = list(csv.DictReader(file))
    whole = describe(load_architecture("deepseek-v3"), sequence=32768)
    wanted = {("parameters", ""): whole.parameters.total,
              ("active_parameters", ""): whole.parameters.active,
              ("forward_flops_per_token", "32768"): whole.forward_flops_per_token}  # fmt: skip
    for (quantity, context), total in wanted.items():
        of_model = [row for row in rows if row["scope"] == "model"
                    and (row["quantity"], row["context"]) == (quantity, context)]  # fmt: skip
        values = {row["component"]: int(row["value"]) for row in of_model}
        assert values.pop("total") == sum(values.values()) == total
    assert {row["layers"] for row in rows if row["scope"] == "layer"} == {"3", "58"}


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (("one-h100-1e24", "--set", "budgets.parameters=1000"), 1, "proven infeasible"),
        (("one-h100-1e24", "--set", "budgets.parameter=1000"), 2, "budgets.parameter"),
        (("none.toml",), 2, "no such file"),
        (("llama-3-8",), 2, "did you mean"),
        (("llama-3-8b", "--set", "space.layers=3"), 2, "settings are of a problem"),
        (("llama-3-8b", "--context", "4096,x"), 2, "'x' is not a number"),
        (("llama-3-8b", "--context", "0"), 2, "1 or more"),
        (("llama-3-8b", "--context", "1.5"), 2, "whole number"),
        (("llama-3-8b", "--csv", "x.txt"), 2, ".csv"),
        (("llama-3-8b", "--plot", "x.bmp"), 2, ".png"),
        (("llama-3-8b", "--plot", "x.png", "--plot-size", "huge"), 2, "wide or column"),
    ],
)
def test_errors(args: tuple[str, ...], code: int, word: str) -> None:
    answer = run(*args, code=code)
    assert word in answer.stderr
    assert not answer.stdout


def test_a_search_that_is_stopped_before_a_design_exits_with_3(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = solve(Problem.load("one-h100-1e24"))
    nothing = replace(found.objective, value=None)
    stopped = replace(
        found, status="limit", stop="interrupted", objective=nothing, design=None, budgets=()
    )
    monkeypatch.setattr(Solver, "solve", lambda *_, **__: stopped)
    answer = run("one-h100-1e24", code=3)
    assert "one-h100-1e24: stopped before a design was found" in answer.stderr
    assert not answer.stdout


def test_a_hybrid_shows_its_recurrences_and_a_dense_model_none() -> None:
    text = run("nemotron-3-nano-30b-a3b", "--context", "4096").stdout
    assert "Each of 23 layers: mamba2" in text
    assert "Each of 23 layers: 128 experts of which 6 active" in text
    assert text.count("recurrences") == 4  # of the whole, and of each of three kinds of layer
    alone = run("mamba-130m", "--context", "4096").stdout
    assert "recurrences" in alone
    assert "outweigh" not in alone
    assert "recurrences" not in run("llama-3-8b", "--context", "4096").stdout
