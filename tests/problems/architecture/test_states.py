"""Layers that hold a state, by hand, and against what transformers 5.24 counted of tiny models."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelsizer.problems.architecture.accounting import (
    count_parameters,
    forward_flops,
    serving_weights,
    weights_by_part,
)
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention, Indexer, LatentAttention
from modelsizer.problems.architecture.caching import kv_cache, serving_states
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.feedforward import DenseFeedForward, NoFeedForward
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import NoAttention, Several
from modelsizer.problems.architecture.state_space import Mamba, Mamba2
from modelsizer.problems.architecture.weight_formats import WeightFormat
from modelsizer.problems.costs import roofline
from modelsizer.problems.costs.roofline import PICOSECONDS, Machine
from modelsizer.problems.designs.capacity import serving_room
from modelsizer.problems.designs.description import describe
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.memory_parts import serving_parts
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.space.splits import Split, why_unsplit
from tests.support.library.recurrences import eager_difference

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "counted_states.jsonl").read_text().splitlines()
]
TRUNK = Trunk(64, 1000)
DENSE = DenseFeedForward(256)
TWO = Fraction(2)
PLAIN = WeightFormat.of(TWO, TWO, TWO)


@pytest.mark.parametrize("row", ROWS, ids=[row["config"]["model_type"] for row in ROWS])
def test_states_and_flops_are_the_librarys(row: dict[str, Any]) -> None:
    """Stored of transformers 5.24: its cache after 24 tokens, and torch's counter of 2 x 24."""
    ours = read_config(row["config"])
    mixers = [(group.count, group.layer.attention) for group in ours.groups]
    held = sum(n * mixer.kv_values() for n, mixer in mixers)
    assert held == row.get("kv_values", held)  # RecurrentGemma's cache is no object of the library
    assert sum(n * mixer.state_values() for n, mixer in mixers) == row["state_values"]
    differ = eager_difference(ours, SimpleNamespace(**row), 2, 24)
    assert describe(ours, batch=2, sequence=24).forward_flops == row["flops"] - differ


def test_every_kind_of_state_is_stored() -> None:
    kinds = {
        type(g.layer.attention).__name__ for r in ROWS for g in read_config(r["config"]).groups
    }
    assert {"Mamba", "Mamba2", "GatedRecurrence", "GatedDeltaNet", "LightningAttention",
            "ShortConvolution", "Several"} <= kinds  # fmt: skip


def test_recurrences_by_hand() -> None:
    # A state of 3 x 5: dt A, the decay, write and read; a convolution of two taps over 3 channels.
    assert Mamba(3, 5, 7, conv=2).state_flops() == 15 * (1 + 1 + 2 + 2) + 3 * 2 * 2
    # Heads 2 x 3, state 5, one group: the state is 6 x 5, and 6 + 2 x 5 channels are convolved.
    mamba2 = Mamba2(2, 3, 5, conv=4)
    assert mamba2.state_flops() == 30 * (1 + 2 + 2) + 16 * 2 * 4
    assert mamba2.state_values() == 30 + 16 * 4
    # Two key heads of 3, four value heads of 5: four states of 3 x 5.
    delta = GatedDeltaNet(2, 4, 3, 5, conv=2)
    assert delta.state_flops() == 60 * (1 + 2 + 2 + 2) + 32 * 2 * 2
    assert delta.state_values() == 60 + 32 * 2


def test_no_convention_and_no_context_changes_a_recurrence() -> None:
    kinds = [Layer(GatedDeltaNet(2, 4, 16, 16), DENSE), Layer(FullAttention(4, 2, 16), DENSE)]
    state, full = forward_flops(TRUNK, kinds, 4096).per_layer
    halved, causal = forward_flops(TRUNK, kinds, 4096, "causal").per_layer
    assert state == halved == forward_flops(TRUNK, kinds, 7).per_layer[0]
    assert full - causal == 2 * 4096 * 4 * 16


