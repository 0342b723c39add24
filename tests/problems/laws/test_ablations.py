"""What no law sees of an architecture: known terms, their bounds, and what must have none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts
from modelsizer.problems.laws.ablations import Ablations, unseen_by
from modelsizer.problems.laws.bands import ENDS, PUBLISHED, TERMS, End, read_bands
from modelsizer.problems.laws.features import from_parts, range_of_stack
from modelsizer.problems.laws.laws import PowerTerm
from modelsizer.problems.laws.leverage import LawSize, leverage_of
from modelsizer.problems.laws.published import token_law
from modelsizer.problems.laws.quality import Judged
from modelsizer.problems.laws.shapes import shape_law
from modelsizer.problems.laws.terms import TermLaw
from tests.support.shared import reference, reference_json
from tests.support.stacks import COUNTS, STRUCTURES, boxes, one, points, stack

BOXES = 2500  # of each structure
TRAINED = 4096


def known() -> dict[str, Any]:
    answers: dict[str, Any] = reference_json("known_layers/answers.json")
    return {name: answer for name, answer in answers.items() if "q_terms" in answer}


def architecture_of(a: dict[str, Any], space: dict[str, Any]) -> Architecture:
    def mixer(window: int | None = None) -> FullAttention | LatentAttention:
        if a["attention"] == "latent":
            names = ("heads", "kv_lora_rank", "rope_dim", "nope_dim", "value_dim")
            return LatentAttention(*(a[name] for name in names), a["q_lora_rank"] or None)
        return FullAttention(a["heads"], a["kv_heads"], a["head_dim"], window=window)

    layers, full, dense = a["layers"], a["full_layers"], a["layers"]
    groups = []
    if a["routed_experts"]:
        dense, width = a["dense_layers"], a["expert_d_ff"]
        experts = MixtureOfExperts(
            width, a["routed_experts"], a["active_experts"], shared_d_ff=a["shared_experts"] * width
        )
        groups.append(LayerGroup(Layer(mixer(), experts), layers - dense))
    if full < layers:
        windowed = Layer(mixer(a["window"]), DenseFeedForward(a["d_ff"]))
        groups.append(LayerGroup(windowed, layers - full))
        dense = full
    if dense:
        groups.append(LayerGroup(Layer(mixer(), DenseFeedForward(a["d_ff"])), dense))
    trunk = Trunk(a["d_model"], space["vocab_size"], space.get("tied_embeddings", False))
    return Architecture(trunk, tuple(groups))


def test_known_answers_have_their_terms_their_leverage_and_their_loss() -> None:
    import tomllib

    seen = 0
    for name, answer in known().items():
        tables = tomllib.loads(reference(f"known_layers/{name}.toml").read_text())
        objective = tables.get("objective", {})
        design = architecture_of(answer["architecture"], tables["space"])
        end, q = objective.get("ablations", "middle"), 0.0
        if end != "none":
            ablations = Ablations(end, tables["training"]["sequence_length"])
            q = float(ablations.of(design))
            for term, value in answer["q_terms"].items():
                assert ablations.terms(design)[term] == pytest.approx(value, abs=1e-15)
        assert q == pytest.approx(answer["q"], abs=1e-12)
        flops = objective.get("leverage_flops", 3e20)
        flops = float(tables["budgets"]["training_flops"] if flops == "budget" else flops)
        size = LawSize("total", objective.get("experts", "tian-2025"), flops)
        n = size.of(design.trunk, design.kinds)
        if size.experts == "tian-2025":
            most = max(leverage_of(g.layer, design.trunk.d_model, flops) for g in design.groups)
            assert most == pytest.approx(answer["leverage"], rel=1e-12)
        law, shape = token_law("besiroglu-2024"), shape_law("gemstones-2025")
        excess = shape.excess(design.trunk.d_model, design.layers)
        loss = Judged(law, excess, q, law.irreducible).loss(
            float(n.at(design.counts)), answer["tokens"]
        )
        assert loss == pytest.approx(answer["loss"], abs=1e-12)
        seen += 1
    assert seen == 9


OWN = PUBLISHED.with_terms(
    read_bands(
        {
            "kv_heads": {"low": -0.02, "middle": -0.004, "high": 0.03},
            "ffn": {"low": 0, "middle": 0.4, "high": 2},
            "window": {"low": [0, 0, 0], "middle": [0.1, 0.1, 0.3], "high": [0.1, 0.1, 0.3]},
            "sparse": {"low": -0.02, "middle": -0.01, "high": 0.3},
            "latent": {"low": -0.02, "middle": 0.004, "high": 0.2},
        }
    )
)
READ = [
    *(Ablations(end, TRAINED) for end in ENDS),
    *(Ablations(end, TRAINED, bands=OWN) for end in ENDS),
]
"""Every end of the published terms, and of terms of both signs."""


def number_of(ablations: Ablations) -> int:
    return BOXES if ablations.bands == PUBLISHED else BOXES // 3


@pytest.mark.parametrize("ablations", READ)
def test_no_bound_is_above_a_design_of_its_box(ablations: Ablations) -> None:
    closest, many = math.inf, number_of(ablations)
    for number, (full, between) in enumerate(STRUCTURES):
        low, high = boxes(number, many)
        least, _ = range_of_stack(ablations, stack(low, full, between), stack(high, full, between))
        for seed in range(4):
            inside = stack(points(seed, low, high), full, between)
            value = ablations.of(inside)
            assert np.isfinite(value).all()
            assert (least <= value + 1e-15).all()
            closest = min(closest, float((value - least).min()))
    assert closest < 1e-6  # some box has a design at its bound


@pytest.mark.parametrize("ablations", READ)
def test_depths_have_the_least_of_each_part_at_their_ends(ablations: Ablations) -> None:
    random, many = np.random.default_rng(7), number_of(ablations)
    for full, between in STRUCTURES:
        widths, _ = boxes(3, many)
        first = {name: random.integers(0 if name != COUNTS[0] else 1, 30, many) for name in COUNTS}
        step = {name: random.integers(0, 4, many) for name in COUNTS}
        far = random.integers(1, 20, many)
        ends, inside = [], []
        for j in (0 * far, far):
            at = {name: first[name] + step[name] * j for name in COUNTS}
            designs = stack(widths | at, full, between)
            ends.append(ablations.parts(designs, designs))
        for _ in range(4):
            j = random.integers(0, far, endpoint=True)
            at = {name: first[name] + step[name] * j for name in COUNTS}
            inside.append(ablations.of(stack(widths | at, full, between)))
        least = from_parts(ablations, list(np.min(ends, axis=0)))
        assert all((least <= value + 1e-15).all() for value in inside)


def test_one_design_has_the_terms_that_it_has_in_an_array() -> None:
    low, high = boxes(11, 20)
    for full, between in STRUCTURES:
        w = points(1, low, high)
        for end in ENDS:
            ablations = Ablations(end, TRAINED)
            many = ablations.of(stack(w, full, between))
            alone = [float(ablations.of(one(w, i, full, between))) for i in range(20)]
            assert many.tolist() == pytest.approx(alone, abs=1e-15)


def dense(kv_heads: int = 8, d_ff: int = 8192, window: int | None = None) -> Layer:
    return Layer(FullAttention(32, kv_heads, 128, window=window), DenseFeedForward(d_ff))


def terms(*groups: tuple[Layer, int], end: End = "middle") -> dict[str, float]:
    found = Architecture(Trunk(4096, 32_000), tuple(LayerGroup(*group) for group in groups))
    return {name: float(x) for name, x in Ablations(end, TRAINED).terms(found).items()}


def test_a_window_as_long_as_the_sequences_of_training_costs_nothing() -> None:
    for window, cost in ((512, True), (4095, True), (4096, False), (9000, False)):
        found = terms((dense(), 8), (dense(window=window), 24), end="high")
        assert (found["window"] > 0) is cost


def test_one_layer_of_experts_does_not_lift_the_term_off_the_dense_ones() -> None:
    wide = dense(d_ff=32 * 4096)
    experts = Layer(wide.attention, MixtureOfExperts(1024, 64, 4))
    alone = terms((wide, 56))["ffn"]
    assert terms((wide, 55), (experts, 1))["ffn"] == pytest.approx(alone * 55 / 56)
    assert alone > 0.1


def test_a_mixture_whose_experts_all_work_is_a_dense_layer() -> None:
    attention = FullAttention(32, 8, 128)
    every = Layer(attention, MixtureOfExperts(4096, 4, 4))
    assert terms((every, 8))["ffn"] == pytest.approx(terms((dense(d_ff=16384), 8))["ffn"])
    half = terms((Layer(attention, MixtureOfExperts(4096, 8, 4)), 8))["ffn"]
    assert 0 < half < terms((dense(d_ff=16384), 8))["ffn"]  # beyond what experts have for nothing


def test_an_attention_of_almost_nothing_costs_experts_too() -> None:
    tiny = Layer(FullAttention(1, 1, 64), MixtureOfExperts(4096, 64, 8))
    assert terms((tiny, 32))["ffn"] > 0.5


def test_few_full_layers_and_a_narrow_latent_cost() -> None:
    assert terms((dense(), 4), (dense(window=2048), 28))["sparse"] == 0
    assert terms((dense(), 1), (dense(window=2048), 31))["sparse"] == pytest.approx(0.01)
    latent = [
        terms((Layer(LatentAttention(32, rank, 64, 128, 128), DenseFeedForward(8192)), 4))["latent"]
        for rank in (128, 256, 512, 1024)
    ]
    assert latent == pytest.approx([0.014, 0.007, 0.0, 0.0])


@pytest.mark.parametrize(
    ("feature", "dropped"),
    [("kv_heads", "kv_heads"), ("kv_group", "kv_heads"), ("d_ff", "ffn"), ("ffn_ratio", "ffn")],
)
def test_a_law_that_sees_a_choice_itself_drops_its_term(feature: str, dropped: str) -> None:
    data = PowerTerm(400.0, {"tokens": -0.3}, "data")
    law = TermLaw("own", 1.5, (data, PowerTerm(0.1, {feature: 0.1}, "own")))
    assert unseen_by(law) == tuple(name for name in TERMS if name != dropped)
    ablations = Ablations("high", TRAINED, unseen_by(law))
    found = ablations.terms(Architecture(Trunk(4096, 32_000), (LayerGroup(dense(2, 20_000), 4),)))
    assert found[dropped] == 0
    assert sum(found.values()) > 0
