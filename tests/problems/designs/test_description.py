"""Counts of an architecture at a batch and a length, by hand."""

from __future__ import annotations

import pytest

from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.designs.description import describe
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.errors import ProblemError


def test_flops_and_memory_of_llama_3_8b_by_hand() -> None:
    batch, sequence, layers, d, heads, kv, width = 3, 500, 32, 4096, 32, 8, 128
    weights = layers * (2 * d * d + 2 * d * kv * width + 3 * d * 14336) + d * 128256
    scores = layers * 2 * 2 * heads * width * sequence  # QK and AV, of every key
    found = describe(
        load_architecture("llama-3-8b"),
        batch=batch,
        sequence=sequence,
        weight_bytes=1,
        kv_bytes=2,
    )
    assert found.forward_flops_per_token == 2 * weights + scores
    assert found.training_flops_per_token == 3 * (2 * weights + scores)
    assert found.forward_flops == batch * sequence * (2 * weights + scores)
    assert found.forward_backward_flops == 3 * found.forward_flops
    assert found.kv_bytes_per_token == layers * 2 * kv * width * 2
    assert found.kv_cache == batch * sequence * found.kv_bytes_per_token
    assert found.serving_memory == 8_030_261_248 + found.kv_cache
    flops = found.to_dict()["flops"]
    assert flops == {
        "forward": found.forward_flops,
        "forward_backward": found.forward_backward_flops,
    }


def test_a_batch_counts_masked_scores_of_windows_and_a_token_does_not() -> None:
    """A mask saves no FLOPs of a whole pass as kernels count them; a token needs only its window."""
    architecture = load_architecture("gemma-2-9b")
    layers, heads, width, window, sequence = 42, 16, 256, 4096, 8192
    found = describe(architecture, sequence=sequence)
    scores = layers // 2 * 2 * 2 * heads * width  # of each key that a token sees
    missing = found.forward_flops - sequence * found.forward_flops_per_token
    assert missing == sequence * scores * (sequence - window)


@pytest.mark.parametrize("name", ["batch", "sequence", "weight_bytes", "kv_bytes"])
def test_counts_must_be_positive(name: str) -> None:
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"{name}: must be a "):
            describe(load_architecture("llama-3-8b"), **{name: wrong})


def test_a_space_is_no_setting_of_a_model() -> None:
    with pytest.raises(ProblemError, match=r"^space\.layers: belongs to a problem"):
        standalone_problem(load_architecture("llama-3-8b"), {"space.layers": 3})
