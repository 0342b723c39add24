"""Training memory against the worked figures of its papers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from modelsizer.problems.architecture.accounting import parameters
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts
from modelsizer.problems.costs.training_memory import (
    expert_state_bytes,
    layer_activations,
    stages,
    state_bytes,
)
from modelsizer.problems.space.layouts import Layout, columns
from modelsizer.problems.tables.training import Training
from tests.support.shared import reference_json

GIB = 2**30
FIGURE_7 = 0.25  # percentage points: bars printed to whole kilobytes of a run, not of the formula
SEQUENCE, VOCABULARY = 2048, 51_200
# Korthikanti et al. 2022, table 3: heads, d_model, layers, tensor, pipeline, interleave, microbatch
PAPER = {
    "megatron-22B": (64, 6144, 48, 8, 1, 1, 4),
    "gpt3-175B": (96, 12288, 96, 8, 8, 3, 1),
    "turing-530B": (128, 20480, 105, 8, 35, 3, 1),
    "megatron-1T": (160, 25600, 128, 8, 64, 1, 1),
}


def published(name: str, **settings: object) -> tuple[Training, Layer, Trunk, Layout, int]:
    heads, d_model, layers, tensor, pipeline, interleave, batch = PAPER[name]
    given = {
        "sequence_length": SEQUENCE,
        "microbatch_size": batch,
        "interleave": interleave,
        "flash_attention": False,
        "dropout": True,
        "sequence_parallel": False,
        "zero_stage": 0,
    }
    training = Training.model_validate(given | settings)
    layer = Layer(
        FullAttention(heads, heads, d_model // heads, True, True),
        DenseFeedForward(4 * d_model, False, True),
    )
    trunk = Trunk(d_model, VOCABULARY, True, True, SEQUENCE)
    return training, layer, trunk, Layout(1, tensor, pipeline), layers


@pytest.fixture(scope="module")
def facts() -> dict:
    return reference_json("memory_formulas.json")


@pytest.mark.parametrize("name", PAPER)
def test_activations_of_the_paper(facts, name):
    training, layer, trunk, layout, layers = published(name)
    pipeline, m = layout.pipeline_parallel, training.interleave
    in_flight = Fraction(1) if m == 1 else 1 + Fraction(pipeline - 1, pipeline * m)
    each = layer_activations(layer, trunk, training, layout.tensor_parallel, "none")
    want = facts["korthikanti_measured"]["fig1_GiB"]["values"][name]
    assert float(each * layers * in_flight) / GIB == pytest.approx(want["act_none"], rel=1e-9)

    shared = training.model_copy(update={"sequence_parallel": True})
    each = layer_activations(layer, trunk, shared, layout.tensor_parallel, "selective")
    got = float(each * layers * in_flight) / GIB
    assert got == pytest.approx(want["act_seqsel"], rel=1e-9)


@pytest.mark.parametrize("name", ["megatron-22B", "gpt3-175B", "turing-530B"])
def test_shares_of_figure_7(facts, name):
    """What sequence parallelism and recomputation leave of the activations, in percent."""
    want = facts["korthikanti_measured"]["fig7_percent"]["values"][name]
    training, layer, trunk, layout, _ = published(name)
    t = layout.tensor_parallel
    shared = training.model_copy(update={"sequence_parallel": True})
    whole = layer_activations(layer, trunk, training, t, "none")
    got = {
        "seq": layer_activations(layer, trunk, shared, t, "none"),
        "sel": layer_activations(layer, trunk, training, t, "selective"),
        "seqsel": layer_activations(layer, trunk, shared, t, "selective"),
        "full": layer_activations(layer, trunk, training, t, "full"),
    }
    for kind, size in got.items():
        assert 100 * size / whole == pytest.approx(want[kind], abs=FIGURE_7), kind


@pytest.mark.parametrize(
    "settings, units",
    [
        ({}, "no_parallel"),
        ({"sequence_parallel": True}, "tensor_sequence"),
        ({"recompute": "selective"}, "tp_selective"),
        ({"recompute": "selective", "sequence_parallel": True}, "tp_sp_selective"),
    ],
)
def test_formulas_of_the_paper(settings, units):
    training, layer, trunk, layout, _ = published("gpt3-175B", **settings)
    s, b, h, a, t = SEQUENCE, 1, 12288, 96, layout.tensor_parallel
    if units == "no_parallel":
        t = 1
    want = {
        "no_parallel": Fraction(34) + Fraction(5 * a * s, h),
        "tensor_sequence": Fraction(34, t) + Fraction(5 * a * s, h * t),
        "tp_selective": 10 + Fraction(24, t),
        "tp_sp_selective": Fraction(34, t),
    }[units]
    assert layer_activations(layer, trunk, training, t, training.recompute) == s * b * h * want


def test_dropout_keeps_its_masks():
    """One byte a value of three masks: scores once, h twice (ibid., section 4.1)."""
    s, b, h, a = SEQUENCE, 1, 12288, 96
    sizes = []
    for dropout in (True, False):
        training, layer, trunk, _, _ = published("gpt3-175B", dropout=dropout)
        sizes.append(layer_activations(layer, trunk, training, 1, "none"))
    # With dropout the scores' result is kept too, in 2 bytes.
    assert sizes[0] - sizes[1] == 3 * a * s * s * b + 2 * s * b * h
    # 34 s b h and 5 a s^2 b, less these.
    assert sizes[1] == 32 * s * b * h + 2 * a * s * s * b


def test_zero_example():
    """ZeRO (arXiv 1910.02054, figure 1): 7.5B parameters on 64 accelerators."""
    held = []
    for stage in range(4):
        training = Training.model_validate({"zero_stage": stage})
        held.append(float(7.5e9 * state_bytes(training, Layout(64, 1, 1))) / 1e9)
    assert [round(x, 1) for x in held] == [120.0, 31.4, 16.6, 1.9]


def test_states_of_figure_1(facts):
    """18 bytes a parameter, as Megatron holds them: fp32 gradients."""
    for name, row in facts["korthikanti_measured"]["fig1_GiB"]["values"].items():
        training, _, trunk, layout, layers = published(name, gradient_bytes=4)
        d = trunk.d_model
        # The figure counts 12 L h^2 of the layers; biases, norms and embeddings are ours on top.
        core = 12 * layers * d * d
        each = float(core * state_bytes(training, layout)) / GIB
        assert each == pytest.approx(row["par_opt"], rel=0.03), name


def test_measured_llama_layer():
    """28 x 2 b s h bytes a layer were measured on Llama 3.1 8B without fused kernels."""
    layer = Layer(FullAttention(32, 8, 128), DenseFeedForward(14336))
    trunk = Trunk(4096, 128_256)
    training = Training.model_validate({"sequence_length": 8192, "fused_kernels": False})
    units = layer_activations(layer, trunk, training, 1, "none") / (2 * 8192 * 4096)
    assert 28 * 0.9 < units < 28 * 1.1
    fused = training.model_copy(update={"fused_kernels": True})
    assert layer_activations(layer, trunk, fused, 1, "none") < units * 2 * 8192 * 4096


def test_stages_by_hand():
    """A model small enough to add up: two stages, tied embedding, full recomputation."""
    layer = Layer(FullAttention(4, 4, 16), DenseFeedForward(256))
    trunk = Trunk(64, 1000, True)
    training = Training.model_validate(
        {"sequence_length": 128, "microbatch_size": 2, "recompute": "full", "zero_stage": 3}
    )
    layout = Layout(2, 1, 2)
    first, last = stages(training, trunk, [layer], layout)
    tokens = 2 * 128
    in_layer = 4 * 64 * 64 + 3 * 64 * 256 + 2 * 64
    kept = tokens * 64 * 2
    at_work = tokens * (2 * (4 * 64) + 2 * 4 * 64 + 2 * 3 * 256) + 4 * tokens * 4
    assert first.per_layer[0] == in_layer * 16 // 4 + kept
    assert last.per_layer[0] == in_layer * 16 // 4 + kept // 2
    assert first.base == 64_000 * 16 // 2 + at_work
    ending = tokens * 64 * 2 * 2 + tokens * 1000 * 12
    assert last.base == (64_000 + 64) * 16 // 2 + at_work + ending


@pytest.mark.parametrize("groups", [2, 3])
def test_interleaved_stages_keep_activations_of_more_microbatches(groups):
    """1 + (p - 1) / (p m) times those of the layers (Korthikanti et al. 2022, section 4.2.3)."""
    layer = Layer(FullAttention(4, 2, 16), DenseFeedForward(256))
    trunk, layout = Trunk(64, 1000), Layout(1, 2, 4)
    training = Training.model_validate({"sequence_length": 128, "pipeline_parallel": 4})
    plain, interleaved = (
        stages(training.model_copy(update={"interleave": m}), trunk, [layer], layout)
        for m in (1, groups)
    )
    each = layer_activations(layer, trunk, training, 2, "none")
    more = interleaved[0].per_layer[0] - plain[0].per_layer[0]
    assert more == each * Fraction(3, 4 * groups)
    assert [s.base for s in interleaved] == [s.base for s in plain]


def test_half_keeps_every_second_matrix_product():
    """torchtitan's per-op selective checkpointing, between none and full."""
    layer = Layer(FullAttention(4, 2, 16), DenseFeedForward(256))
    trunk = Trunk(64, 1000)
    training = Training.model_validate({"sequence_length": 128})
    inputs = 2 * 128 * 64 * 2
    products = 128 * (2 * 4 * 16 + 2 * 2 * 16 + 3 * 256)  # half of two bytes each
    half = layer_activations(layer, trunk, training, 1, "half")
    assert half == inputs + products + 4 * 4 * 128
    none, full = (layer_activations(layer, trunk, training, 1, r) for r in ("none", "full"))
    assert full < half < none


