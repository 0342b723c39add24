"""Which widths and depths a parallel layout can divide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelsizer.problems.architecture.architecture import (
    Architecture,
    DenseFeedForward,
    FullAttention,
    LatentAttention,
    Layer,
    LayerGroup,
    Mixer,
    MixtureOfExperts,
    Trunk,
)
from modelsizer.problems.architecture.feedforward import FeedForward
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.state_space import Mamba2
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.splits import Split, common, served, splits, why_unsplit
from modelsizer.problems.tables.serving import Serving

GROUPED, DENSE = FullAttention(24, 4, 64), DenseFeedForward(1536)


def stack(*kinds: tuple[Mixer, FeedForward], count: int = 6) -> Architecture:
    groups = tuple(LayerGroup(Layer(mixer, ffn), count) for mixer, ffn in kinds)
    return Architecture(Trunk(1536, 48_000), groups)


FITS: list[tuple[Mixer, FeedForward, tuple[int, ...]]] = [
    (GROUPED, DENSE, (2, 4, 8, 12)),
    (LatentAttention(24, 512, 64, 128, 128), DENSE, (2, 3, 8)),  # one latent, on all of them
    (GROUPED, MixtureOfExperts(96, 7, 3, shared_d_ff=2 * 96), (4, 8)),  # routed experts need not
    (GatedDeltaNet(8, 16, 128, 128), DENSE, (2, 4, 8)),
    (Mamba2(12, 64, 128, groups=8), DENSE, (3, 4, 12)),
]


@pytest.mark.parametrize(("mixer", "ffn", "ways"), FITS)
def test_tensor_parallelism_of_every_kind(
    mixer: Mixer, ffn: FeedForward, ways: tuple[int, ...]
) -> None:
    for each in ways:
        assert Split((each,)).fits(stack((mixer, ffn)))
    assert Split(ways[:2]).fits(stack((mixer, ffn)))


REFUSED: list[tuple[Mixer, FeedForward, int, str]] = [
    (GROUPED, DENSE, 5, "heads = 24"),
    (GROUPED, DENSE, 6, "kv_heads = 4"),
    (GROUPED, DenseFeedForward(1540), 8, "d_ff = 1540"),
    (LatentAttention(20, 512, 64, 128, 128), DENSE, 8, "heads = 20"),
    (GROUPED, MixtureOfExperts(100, 8, 2), 8, "expert_d_ff = 100"),
    (GROUPED, MixtureOfExperts(96, 8, 2, shared_d_ff=100), 8, "shared_d_ff = 100"),
    (GatedDeltaNet(4, 16, 128, 128), DENSE, 8, "key_heads = 4"),
    (Mamba2(12, 64, 128), DENSE, 8, "mamba_heads = 12"),
]


@pytest.mark.parametrize(("mixer", "ffn", "ways", "words"), REFUSED)
def test_a_width_that_is_not_divided_is_named(mixer: Any, ffn: Any, ways: int, words: str) -> None:
    split = Split((ways,))
    alone = stack((mixer, ffn))
    assert not split.fits(alone)
    assert why_unsplit([split], alone) == ("tensor", f"{ways} does not divide {words}")
    windowed = replace(GROUPED, window=512), DENSE
    for kinds in ([windowed, (mixer, ffn)], [(mixer, ffn), windowed]):
        assert not split.fits(stack(*kinds))
        assert why_unsplit([Split((2, ways))], stack(*kinds))


def test_the_ways_that_do_not_divide_are_named() -> None:
    """The larger ones do."""
    narrow = stack((FullAttention(16, 16, 64), DENSE))
    assert why_unsplit([Split((3, 8))], narrow) == ("tensor", "3 does not divide heads = 16")


def test_stages_hold_whole_layers_of_any_kind() -> None:
    mixed = stack((GROUPED, DENSE), (Mamba2(12, 64, 128), DENSE), count=3)
    assert Split(stages=2).fits(mixed)  # of 6 layers, 3 of either kind
    assert why_unsplit([Split(stages=4)], mixed) == ("pipeline", "4 does not divide layers = 6")


def test_expert_parallelism_divides_routed_experts_and_what_is_left_their_width() -> None:
    mixture = stack((GROUPED, DENSE), (GROUPED, MixtureOfExperts(100, 24, 2)))
    assert Split(experts=(8, 12)).fits(mixture)
    assert Split((4,), experts=(8,), slices=()).fits(mixture)
    assert not Split((8,), experts=(8,)).fits(mixture)  # 8 does not divide 100
    for split, why in (
        (Split(experts=(8, 16)), ("expert", "16 does not divide routed_experts = 24")),
        (Split(slices=(8,)), ("tensor", "8 does not divide expert_d_ff = 100")),
    ):
        assert why_unsplit([split], mixture) == why
    assert Split(experts=(16,)).fits(stack((GROUPED, DENSE)))  # no experts, nothing to divide


def test_what_serving_and_training_require_of_experts() -> None:
    serving = Serving(tensor_parallel=4, expert_parallel=8, attention_data_parallel=8)
    assert served(serving) == Split((4,), 1, (8,))
    assert served(Serving(tensor_parallel=4, expert_parallel=8)).slices == ()
    layouts = (Layout(16, 1, 1), Layout(8, 2, 3))
    of_layouts = splits(layouts, served(Serving(expert_parallel=8)), 1, 4)
    assert of_layouts == (Split((), 1, (4, 8)), Split((2,), 3, (4, 8)))
    assert splits(layouts, Split(), 1, 4, 1)[1] == Split((2,), 3, (4,), ())
    assert common(of_layouts) == Split((), 1, (4, 8))
