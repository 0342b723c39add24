"""Families of problems whose menus grow: dense designs, mixed ones, and ones with a known answer.

`tables(family, size)` gives a problem as plain tables. Budgets are the same throughout a family.

dense    those of one-h100-1e24; ranges cover published dense models, and matrix units need
         multiples of 64
mixed    full and windowed layers, dense or experts: a server of eight 80 GB cards for 128k tokens
planted  a mixed space of some 1e4 designs that can be enumerated, times menus of values that are
         never better than their first: windows from 2,048 tokens up (which cost more and are worth
         no more, by the table of windows), and vocabularies (which a law of parameters without
         embeddings does not see). So the answer of every size is that of the smallest.
"""

from __future__ import annotations

from typing import Any

SOURCES = ("dense", "mixed", "planted")


def steps(low: float, high: float, step: float) -> dict[str, float]:
    """A range of a menu."""
    return {"min": low, "max": high, "step": step}


_ALL_KV, _VOCABULARIES = [1, 2, 4, 8, 16], (32768, 262144)
_MORE_KV, _MORE_HEADS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16], [64, 80, 96, 112, 128, 192, 256]
# Steps of d_model, head_dim, kv_heads, ffn_ratio, vocab_size, tied_embeddings.
DENSE: dict[str, tuple[Any, ...]] = {
    "1e3": (512, 128, 8, 3.5, 128256, False),
    "1e4": (128, 128, [1, 8], 3.5, 128256, False),
    "1e5": (128, [64, 128], _ALL_KV, [2.75, 3.5], 128256, False),
    "1e6": (64, [64, 128], _ALL_KV, steps(2.5, 4, 0.5), [32768, 131072], [False, True]),
    "1e7": (64, [64, 96, 128], _ALL_KV, steps(2.5, 4, 0.25), steps(*_VOCABULARIES, 32768),
            [False, True]),
    "1e8": (64, [64, 96, 128], _ALL_KV, steps(2.5, 4, 0.125), steps(*_VOCABULARIES, 4096),
            [False, True]),
    "1e9": (64, _MORE_HEADS, _MORE_KV, steps(2.5, 4, 0.0625), steps(*_VOCABULARIES, 2048),
            [False, True]),
}  # fmt: skip

# Steps of layers and d_model, head_dim, kv_heads, ffn_ratio, full_every, window; and of experts,
# routed, active, granularity, shared, dense_layers.
MIXED: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "1e4": ((4, 512, 128, [4, 8], 3.5, [1, 6], [1024, 2048]), ([0, 64, 128], [4, 8], [4, 8], 1, 0)),
    "1e5": ((4, 256, 128, [4, 8], 3.5, [1, 4, 6], [1024, 2048]),
            ([0, 64, 128, 256], [4, 8], [4, 8], 1, [0, 1])),
    "1e6": ((2, 256, [64, 128], [4, 8], [2.5, 3.5], [1, 4, 6], [1024, 2048]),
            ([0, 64, 128, 256], [2, 4, 8], [2, 4, 8], [0, 1], [0, 1])),
    "1e7": ((2, 128, [64, 128], [2, 4, 8], [2.5, 3.5], [1, 4, 6], [512, 1024, 2048]),
            ([0, 32, 64, 128, 256], [2, 4, 8], [2, 4, 8], [0, 1], [0, 1])),
    "1e8": ((1, 128, [64, 128], [2, 4, 8, 16], steps(2.5, 4, 0.5), [1, 3, 4, 6, 8],
             [512, 1024, 2048, 4096]),
            ([0, 32, 64, 128, 256], [2, 4, 8], [2, 4, 8], [0, 1], [0, 1, 3])),
    "1e9": ((1, 128, [64, 96, 128], [1, 2, 4, 8, 16], steps(2.5, 4, 0.25), [1, 2, 3, 4, 6, 8],
             [512, 1024, 2048, 4096]),
            ([0, 16, 32, 64, 128, 256], [1, 2, 4, 8], [2, 3, 4, 6, 8], [0, 1], [0, 1, 3])),
    "1e10": ((1, 128, [64, 96, 128], [1, 2, 4, 8, 16], steps(2.5, 4, 0.25), [1, 2, 3, 4, 5, 6, 8],
              [512, 1024, 2048, 4096]),
             ([0, *range(32, 257, 32)], [1, 2, 4, 6, 8], steps(2, 8, 1), [0, 1], [0, 1, 2, 3])),
    "1e11": ((1, 128, [64, 96, 128, 192], [1, 2, 4, 8, 16], steps(2.5, 4, 0.125),
              list(range(1, 11)), [256, 512, 1024, 2048, 4096]),
             ([0, *range(16, 257, 16)], [1, 2, 3, 4, 6, 8], steps(2, 8, 0.5), [0, 1, 2],
              [0, 1, 2, 3])),
    "1e12": ((1, 64, [64, 96, 128, 192, 256], [1, 2, 3, 4, 5, 6, 8, 10, 12, 16],
              steps(2.5, 4, 0.125), list(range(1, 13)), steps(512, 4096, 512)),
             ([0, *range(16, 257, 16)], list(range(1, 9)), steps(2, 8, 0.5), [0, 1, 2],
              [0, 1, 2, 3])),
    "1e13": ((1, 64, [64, 96, 128, 192, 256], [1, 2, 3, 4, 5, 6, 8, 10, 12, 16],
              steps(2.5, 4, 0.0625), list(range(1, 13)), steps(512, 8192, 256)),
             ([0, *range(8, 257, 8)], list(range(1, 11)), steps(2, 8, 0.5), [0, 1, 2],
              [0, 1, 2, 3])),
}  # fmt: skip

