"""Quantities of stacks of several kinds of layer, in tables and alone, against plain loops."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.optimizer.tables.spread import tables as tables_of
from modelsizer.problems.architecture.architecture import (
    Architecture,
    FullAttention,
    LatentAttention,
    MixtureOfExperts,
)
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.designs.memory_parts import serving_parts, training_parts
from modelsizer.problems.designs.roofline_points import roofline_points
from tests.support.layers_oracle.machines import figures
from tests.support.layers_oracle.space import (
    DeltaNet,
    Dense,
    Design,
    Experts,
    Group,
    Grouped,
    Latent,
    Mamba2,
)
from tests.support.layers_oracle.ways import designs
from tests.support.machine_problems import NAMES, QUICK, problem_of

ROUNDED = ("decode_latency", "prefill_latency")  # products of doubles, in whole picoseconds
CLOSE = 1e-9
MOST = 10  # designs of a structure that are compared


def design_of(architecture: Architecture) -> Design:
    """An architecture in the words of the oracle."""
    trunk, groups = architecture.trunk, []
    for group in architecture.groups:
        a, f = group.layer.attention, group.layer.ffn
        mixer: Any
        if isinstance(a, FullAttention):
            mixer = Grouped(a.heads, a.kv_heads, a.head_dim, a.window or 0)
        elif isinstance(a, LatentAttention):
            widths = (a.kv_lora_rank, a.q_lora_rank or 0, a.rope_dim, a.nope_dim, a.value_dim)
            mixer = Latent(a.heads, *widths)
        elif isinstance(a, GatedDeltaNet):
            mixer = DeltaNet(a.key_heads, a.value_heads, a.key_dim, a.value_dim, a.conv)
        else:
            mixer = Mamba2(a.mamba_heads, a.mamba_head_dim, a.state, a.groups, a.conv)
        ffn: Dense | Experts = Dense(f.d_ff)
        if isinstance(f, MixtureOfExperts):
            ffn = Experts(f.experts, f.active, f.d_ff, f.shared_d_ff // f.d_ff)
        groups.append(Group(group.count, mixer, ffn))
    return Design(trunk.d_model, trunk.vocab_size, bool(trunk.tied_embeddings), tuple(groups))


def check_parts(problem: Problem, design: Evaluation) -> None:
    """Breakdowns of memory and points of rooflines are of the same quantities."""
    for parts in (serving_parts(problem, design), training_parts(problem, design)):
        assert parts is not None and parts.total == design.exact[parts.quantity]
        states = any(g.layer.attention.state_values() for g in design.architecture.groups)
        assert parts.quantity == "training_memory" or states == ("states" in dict(parts.parts))
    found = roofline_points(problem, {"one": design.architecture}, batches=())
    assert found is not None
    for point, name in ((found.designs[0].decode, "decode"), (found.designs[0].prefill, "prefill")):
        assert point.seconds == pytest.approx(float(design.exact[f"{name}_latency"]), rel=1e-12)


def compare(seed: int) -> Counter[str]:
    """Compare the designs of a seed; returns how many there were of each kind of layer."""
    seen: Counter[str] = Counter()
    if (made := problem_of(seed)) is None:
        return seen
    raw, problem, layout = made
    r = random.Random(seed)
    number = 0
    for table in tables_of(problem, names=NAMES):
        places = [
            (row, j) for row in range(len(table)) for j in np.ndindex(*map(int, table.count[row]))
        ]
        number += len(places)
        for row, j in r.sample(places, min(MOST, len(places))):
            architecture = table.architecture(problem, row, j)
            a = design_of(architecture)
            design = evaluate(problem, architecture)
            alone = design.exact
            for name, value in figures(a, raw, layout).items():
                at = np.array([row]), np.array([j])
                parts = [
                    table.linear[part] for part in table.linear if part.partition(".")[0] == name
                ]
                told = max(Fraction(int(x.at(*at)[0]), x.denominator) for x in parts)
                assert told == alone[name], (seed, name, a)
                close = CLOSE * value if name in ROUNDED else 0
                assert abs(told - value) <= close, (seed, name, a, float(told), float(value))
            check_parts(problem, design)
            kinds = {type(g.mixer).__name__ + "/" + type(g.ffn).__name__ for g in a.groups}
            seen.update([*kinds, f"{len(a.groups)} kinds"])
    assert number == problem.count_designs() == len(designs(raw)), seed
    return seen


@pytest.mark.parametrize("seeds", [QUICK, pytest.param(range(300), marks=pytest.mark.slow)])
def test_tables_and_designs_have_the_quantities_of_plain_loops(seeds: Sequence[int]) -> None:
    seen: Counter[str] = Counter()
    for seed in seeds:
        seen += compare(seed)
    assert len([name for name in seen if "/" in name]) == 8  # four mixers, dense and experts
    assert seen["1 kinds"] and seen["2 kinds"] and seen["3 kinds"]
    assert seen["4 kinds"] or seeds is QUICK
