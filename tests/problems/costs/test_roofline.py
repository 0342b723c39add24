"""Rooflines: by hand, in both directions, and the same for arrays as for integers."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelsizer import Problem, ProblemError
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts
from modelsizer.problems.architecture.weight_formats import WeightFormat
from modelsizer.problems.costs import roofline
from modelsizer.problems.costs.roofline import PICOSECONDS, Machine
from modelsizer.problems.designs.capacity import latency_estimates, serving_room
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.hardware.accelerators import accelerators

TRUNK = Trunk(64, 1000)
LAYER = Layer(FullAttention(4, 2, 16), DenseFeedForward(256))
MACHINE = Machine(1e9, 1e12, 1e12, 1, 1.0, 0.0, 1e-6)
WEIGHTS = 64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 256
TWO = Fraction(2)
PLAIN = WeightFormat.of(TWO, TWO, TWO)
AT: dict[str, Any] = {"batch": 3, "context": 100, "formats": PLAIN, "kv_bytes": 2.0,
                      "state_bytes": 2.0}  # fmt: skip


def test_decode_by_hand() -> None:
    memory, compute = roofline.decode(TRUNK, [LAYER], MACHINE, **AT).branches(adds=False)
    cached = 3 * 100 * 2 * 2 * 16 * 2
    assert memory.base == 64_000 * 2 * 1000  # picoseconds at 1 GB/s
    assert memory.per_layer[0] == (WEIGHTS * 2 + cached) * 1000 + 1_000_000
    flops = 2 * WEIGHTS + 4 * 100 * 64
    assert compute.per_layer[0] == 3 * flops + 1_000_000
    assert compute.base == 3 * 2 * 64_000
    assert memory.denominator == compute.denominator == PICOSECONDS


def test_prefill_by_hand() -> None:
    memory, compute = roofline.prefill(
        TRUNK, [LAYER], MACHINE, batch=2, prompt=50, state_bytes=2.0,
        formats=WeightFormat.of(Fraction(1), TWO, TWO),
    ).branches(adds=False)  # fmt: skip
    assert memory.per_layer[0] == WEIGHTS * 1000 + 1_000_000
    assert compute.per_layer[0] == 100 * (2 * WEIGHTS + 4 * 50 * 64) + 1_000_000
    assert compute.base == 2 * 2 * 64_000  # the head sees the last token of each prompt only


def test_tensor_parallelism_divides_and_costs_a_link() -> None:
    two = Machine(1e9, 1e12, 1e12, 2, 1e9, 1e-6, 0.0)
    one = Machine(1e9, 1e12, 1e12, 1, 1.0, 0.0, 0.0)
    alone, _ = roofline.decode(TRUNK, [LAYER], one, **AT).branches(adds=False)
    memory, _ = roofline.decode(TRUNK, [LAYER], two, **AT).branches(adds=False)
    moved = 2 * 3 * 64 * 2 * 1  # two all-reduces of batch x d_model x 2 bytes, 2 (n - 1) / n = 1
    assert memory.per_layer[0] == alone.per_layer[0] // 2 + moved * 1000 + 2 * 1_000_000


@given(
    st.integers(1, 40), st.integers(1, 9), st.integers(1, 400), st.integers(1, 5000), st.booleans()
)
@settings(max_examples=40, deadline=None)
def test_arrays_equal_integers(heads: int, kv: int, width: int, context: int, adds: bool) -> None:
    def layer(h: object, k: object, f: object) -> Layer:
        return Layer(FullAttention(h, k, 8), DenseFeedForward(f))  # type: ignore[arg-type]

    def arrays(n: int) -> np.ndarray:
        return np.array([n, 1], dtype=np.int64)

    at = AT | {"context": context}
    one = roofline.decode(Trunk(width, 999), [layer(heads * kv, kv, width * 3)], MACHINE, **at)
    many = roofline.decode(
        Trunk(arrays(width), arrays(999)),
        [layer(arrays(heads * kv), arrays(kv), arrays(width * 3))],
        MACHINE,
        **at,
    )
    for a, b in zip(one.branches(adds=adds), many.branches(adds=adds), strict=True):
        assert a.base == b.base[0] and a.per_layer[0] == b.per_layer[0][0]


@given(st.integers(1, 64), st.integers(1, 8192))
@settings(max_examples=30, deadline=None)
def test_more_of_anything_is_not_faster(batch: int, context: int) -> None:
    def seconds(**more: object) -> float:
        step = roofline.decode(
            TRUNK, [LAYER], MACHINE, **(AT | {"batch": batch, "context": context} | more)
        )
        return max(float(part.at([7])) for part in step.branches(adds=False))

    base = seconds()
    assert seconds(batch=batch + 1) >= base
    assert seconds(context=context + 1) >= base
    assert seconds(formats=WeightFormat.of(Fraction(5, 2), TWO, TWO)) >= base


def test_absorbed_latents_attend_as_expanded_ones_do_and_take_the_flops_counted() -> None:
    """One token over a cache of latents, by matrix products that are counted as they are made."""
    random, flops, tokens = np.random.default_rng(0), [0], 50
    part = LatentAttention(heads=4, kv_lora_rank=24, rope_dim=6, nope_dim=10, value_dim=8)

    def product(form: str, a: Any, b: Any) -> Any:
        sizes = {key: n for one, text in zip((a, b), form.split("->")[0].split(","), strict=True)
                 for key, n in zip(text, one.shape, strict=True)}  # fmt: skip
        flops[0] += 2 * math.prod(sizes.values())
        return np.einsum(form, a, b)

    def seen(weights: Any) -> Any:
        share = np.exp(weights)
        return share / share.sum(axis=1, keepdims=True)

    latents, rotary = random.normal(size=(tokens, 24)), random.normal(size=(tokens, 6))
    up_keys, up_values = random.normal(size=(24, 4, 10)), random.normal(size=(24, 4, 8))
    query, turned = random.normal(size=(4, 10)), random.normal(size=(4, 6))
    keys, values = (
        product("tc,chn->thn", latents, up_keys),
        product("tc,chv->thv", latents, up_values),
    )
    up_projected, flops[0] = flops[0], 0
    scores = product("hn,thn->ht", query, keys) + product("hr,tr->ht", turned, rotary)
    expanded = product("ht,thv->hv", seen(scores), values)
    assert flops[0] == part.score_flops(tokens)
    of_a_token, flops[0] = up_projected // tokens, 0
    absorbed = product("hn,chn->hc", query, up_keys)
    scores = product("hc,tc->ht", absorbed, latents) + product("hr,tr->ht", turned, rotary)
    mean = product("ht,tc->hc", seen(scores), latents)
    assert np.allclose(product("hc,chv->hv", mean, up_values), expanded)
    assert flops[0] == part.cached_score_flops(tokens) + of_a_token


def test_a_decode_step_of_latents_computes_and_reads_the_absorbed_form() -> None:
    layer = Layer(LatentAttention(128, 512, 64, 128, 128, 1536), DenseFeedForward(18_432))
    trunk = Trunk(7168, 129_280)
    batch, context = 64, 8192
    memory, compute = roofline.decode(
        trunk, [layer], MACHINE, **(AT | {"batch": batch, "context": context, "kv_bytes": 1.0})
    ).branches(adds=False)
    weights = layer.attention.matmul_weights(7168) + layer.ffn.matmul_weights(7168)
    scores = 2 * context * 128 * (2 * 512 + 64)
    flops = batch * (2 * weights + scores) / MACHINE.flops / MACHINE.ways
    moved = weights * float(AT["formats"].matrix) + batch * context * (512 + 64) * MACHINE.ways
    assert float(compute.at([1]) - compute.at([0])) == pytest.approx(flops + MACHINE.overhead)
    seconds = moved / MACHINE.bandwidth / MACHINE.ways + MACHINE.overhead
    assert float(memory.at([1]) - memory.at([0])) == pytest.approx(seconds)


def model() -> Architecture:
    return Architecture(
        Trunk(4096, 128_256),
        (LayerGroup(Layer(FullAttention(32, 8, 128), DenseFeedForward(14_336)), 32),),
        "llama",
    )


def test_estimates_bracket_and_budgets_take_the_one_asked_for() -> None:
    found = {}
    for which in ("low", "expected", "high"):
        problem = standalone_problem(
            model(), {"serving.accelerator": "A100-80GB-SXM", "serving.latency": which}
        )
        found[which] = float(evaluate(problem, model()).exact["decode_latency"])
        estimates = latency_estimates(problem, model())
        assert estimates is not None
        assert estimates["decode_latency"][which] == pytest.approx(found[which], rel=1e-9)
    assert found["low"] < found["expected"] < found["high"]


def test_fewer_bits_compute_a_prompt_faster() -> None:
    times = []
    for precision in ("bf16", "fp8", "fp4"):
        asked = {"serving.accelerator": "B200-SXM", "serving.compute": precision}
        problem = standalone_problem(model(), asked | {"serving.prompts": 64})
        times.append(float(evaluate(problem, model()).exact["prefill_latency"]))
    assert times[0] > times[1] >= times[2]


def test_what_is_unknown_is_said() -> None:
    for name, device in accelerators().items():
        problem = standalone_problem(model(), {"serving.accelerator": name})
        assert not problem.lacks("decode_latency")  # of memory alone, where there is no peak
        known = device.bf16_flops is not None
        assert bool(problem.lacks("prefill_latency")) is not known
        if not known:
            with pytest.raises(ProblemError, match=r"bf16 FLOP/s of .* is not known"):
                standalone_problem(
                    model(), {"serving.accelerator": name, "budgets.prefill_latency": "1 s"}
                )


def test_a_step_without_a_peak_is_one_that_computes_in_no_time() -> None:
    figures = {"memory_type": "LPDDR", "memory": "128 GB", "bandwidth": "500 GB/s"}
    own = {"serving.custom_accelerator": figures, "serving.batch_size": 4}
    fast = {"serving.custom_accelerator": figures | {"bf16_flops": 1e25}, "serving.batch_size": 4}
    times = [
        float(evaluate(standalone_problem(model(), each), model()).exact["decode_latency"])
        for each in (own, fast)
    ]
    assert times[0] == pytest.approx(times[1], rel=1e-9)


def test_decoding_over_several_needs_the_link() -> None:
    with pytest.raises(ProblemError, match="one-way link bandwidth of M4-Max is not known"):
        standalone_problem(
            model(),
            {"serving.accelerator": "M4-Max", "serving.tensor_parallel": 2,
             "budgets.decode_latency": "1 s"},
        )  # fmt: skip


def test_room_is_what_is_left_of_the_device() -> None:
    problem = standalone_problem(
        model(), {"serving.accelerator": "H100-SXM", "serving.context_length": 8192}
    )
    room = serving_room(problem, evaluate(problem, model()))
    assert room is not None
    weights = 8_030_261_248 * 2
    usable = int(85_061_827_297 * 0.9) - 3 * 2**29
    assert abs(room.usable_memory - usable) <= 1 and room.weights == weights
    assert room.kv_tokens == (room.usable_memory - weights) // 131_072
    assert room.requests == (room.usable_memory - weights) // (131_072 * 8192)


def test_quantised_weights_count_their_scales() -> None:
    plain = standalone_problem(model(), {"serving.weight_bits": 4})
    d_norms = 2 * 4096 * 32 + 4096
    matrices = 8_030_261_248 - 2 * 128_256 * 4096 - d_norms
    want = matrices * (0.5 + 2 / 128) + 2 * 128_256 * 4096 * 2 + d_norms * 2
    got = float(evaluate(plain, model()).exact["serving_memory"])
    cache = float(evaluate(plain, model()).exact["kv_cache"])
    assert got - cache == pytest.approx(want, rel=1e-12)
    whole = standalone_problem(model(), {"serving.weight_bits": 16})
    assert (
        evaluate(whole, model()).exact["serving_memory"]
        == evaluate(standalone_problem(model(), {"serving.weight_bytes": 2}), model()).exact[
            "serving_memory"
        ]
    )


def test_kv_policy_full_holds_what_a_window_does_not_need() -> None:
    layer = Layer(FullAttention(32, 8, 128, window=1024), DenseFeedForward(14_336))
    windowed = Architecture(Trunk(4096, 32_000), (LayerGroup(layer, 4),), "llama")
    settings_ = {"serving.context_length": 4096}
    least = evaluate(standalone_problem(windowed, settings_), windowed).exact["kv_cache"]
    full = standalone_problem(windowed, settings_ | {"serving.kv_policy": "full"})
    assert evaluate(full, windowed).exact["kv_cache"] == 4 * least


@pytest.mark.parametrize(
    "key, value, words",
    [
        ("serving.accelerator", "H100-SXN", "did you mean H100-SXM"),
        ("serving.weight_bits", 5, "one of 16, 8, 4"),
        ("serving.latency", "worst", "one of expected, low, high"),
        ("serving.kv_block", 32, "needs kv_bits"),
        ("serving.memory_utilization", 1.5, "share"),
        ("training.mfu", 0, "share"),
        ("training.zero_stage", 4, "one of 0, 1, 2, 3"),
        ("training.recompute", "some", "one of none, selective, half, full"),
        ("budgets.decode_latency", "30 ms", "needs an accelerator"),
        ("budgets.training_cost", 1e6, "needs an accelerator"),
        ("objective.minimize", "decode_throughput", "minimize decode_latency"),
    ],
)
def test_bad_settings_are_told(key: str, value: object, words: str) -> None:
    problem = Problem.load("one-h100-1e24", {"serving.accelerator": "H100-SXM"})
    tables = problem.to_dict()
    if words.startswith("needs an acc"):
        del tables["serving"]["accelerator"]
    with pytest.raises(ProblemError, match=words):
        Problem.from_tables(tables).with_settings({key: value})


def test_one_sided_budgets() -> None:
    problem = Problem.load("one-h100-1e24", {"serving.accelerator": "H100-SXM"})
    with pytest.raises(ProblemError, match="upper limit only"):
        problem.with_settings({"budgets.decode_latency": {"min": 0.01}})
    with pytest.raises(ProblemError, match="lower limit only"):
        problem.with_settings({"budgets.decode_throughput": 100})


def test_throughput_is_the_inverse_of_latency() -> None:
    problem = Problem.load(
        "one-h100-1e24",
        {"serving.accelerator": "H100-SXM", "budgets.decode_throughput": {"min": 600}},
    )
    from modelsizer import solve

    by_throughput = solve(problem)
    limit = 16 / 600
    by_latency = solve(
        Problem.load(
            "one-h100-1e24",
            {"serving.accelerator": "H100-SXM", "budgets.decode_latency": limit},
        )
    )
    assert by_throughput.best.architecture == by_latency.best.architecture
    assert by_throughput.best.exact["decode_throughput"] >= 600


MIXTURE = Layer(FullAttention(4, 2, 16), MixtureOfExperts(128, 64, 4))
ENGINE = replace(MACHINE, adds=True, sequence=5e-5, routed_value=1e-11, mixture=1e-4)


def test_an_engine_adds_what_it_does_and_takes_a_time_for_each_sequence() -> None:
    step = roofline.decode(TRUNK, [LAYER, MIXTURE], ENGINE, **AT)
    plain = roofline.decode(TRUNK, [LAYER, MIXTURE], MACHINE, **AT)
    assert (step.memory, step.compute) == (plain.memory, plain.compute)
    assert step.sequences.base == 3 * 50_000_000 and step.sequences.per_layer == (
        0,
        3 * 4 * 64 * 10,
    )
    assert step.overhead.per_layer == (1_000_000, 101_000_000)
    total, idle = step.branches(adds=True)
    counts = [5, 7]
    parts = (step.memory, step.compute, step.overhead, step.sequences, step.communication)
    assert total.at(counts) == sum(part.at(counts) for part in parts) / PICOSECONDS
    assert idle.at(counts) == Fraction(1, PICOSECONDS)


def test_positions_compute_more_and_read_the_cache_once() -> None:
    machine = replace(ENGINE, ways=2, link=1e9, link_latency=1e-6)
    one, four = (
        roofline.decode(TRUNK, [LAYER, MIXTURE], machine, positions=n, **AT) for n in (1, 4)
    )
    assert four.compute.base == 4 * one.compute.base
    assert four.memory.per_layer[0] == one.memory.per_layer[0]
    assert four.memory.per_layer[1] > one.memory.per_layer[1]  # more experts are reached
    assert four.sequences.base == one.sequences.base
    assert four.sequences.per_layer[1] == 4 * one.sequences.per_layer[1]
    reduces = 2 * 1_000_000
    assert four.communication.per_layer[0] - reduces == 4 * (
        one.communication.per_layer[0] - reduces
    )


def test_scores_and_values_are_at_the_peak_of_bf16_whatever_the_matrices() -> None:
    fast = {"serving.accelerator": "H100-SXM", "serving.compute": "fp8", "serving.engine": "none"}
    long = {"serving.prompt_length": 131_072}
    at = [
        float(
            evaluate(standalone_problem(model(), fast | beside), model()).exact["prefill_latency"]
        )
        for beside in ({"serving.prompt_length": 1024}, long)
    ]
    flops = 2 * (8_030_261_248 - 2 * 128_256 * 4096)  # of the layers' matrices, about
    scores = 4 * 131_072 * 4096 * 32
    want = 131_072 * (flops / (1979e12 * 0.5) + scores / (989e12 * 0.75)) + 32 * 150e-6
    assert at[1] == pytest.approx(want, rel=1e-3)
    wholly = 131_072 * (flops + scores) / (1979e12 * 0.5) + 32 * 150e-6
    assert at[1] > 1.2 * wholly
    assert at[0] == pytest.approx(1024 * flops / (1979e12 * 0.5) + 32 * 150e-6, rel=0.1)
