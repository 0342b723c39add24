"""Layers of arrays count a whole table as loops over its rows do."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from modelsizer.problems.architecture.attention import FullAttention, Indexer, LatentAttention
from modelsizer.problems.architecture.compressed_attention import (
    BlockIndexer,
    Compressor,
    SharedKeyAttention,
)
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    MixtureOfExperts,
    SeveralFeedForwards,
)
from modelsizer.problems.architecture.linear_attention import (
    GatedDeltaNet,
    LightningAttention,
    ShortConvolution,
)
from modelsizer.problems.architecture.mixers import Several
from modelsizer.problems.architecture.state_space import GatedRecurrence, Mamba, Mamba2

ROWS = 40


def full(r: random.Random) -> dict[str, Any]:
    kv_heads = r.choice([1, 2, 8])
    return {
        "heads": kv_heads * r.randint(1, 8), "kv_heads": kv_heads, "head_dim": r.choice([64, 80]),
        "window": r.choice([None, 128, 3000]),
    }  # fmt: skip


def latent(r: random.Random) -> dict[str, Any]:
    return {
        "heads": r.randint(1, 64), "kv_lora_rank": r.randint(128, 600),
        "rope_dim": r.choice([32, 64]), "nope_dim": r.choice([64, 128]),
        "value_dim": r.choice([64, 128]), "q_lora_rank": r.choice([None, 700, 1536]),
    }  # fmt: skip


def mamba(r: random.Random) -> dict[str, Any]:
    return {"inner": r.randint(1, 9000), "state": r.choice([8, 16]), "rank": r.randint(1, 99),
            "conv": r.randint(2, 4)}  # fmt: skip


def mamba2(r: random.Random) -> dict[str, Any]:
    return {"mamba_heads": r.randint(1, 128), "mamba_head_dim": r.choice([48, 64]),
            "state": r.choice([64, 128]), "groups": r.choice([1, 8]), "conv": 4}  # fmt: skip


def recurrence(r: random.Random) -> dict[str, Any]:
    blocks = r.randint(1, 16)
    return {"inner": blocks * r.randint(1, 99), "blocks": blocks, "conv": 4}


def delta(r: random.Random) -> dict[str, Any]:
    heads = r.randint(1, 16)
    return {"key_heads": heads, "value_heads": heads * r.randint(1, 4), "key_dim": 64,
            "value_dim": r.choice([64, 128]), "conv": 4, "decay_rank": r.choice([0, 64]),
            "gate_rank": r.choice([0, 128])}  # fmt: skip


def lightning(r: random.Random) -> dict[str, Any]:
    return {"state_heads": r.randint(1, 64), "state_head_dim": r.choice([64, 128])}


def convolution(r: random.Random) -> dict[str, Any]:
    return {"width": r.randint(1, 4096), "conv": 3}


def dense(r: random.Random) -> dict[str, Any]:
    return {"d_ff": r.randint(1, 20_000)}


def shared_key(r: random.Random) -> dict[str, Any]:
    return {
        "heads": r.randint(1, 64), "head_dim": r.randint(1, 512), "q_lora_rank": r.randint(1, 1536),
        "groups": r.randint(1, 8), "group_rank": r.randint(1, 1024), "window": r.randint(1, 200),
    }  # fmt: skip


def compressor(r: random.Random) -> dict[str, Any]:
    indexed = r.random() < 0.5
    return {
        "heads": r.randint(1, 64), "head_dim": r.randint(1, 512), "rate": r.choice([4, 7, 128]),
        "overlap": r.choice([1, 2]), "index_heads": 8 * indexed, "index_dim": 64 * indexed,
        "top_k": 16 * indexed, "query_rank": 100 * indexed,
    }  # fmt: skip


def block_indexer(r: random.Random) -> dict[str, Any]:
    return {"index_heads": r.randint(1, 8), "index_dim": r.randint(1, 128)}


def experts(r: random.Random) -> dict[str, Any]:
    routed = r.randint(1, 256)
    return {
        "d_ff": r.randint(1, 4096), "experts": routed, "active": r.randint(1, min(routed, 8)),
        "shared_d_ff": r.choice([0, 512, 2048]), "latent": r.choice([0, 0, 300]),
    }  # fmt: skip


FLAGS: dict[type[Any], list[dict[str, Any]]] = {
    FullAttention: [
        {},
        {"qkv_bias": True, "output_bias": True, "qk_norm": "full", "sinks": True},
        {"qk_norm": "head"},
        {"qk_norm": "head_with_bias", "gate": True},
        {"qk_norm": "full", "qkv_bias": True, "shares_cache": True},
    ],
    LatentAttention: [{}, {"bias": True}, {"head_gate": True}],
    Mamba: [{}, {"bias": True, "conv_bias": False}, {"inner_norms": True}],
    Mamba2: [{}, {"bias": True, "output_bias": True, "conv_bias": False}, {"gated_norm": False}],
    GatedRecurrence: [{}],
    GatedDeltaNet: [{}, {"channel_decay": True}],
    LightningAttention: [{}],
    ShortConvolution: [{}, {"bias": True}],
    SharedKeyAttention: [{}],
    Compressor: [{}],
    BlockIndexer: [{}],
    DenseFeedForward: [{}, {"gated": False, "bias": True}],
    MixtureOfExperts: [
        {},
        {"gated": False, "expert_bias": True, "router_bias": True, "shared_bias": True},
        {"shared_gate": True, "shared_bias": True, "latent_bias": True},
    ],
}
DRAWS = {FullAttention: full, LatentAttention: latent, DenseFeedForward: dense,
         MixtureOfExperts: experts, Mamba: mamba, Mamba2: mamba2, GatedRecurrence: recurrence,
         GatedDeltaNet: delta, LightningAttention: lightning,
         ShortConvolution: convolution, SharedKeyAttention: shared_key, Compressor: compressor,
         BlockIndexer: block_indexer}  # fmt: skip


def answers(part: Any, d_model: Any) -> dict[str, Any]:
    """What every method and property says."""
    asked: dict[str, Callable[[], Any]] = {}
    for name in ("heads", "kv_heads", "head_dim", "d_ff"):
        if hasattr(part, name):
            asked[name] = lambda name=name: getattr(part, name)
    mixes = hasattr(part, "visible")
    for name in ("norm_parameters", "kv_values", "state_flops", "state_values"):
        if hasattr(part, name):
            asked[name] = getattr(part, name)
    if mixes:
        asked["read_weights"] = lambda: part.read_weights(d_model)
    if hasattr(part, "split_widths"):
        asked["split_widths"] = lambda: sum(part.split_widths().values())
    for name in ("matmul_weights", "parameters", "active_parameters", "expert_parameters",
                 "matrix_parameters", "expert_matrices", "router_weights", "handed_values",
                 "expert_weights"):  # fmt: skip
        if hasattr(part, name):
            asked[name] = lambda name=name: getattr(part, name)(d_model)
    for context in (100, 4096):
        if mixes:
            asked[f"visible {context}"] = lambda c=context: part.visible(c) + 0 * d_model
            asked[f"scores {context}"] = lambda c=context: part.score_flops(part.visible(c))
            asked[f"scores {context} masked"] = lambda c=context: part.score_flops(c, masked=True)
            asked[f"cached_score_flops {context}"] = lambda c=context: part.cached_score_flops(c)
            asked[f"read_values {context}"] = lambda c=context: part.read_values(c)
        else:
            asked[f"read_weights {context}"] = lambda c=context: part.read_weights(d_model, c)
            asked[f"read_experts {context}"] = lambda c=context: part.read_experts(d_model, c)
    if hasattr(part, "sent_values"):
        asked["sent_values"] = lambda: part.sent_values(d_model, 3)
    for flag in (True, False):
        if mixes:
            asked[f"kept {flag}"] = lambda f=flag: part.kept_values(repeated=f)
        else:
            asked[f"kept {flag}"] = lambda f=flag: part.kept_values(d_model, fused=f)
            asked[f"routed {flag}"] = lambda f=flag: part.routed_values(d_model, fused=f)
    public = {name for name in vars(type(part)) if not name.startswith("_")}
    public -= {field.name for field in fields(part)}
    told = {key.split()[0] for key in asked}
    words = {"score_flops": "scores", "kept_values": "kept", "routed_values": "routed"}
    assert {words.get(name, name) for name in public} <= told
    return {name: ask() for name, ask in asked.items()}


@pytest.mark.parametrize("kind", DRAWS)
@pytest.mark.parametrize("flags", range(5))
def test_arrays_count_as_loops_do(kind: type[Any], flags: int) -> None:
    fixed = FLAGS[kind][flags % len(FLAGS[kind])]
    r = random.Random(flags)
    rows = [DRAWS[kind](r) for _ in range(ROWS)]
    d_model = np.array([64 * r.randint(1, 200) for _ in rows])
    whole = answers(kind(**columns(rows), **fixed), d_model)
    for i, row in enumerate(rows):
        for name, value in answers(kind(**row, **fixed), int(d_model[i])).items():
            assert np.broadcast_to(whole[name], (ROWS,))[i] == value, (name, row)


def columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.array([row[name] or 0 for row in rows], dtype=np.int64) for name in rows[0]}


@pytest.mark.parametrize("seed", range(3))
def test_parts_of_arrays_count_as_loops_do(seed: int) -> None:
    r = random.Random(seed)
    index = {"heads": [r.randint(1, 64) for _ in range(ROWS)], "head_dim": [128] * ROWS,
             "top_k": [r.choice([0, 64, 2048]) for _ in range(ROWS)]}  # fmt: skip
    drawn = {kind: [draw(r) for _ in range(ROWS)] for kind, draw in DRAWS.items()}
    d_model = np.array([64 * r.randint(1, 200) for _ in range(ROWS)])

    def several(take: Any, indexer: Any) -> tuple[Any, Any]:
        parts = {kind: kind(**take(kind)) for kind in DRAWS}
        sparse = replace(parts[LatentAttention], indexer=indexer)
        mixers = [parts[kind] for kind in (Mamba2, FullAttention, GatedDeltaNet, ShortConvolution)]
        feeds = SeveralFeedForwards((parts[DenseFeedForward], parts[MixtureOfExperts]))
        return Several((*mixers, sparse)), feeds

    table = {name: np.array(values) for name, values in index.items()}
    tables = several(lambda kind: columns(drawn[kind]), Indexer(**table))
    for i in range(ROWS):
        at = {name: values[i] for name, values in index.items()}
        indexer = Indexer(**at) if at["top_k"] else Indexer(**at | {"top_k": 10**9})
        rows = several(lambda kind, i=i: drawn[kind][i], indexer)
        for whole, row in zip(tables, rows, strict=True):
            found = answers(whole, d_model)
            for name, value in answers(row, int(d_model[i])).items():
                assert np.broadcast_to(found[name], (ROWS,))[i] == value, name


@pytest.mark.parametrize("kind", DRAWS)
def test_a_row_without_such_layers_costs_nothing(kind: type[Any]) -> None:
    names = DRAWS[kind](random.Random(0))
    none = kind(**{name: np.zeros(3, dtype=np.int64) for name in names})
    for name, value in answers(none, np.full(3, 64)).items():
        if name.split()[0] not in ("kv_heads", "visible"):
            assert np.array_equal(np.broadcast_to(value, (3,)), [0, 0, 0]), name


def test_arrays_are_checked() -> None:
    with pytest.raises(ValueError, match=r"ffn\.d_ff must be at least 0, got -1"):
        DenseFeedForward(np.array([4, -1]))
    with pytest.raises(ValueError, match=r"attention\.heads must be whole numbers"):
        FullAttention(np.array([1.5]), np.array([1]), np.array([64]))
    with pytest.raises(ValueError, match="at most experts"):
        MixtureOfExperts(np.array([8, 8]), np.array([4, 0]), np.array([2, 1]))