def test_a_fused_loss_holds_no_logits():
    layer = Layer(FullAttention(4, 2, 16), DenseFeedForward(256))
    trunk = Trunk(64, 1000)
    held = []
    for each in (0, 4, 12):
        training = Training.model_validate({"sequence_length": 128, "logit_bytes": each})
        held.append(stages(training, trunk, [layer], Layout())[1].base)
    assert (held[1] - held[0], held[2] - held[0]) == (4 * 128_000, 12 * 128_000)


def test_one_stage_holds_everything():
    layer = Layer(FullAttention(4, 2, 16), DenseFeedForward(256))
    trunk = Trunk(64, 1000)
    training = Training.model_validate({"sequence_length": 64, "zero_stage": 0})
    first, last = stages(training, trunk, [layer], Layout())
    assert first == last
    total = parameters(trunk, [layer])
    states = 16 * int(total.at([10]))
    activations = int(first.at([10])) - states
    assert activations > 10 * 64 * 64 * 2


def test_many_layouts_at_once_are_each_alone():
    """Degrees as arrays, with halves of bytes, interleaved stages and one stage among them."""
    layer = Layer(FullAttention(12, 4, 64), DenseFeedForward(2816))
    trunk = Trunk(768, 50_000, True)
    layouts = [Layout(d, t, p) for d in (1, 3, 64) for t in (1, 2, 4) for p in (1, 2, 5)]
    for recompute, zero in (("none", 0), ("selective", 1), ("half", 2), ("full", 3)):
        training = Training.model_validate({
            "sequence_length": 1000, "recompute": recompute, "zero_stage": zero, "interleave": 3,
            "dropout": zero > 1, "flash_attention": zero == 1, "optimizer_bytes": 6.5,
            "weight_bytes": 0.5, "fused_kernels": zero != 2,
        })  # fmt: skip
        together = stages(training, trunk, [layer], columns(layouts))
        for at, layout in enumerate(layouts):
            for many, one in zip(together, stages(training, trunk, [layer], layout), strict=True):
                assert (many.base[at], many.per_layer[0][at]) == (one.base, one.per_layer[0])