def test_serving_counts_states_beside_the_cache() -> None:
    mixed = Several((FullAttention(4, 2, 16, window=8), Mamba2(2, 3, 5)))
    kinds = [Layer(mixed, DENSE), Layer(Mamba2(2, 3, 5), NoFeedForward(), 1)]
    assert kv_cache(kinds, kv_bytes=TWO, batch=3, context=100).per_layer == (
        3 * 8 * 2 * 2 * 16 * 2,
        0,
    )
    assert kv_cache(kinds, kv_bytes=TWO, batch=3, context=100, policy="full").per_layer == (
        3 * 100 * 2 * 2 * 16 * 2,
        0,
    )
    # Eight ways hold each of two kv heads four times; a layer without any has no copies.
    copied = kv_cache(kinds, kv_bytes=TWO, batch=3, context=100, tensor_parallel=8)
    assert copied.per_layer == (4 * 3 * 8 * 2 * 2 * 16 * 2, 0)
    assert serving_states(kinds, Fraction(4), 3).at([1, 2]) == 3 * 3 * (30 + 16 * 4) * 4


def test_a_decode_step_reads_and_writes_states() -> None:
    layer = Layer(Mamba2(2, 3, 5), NoFeedForward(), 1)
    machine = Machine(1e9, 1e12, 1e12, 2, 1e9, 1e-6, 0.0)

    def memory(batch: int, state_bytes: float) -> int:
        at = {"batch": batch, "context": 100, "formats": PLAIN, "kv_bytes": 2.0}
        return int(
            roofline.decode(
                TRUNK, [layer], machine, state_bytes=state_bytes, **at
            ).memory.per_layer[0]  # type: ignore[arg-type]
        )

    moved = 2 * 5 * (30 + 16 * 4) * 4
    assert memory(5, 4.0) - memory(5, 0.0) == moved * 1000 // 2
    # One all-reduce, as there is no feed-forward: a latency, and 64 values to the other and back.
    both = Layer(Mamba2(2, 3, 5), DENSE)
    once, twice = (roofline._all_reduces(machine, TRUNK, kind, 5) for kind in (layer, both))
    assert 2 * once == twice == 2 * (1e-6 * PICOSECONDS + 5 * 64 * 2 * 1000)


def test_layers_that_share_weights_hold_none() -> None:
    block = Layer(FullAttention(4, 2, 16, input_dim=128), DENSE, 3, extra_weights=500)
    again = Layer(block.attention, DENSE, 3, shared=True, extra_weights=500, extra_parameters=7)
    one = Architecture(TRUNK, (LayerGroup(block, 1),))
    two = Architecture(TRUNK, (LayerGroup(block, 1), LayerGroup(again, 1)))
    first, second = count_parameters(one), count_parameters(two)
    assert second.other == first.other + 507 == 1007
    assert (second.attention, second.ffn, second.norm) == (first.attention, first.ffn, first.norm)
    assert first.norm == 4 * 64
    assert first.attention == 128 * (4 + 2 + 2) * 16 + 4 * 16 * 64
    flops = forward_flops(TRUNK, [block, again], 100).per_layer
    assert flops[0] == flops[1]
    for architecture, counted in ((one, first), (two, second)):
        kinds = architecture.kinds
        counts = architecture.counts
        assert serving_weights(TRUNK, kinds, PLAIN).at(counts) == 2 * counted.total
        parts = weights_by_part(TRUNK, kinds)
        assert sum(part.at(counts) for part in parts.values()) == counted.total


def test_an_indexer_selects_what_the_latent_attends_to() -> None:
    latent = LatentAttention(4, 32, 16, 24, 24, 40)
    sparse = LatentAttention(4, 32, 16, 24, 24, 40, indexer=Indexer(2, 8, 64))
    assert sparse.matmul_weights(100) - latent.matmul_weights(100) == 40 * 16 + 100 * (8 + 2)
    assert sparse.norm_parameters() - latent.norm_parameters() == 2 * 8
    assert sparse.kv_values() - latent.kv_values() == 8
    own = 2 * 1000 * 2 * (8 + 1)
    assert sparse.score_flops(1000) == latent.score_flops(64) + own
    assert sparse.score_flops(1000, masked=True) == latent.score_flops(1000) + own
    assert sparse.score_flops(50) == latent.score_flops(50) + own // 20
    assert sparse.read_values(1000) == 48 * 64 + 8 * 1000
    reused = LatentAttention(4, 32, 16, 24, 24, 40, indexer=Indexer(2, 8, 64, shared=True))
    assert reused.matmul_weights(100) == latent.matmul_weights(100)
    assert reused.score_flops(1000) == latent.score_flops(64)