# Numbers of windows, and of vocabularies.
PLANTED = {"1e4": (1, 1), "1e6": (128, 1), "1e8": (1024, 16), "1e10": (4096, 256),
           "1e12": (4096, 16384), "1e13": (4096, 131072)}  # fmt: skip


def sizes(family: str) -> tuple[str, ...]:
    """Names of the sizes of a family, smallest first."""
    return tuple({"dense": DENSE, "mixed": MIXED, "planted": PLANTED}[family])


def tables(size: str, family: str = "dense") -> dict[str, Any]:
    """Tables of a problem."""
    return {"dense": _dense, "mixed": _mixed, "planted": _planted}[family](size)


def _dense(size: str) -> dict[str, Any]:
    step, head_dim, kv_heads, ffn_ratio, vocab_size, tied = DENSE[size]
    return {
        "name": f"some {size} designs",
        "space": {
            "layers": {"min": 8, "max": 160},
            "d_model": steps(1024, 16384, step),
            "head_dim": head_dim,
            "kv_heads": kv_heads,
            "ffn_ratio": ffn_ratio,
            "ffn_multiple": 64,
            "vocab_size": vocab_size,
            "tied_embeddings": tied,
            "aspect_ratio": {"min": 48, "max": 160},
        },
        "training": {"sequence_length": 8192, "tokens": {"max": 15e12}},
        "serving": {"batch_size": 16, "context_length": 8192},
        "budgets": {
            "training_flops": 1e24,
            "parameters": 40e9,
            "kv_cache": "16 GiB",
            "serving_memory": "80 GB",
        },
    }


def _mixed(size: str) -> dict[str, Any]:
    (depth, width, head_dim, kv_heads, ratio, every, window), experts = MIXED[size]
    names = ("routed", "active", "granularity", "shared", "dense_layers")
    return {
        "name": f"some {size} designs, mixed",
        "space": {
            "layers": steps(16, 96, depth),
            "d_model": steps(1024, 8192, width),
            "head_dim": head_dim,
            "kv_heads": kv_heads,
            "ffn_ratio": ratio,
            "ffn_multiple": 64,
            "vocab_size": 131072,
            "aspect_ratio": {"min": 32, "max": 160},
            "full_every": every,
            "between": "window",
            "window": window,
            "experts": dict(zip(names, experts, strict=True)),
        },
        "training": {"sequence_length": 16384, "tokens": {"max": 20e12}},
        "serving": {
            "accelerators": 8, "batch_size": 16, "context_length": 131072, "weight_bytes": 1,
        },
        "budgets": {"training_flops": 2e24, "serving_memory": "40 GB"},
    }  # fmt: skip


def _planted(size: str) -> dict[str, Any]:
    windows, vocabularies = PLANTED[size]
    made = _mixed("1e5")
    made["name"] = f"some {size} designs, with a known answer"
    made["space"] |= {
        "window": steps(2048, 2047 + windows, 1),
        "vocab_size": steps(131072, 131071 + vocabularies, 1),
    }
    made["objective"] = {"law": "krajewski-2024-dense"}
    return made
