"""The designs of a space, in loops."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.support.oracle.data import Tables, exact


@dataclass(frozen=True)
class Structure:
    """A row of the table of blocks, with the published pattern of its windows."""

    gated: bool = True
    qkv_bias: bool = False
    biases: bool = False
    norms: int = 2
    layer_norm: bool = False
    query_key_norm: str = ""
    learned_positions: bool = False
    full_every: int = 1
    window: int | None = None


BLOCKS = {
    "llama": Structure(),
    "qwen2": Structure(qkv_bias=True),
    "qwen3": Structure(query_key_norm="head"),
    "gemma2": Structure(norms=4, full_every=2, window=4096),
    "gemma3": Structure(norms=4, query_key_norm="head", full_every=6, window=1024),
    "olmo2": Structure(query_key_norm="all"),
    "gpt2": Structure(
        gated=False, qkv_bias=True, biases=True, layer_norm=True, learned_positions=True
    ),
    "gpt-neox": Structure(gated=False, qkv_bias=True, biases=True, layer_norm=True),
}


@dataclass(frozen=True)
class Design:
    """An architecture; `full` of its layers see the whole context, the others a window."""

    block: str
    d_model: int
    heads: int
    head_dim: int
    kv_heads: int
    d_ff: int
    vocab_size: int
    tied: bool
    layers: int
    full: int
    window: int = 0  # tokens that the others see

    @property
    def structure(self) -> Structure:
        return BLOCKS[self.block]

    def visible(self, context: int) -> list[tuple[int, int]]:
        """Numbers of layers, and the tokens of a context that each attends to."""
        kinds = [(self.full, context)]
        if self.window:
            kinds.append((self.layers - self.full, min(self.window, context)))
        return [(n, seen) for n, seen in kinds if n]


def menu(value: Any, step: int = 1) -> list[Any]:
    """Values of a number, a list or a range."""
    if isinstance(value, dict):
        low, high, by = (exact(v) for v in (value["min"], value["max"], value.get("step", step)))
        found = [low + i * by for i in range(int((high - low) / by) + 1)]
        return [n.numerator if n.denominator == 1 else float(n) for n in found]
    return sorted(set(value)) if isinstance(value, list) else [value]


def all_designs(tables: Tables) -> Iterator[Design]:
    """Every architecture of [space], whatever the layouts."""
    space = tables["space"]
    found: dict[Design, None] = {}  # ordered, each once
    for block in menu(space.get("block", "llama")):
        structure = BLOCKS[block]
        for d in menu(space["d_model"], 128):
            for heads, head_dim in _heads(space, d):
                for kv_heads in _kv_heads(space, block, heads):
                    for d_ff in _d_ff(space, d, structure.gated):
                        for vocab in menu(space["vocab_size"]):
                            for tied in menu(space.get("tied_embeddings", False)):
                                for n in menu(space["layers"]):
                                    if not _aspect(space.get("aspect_ratio"), d, n):
                                        continue
                                    widths = (block, d, heads, head_dim, kv_heads, d_ff, vocab)
                                    for full, window in _stacks(tables, structure, n):
                                        found[Design(*widths, tied, n, full, window)] = None
    yield from found


def _stacks(tables: Tables, structure: Structure, n: int) -> Iterator[tuple[int, int]]:
    """Numbers of full layers of n, and windows of the others (0 where there are none)."""
    space, training = tables["space"], tables.get("training", {})
    trained = training.get("sequence_length", 4096)
    longest = max(trained, tables.get("serving", {}).get("context_length", trained))
    windows = [w for w in menu(space.get("window", structure.window or [])) if w < longest]
    if "full_layers" in space:
        numbers = [full for full in menu(space["full_layers"]) if 1 <= full <= n]
    else:
        published = structure.full_every if windows else 1
        numbers = [n // every for every in menu(space.get("full_every", published)) if n >= every]
    for full in numbers:
        yield from ((full, window) for window in ([0] if full == n else windows))


def _heads(space: Tables, d: int) -> list[tuple[int, int]]:
    if "heads" in space and "head_dim" in space:
        return [(h, k) for h in menu(space["heads"]) for k in menu(space["head_dim"])]
    if "heads" in space:
        return [(h, d // h) for h in menu(space["heads"]) if d % h == 0]
    return [(d // k, k) for k in menu(space.get("head_dim", 128)) if d % k == 0]


def _kv_heads(space: Tables, block: str, heads: int) -> list[int]:
    if "kv_heads" in space:
        return [k for k in menu(space["kv_heads"]) if heads % k == 0]
    if "kv_group" in space:
        return [heads // g for g in menu(space["kv_group"]) if heads % g == 0]
    # Left out: an eighth, a quarter or all of the heads; all in blocks of multi-head attention.
    shares = [1] if block in ("gpt2", "gpt-neox") else [8, 4, 1]
    return [heads // share for share in shares if heads % share == 0]


def _d_ff(space: Tables, d: int, gated: bool) -> list[int]:
    if "d_ff" in space:
        return menu(space["d_ff"])
    ratios = [Fraction(8, 3) if gated else Fraction(4)]
    if "ffn_ratio" in space:
        ratios = [exact(r) for r in menu(space["ffn_ratio"])]
    rounded = [
        math.floor(ratio * d / multiple + Fraction(1, 2)) * multiple
        for ratio in ratios
        for multiple in menu(space.get("ffn_multiple", 256))
    ]
    return [width for width in rounded if width > 0]


def _aspect(rule: Any, d: int, layers: int) -> bool:
    if rule is None:
        return True
    ratio = Fraction(d, layers)
    if isinstance(rule, dict):
        low, high = exact(rule.get("min", 0)), rule.get("max")
        return low <= ratio and (high is None or ratio <= exact(high))
    return ratio in [exact(r) for r in menu(rule)]


def divides(design: Design, ways: int) -> bool:
    """Whether tensor parallelism divides the widths."""
    kv = design.kv_heads
    return (
        all(n % ways == 0 for n in (design.heads, design.d_ff, design.vocab_size))
        and (kv % ways == 0 or ways % kv == 0)
    )  # fmt: skip