def test_a_gate_a_value_width_and_a_shared_cache() -> None:
    plain, gated = FullAttention(4, 2, 16), FullAttention(4, 2, 16, gate=True)
    assert gated.matmul_weights(64) - plain.matmul_weights(64) == 64 * 4 * 16
    wide = FullAttention(4, 2, 16, value_dim=24)
    assert wide.matmul_weights(64) == 64 * (4 * 16 + 2 * 16 + 2 * 24) + 4 * 24 * 64
    assert wide.kv_values() == 2 * (16 + 24)
    assert wide.score_flops(10) == 2 * 10 * 4 * (16 + 24)
    shared = FullAttention(4, 2, 16, qk_norm="head", shares_cache=True)
    assert shared.matmul_weights(64) == 2 * 64 * 4 * 16
    assert (shared.norm_parameters(), shared.kv_values()) == (16, 0)
    assert shared.read_values(100) == plain.read_values(100)


def test_a_head_of_another_class() -> None:
    for head, held in (("none", 0), (7, 7 * 64)):
        trunk = Trunk(64, 1000, head=head)  # type: ignore[arg-type]
        layer = Layer(FullAttention(4, 2, 16), DENSE)
        assert count_parameters(Architecture(trunk, (LayerGroup(layer, 1),))).lm_head == held
        assert forward_flops(trunk, [layer], 10).base == 2 * held
    further = Trunk(64, 1000, extra_embedding=5, extra_weights=6, extra_parameters=7)
    found = count_parameters(Architecture(further, (LayerGroup(layer, 1),)))
    assert (found.embedding, found.other) == (64_005, 13)


def test_a_model_of_states_alone_fits_by_its_states() -> None:
    model = read_config({"model_type": "mamba2", "num_hidden_layers": 4})
    said = {"serving.accelerator": "H100-SXM", "serving.batch_size": 3, "serving.state_bytes": 4}
    problem = standalone_problem(model, said)
    design = evaluate(problem, model)
    state = 4 * (128 * 64 * 128 + 10240 * 4)
    room = serving_room(problem, design)
    assert room is not None
    assert room.kv_tokens is None
    assert room.requests == room.kv_pool // (4 * state)
    parts = serving_parts(problem, design)
    assert parts is not None
    assert dict(parts.parts)["states"] == 3 * 4 * state
    assert describe(model, batch=3).state_bytes == 3 * 2 * state


def test_tensor_parallelism_splits_heads_of_states() -> None:
    mixed = Several((FullAttention(8, 2, 16), Mamba2(6, 3, 5)))
    whole = Architecture(Trunk(64, 960), (LayerGroup(Layer(mixed, DENSE), 1),))
    assert Split((2,)).fits(whole)
    assert why_unsplit([Split((4,))], whole) == ("tensor", "4 does not divide mamba_heads = 6")
    alone = Architecture(
        Trunk(64, 960), (LayerGroup(Layer(GatedDeltaNet(2, 8, 4, 4), NoFeedForward()), 1),)
    )
    assert why_unsplit([Split((4,))], alone) == ("tensor", "4 does not divide key_heads = 2")


def test_a_layer_has_one_part_or_two() -> None:
    mixer = FullAttention(4, 2, 16)
    assert Layer(mixer, DENSE).inputs == 2
    assert Layer(mixer, NoFeedForward()).inputs == Layer(NoAttention(), DENSE).inputs == 1
    with pytest.raises(ValueError, match="at least two"):
        Several((mixer,))
    with pytest.raises(ValueError, match="key_heads must divide value_heads"):
        GatedDeltaNet(3, 4, 16, 16)
    with pytest.raises(ValueError, match=r"mamba2\.state must be at least 1"):
        Mamba2(2, 3, 0)