def test_states_of_experts_by_accelerator():
    """DeepSeek-V3 (arXiv 2412.19437, section 3.2): 64 ways of 128 of data, ZeRO stage 1."""
    training = Training.model_validate({"expert_parallel": 64})
    layout = Layout(128, 1, 16)
    assert expert_state_bytes(training, layout) == (Fraction(4, 64) + Fraction(12, 128)) / 16
    whole = Training.model_validate({"expert_parallel": 64, "zero_stage": 3})
    assert expert_state_bytes(whole, layout) == state_bytes(whole, layout)
    # 64 ways over 2 x 128: whole experts on each accelerator, 4 copies of each.
    sliced = Training.model_validate({"expert_parallel": 64, "expert_tensor_parallel": 1})
    assert expert_state_bytes(sliced, Layout(128, 2, 1)) == Fraction(4, 64) + Fraction(12, 256)


def test_experts_in_stages():
    mixture = MixtureOfExperts(2048, 64, 6, shared_d_ff=4096)
    layer, trunk = Layer(FullAttention(16, 16, 128), mixture), Trunk(2048, 102_400)
    layout, alone = Layout(8, 2, 1), Training.model_validate({})

    def each(**given: Any) -> int:
        first, _ = stages(Training.model_validate(given), trunk, [layer], layout)
        return first.per_layer[0]

    experts = mixture.expert_parameters(2048)
    for stage, held in enumerate((16, 4, 2, 0)):
        spared = each(zero_stage=stage) - each(zero_stage=stage, expert_parallel=4)
        assert spared == experts * held * 3 // 4 // 2
    kept = mixture.routed_values(2048, fused=True) * alone.sequence_length * 2 // 2
    more = each(expert_parallel=4, expert_imbalance=1.5) - each(expert_parallel=4)
    assert more == kept // 2
    assert each(expert_imbalance=1.5) == each()  # one way receives everything
