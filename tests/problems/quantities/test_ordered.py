"""No cost falls when a width of any kind of layer rises: solvers bound boxes by their corners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelsizer.problems.architecture.choices import ZERO_APART
from modelsizer.problems.quantities.auxiliary import AUXILIARY
from modelsizer.problems.quantities.examples import Widths, ordered_pairs, structures
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import Candidate, Settings
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training

POINTS, CONTEXT = 60, 8192
TRAINING: tuple[dict[str, Any], ...] = (
    {"recompute": "full", "zero_stage": 3, "dropout": True},
    {"recompute": "half", "fused_kernels": False, "flash_attention": False, "flops": "causal"},
    {"flash_attention": False, "dropout": True, "optimizer_bytes": 6.5, "flops": "6ND"},
    {"recompute": "selective", "sequence_parallel": False, "activation_bytes": 1},
)
SERVING: tuple[dict[str, Any], ...] = (
    {"batch_size": 1, "weight_bits": 4},
    {"batch_size": 3, "tensor_parallel": 8, "kv_policy": "full", "kv_bits": 4},
    {"batch_size": 200, "tensor_parallel": 6, "weight_bits": {"experts": 4.25, "attention": 8}},
    {"batch_size": 16, "prompts": 4, "prompt_length": 17, "state_bytes": 4},
)
LAYOUTS = (Layout(1, 1, 1), Layout(4, 2, 2), Layout(3, 8, 1), Layout(2, 1, 4))
"""Of the same row of `TRAINING`. Ways that divide no heads are tried too, as corners need not."""


def settings(number: int) -> Settings:
    served = Serving.model_validate({"accelerator": "H100-SXM"} | SERVING[number])
    training = Training.model_validate(TRAINING[number])
    return Settings(training, served, Lifetime(), CONTEXT, "active", "active", 3e20)


def costs(number: int, structure: Any, widths: Widths) -> dict[tuple[str, int], list[Any]]:
    """Constant and coefficients of every affine cost, and its denominator."""
    asked = settings(number)
    exact = {name: column.astype(object) for name, column in widths.items()}
    trunk, kinds = structure.parts(exact, CONTEXT)
    candidate, found = Candidate(asked, trunk, kinds, LAYOUTS[number]), {}
    names = [n for n, row in QUANTITIES.items() if row.affine and not lacking(asked, n)]
    for name in (*names, *AUXILIARY):
        values = cost_of(name).formula(candidate)
        for i, one in enumerate(values if isinstance(values, tuple) else (values,)):
            found[name, i] = [one.base, *one.per_layer, one.denominator]
    return found


@pytest.mark.parametrize("number", range(len(TRAINING)))
@pytest.mark.parametrize("block", ["gpt2", "gpt-oss"])
def test_no_cost_falls_with_a_width(block: str, number: int) -> None:
    for structure in structures(block):
        low, high = ordered_pairs(structure, POINTS, seed=number + 1)
        assert not any((low[name] > high[name]).any() for name in low if name != "tied_embeddings")
        small, large = costs(number, structure, low), costs(number, structure, high)
        assert {name for name, _ in small} >= {"decode_latency", "training_memory", "kv_cache"}
        for key, values in small.items():
            assert values[-1] == large[key][-1]
            for less, more in zip(values, large[key], strict=True):
                assert np.all(np.asarray(less) <= np.asarray(more)), (key, structure)


def test_widths_of_which_zero_is_another_kind() -> None:
    """Direct queries weigh more than those through a small latent, and less than a large one."""
    assert ZERO_APART == ("q_lora_rank",)
    (structure,) = (s for s in structures("llama") if "q_lora_rank" in s.widths)
    widths, _ = ordered_pairs(structure, 1, seed=0)
    size = {}
    for rank in (0, 1, 10**6):
        values = costs(0, structure, widths | {"q_lora_rank": np.array([rank])})
        size[rank] = values["parameters", 0][1][0]
    assert size[1] < size[0] < size[10**6]
