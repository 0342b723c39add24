"""The designs of a space: every combination of its menus, each distinct design once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from tests.support.layers_oracle.tables import Tables, exact, menu


class Grouped(NamedTuple):
    """Attention with heads that share keys and values; a window of 0 is none."""

    heads: int
    kv_heads: int
    head_dim: int
    window: int = 0


class Latent(NamedTuple):
    """Multi-head latent attention (DeepSeek-V2)."""

    heads: int
    kv_lora_rank: int
    q_lora_rank: int
    rope_dim: int
    nope_dim: int
    value_dim: int


class DeltaNet(NamedTuple):
    """Gated delta net of Qwen3-Next."""

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    conv: int


class Mamba2(NamedTuple):
    """Mamba-2 mixer of Nemotron-H."""

    heads: int
    head_dim: int
    state: int
    groups: int
    conv: int


class Dense(NamedTuple):
    """Gated feed-forward."""

    d_ff: int


class Experts(NamedTuple):
    """Routed and shared experts, all of one width."""

    routed: int
    active: int
    d_ff: int
    shared: int


class Group(NamedTuple):
    """So many layers of one kind."""

    count: int
    mixer: Any
    ffn: Dense | Experts


LINEAR = (DeltaNet, Mamba2)
LATENT = {"kv_lora_rank": 512, "q_lora_rank": 1536, "rope_dim": 64, "nope_dim": 128,
          "value_dim": 128}  # fmt: skip
BETWEEN = {
    "gated-deltanet": (DeltaNet, {"key_heads": 16, "value_heads": 32, "key_dim": 128,
                                  "value_dim": 128, "conv": 4}),
    "mamba2": (Mamba2, {"heads": 128, "head_dim": 64, "state": 128, "groups": 8, "conv": 4}),
}  # fmt: skip


@dataclass(frozen=True)
class Design:
    """Trunk and groups of layers; groups of no layer are left out."""

    d_model: int
    vocab_size: int
    tied: bool
    groups: tuple[Group, ...]

    @property
    def layers(self) -> int:
        return sum(group.count for group in self.groups)

    @property
    def full(self) -> int:
        """Layers that attend to the whole context."""
        return sum(g.count for g in self.groups if is_full(g.mixer))

    def first(self, kind: Any) -> Any:
        """The mixer or feed-forward of this kind, if the design has one."""
        parts = (part for g in self.groups for part in (g.mixer, g.ffn))
        return next((part for part in parts if isinstance(part, kind)), None)

    def key(self, name: str, kind: Any) -> int:
        """A width, 0 where the design has none."""
        return getattr(self.first(kind), name, 0)

    @property
    def window(self) -> int:
        return max(getattr(g.mixer, "window", 0) for g in self.groups)

    @property
    def dense_layers(self) -> int:
        """Layers with a dense feed-forward in front of those of experts."""
        mixed = self.first(Experts) is not None
        return sum(g.count for g in self.groups if isinstance(g.ffn, Dense)) if mixed else 0

    @property
    def full_dense(self) -> int:
        if self.first(Experts) is None:
            return 0
        return sum(g.count for g in self.groups if is_full(g.mixer) and isinstance(g.ffn, Dense))

    def tie(self, parameters: int) -> tuple[int, ...]:
        """Order of equal objectives."""
        heads = self.key("heads", (Grouped, Latent))
        found = [parameters, self.layers, self.d_model, self.key("head_dim", Grouped),
                 self.key("kv_heads", Grouped), self.key("d_ff", Dense), heads, self.vocab_size,
                 int(self.tied), self.full, self.window, self.key("routed", Experts),
                 self.key("active", Experts), self.key("d_ff", Experts),
                 self.key("shared", Experts), self.dense_layers,
                 int(self.first(Latent) is not None)]  # fmt: skip
        found += [self.key(name, Latent) for name in LATENT]
        found.append(self.full_dense)
        found += [self.key(name, kind) for kind in LINEAR for name in kind._fields]
        return tuple(found)


def is_full(mixer: Any) -> bool:
    """Whether a layer attends to everything before it."""
    return isinstance(mixer, Latent) or (isinstance(mixer, Grouped) and not mixer.window)


def entries(tables: Tables) -> list[Design]:
    """Every distinct design of [space], whatever ways of parallelism divide it."""
    return list(dict.fromkeys(_entries(tables)))


def _entries(tables: Tables) -> Iterator[Design]:
    space = tables["space"]
    for d in menu(space["d_model"], 128):
        depths = [n for n in menu(space["layers"]) if _aspect(space.get("aspect_ratio"), d, n)]
        splits = [(n, full, among) for n in depths for full, among in _full(space, n)]
        trunks = itertools.product(menu(space["vocab_size"]), menu(space.get("tied_embeddings", False)))  # fmt: skip
        feeds = list(dict.fromkeys(_feeds(space, d)))
        for vocab, tied in trunks:
            for mixer, between in _mixers(tables, d):
                for dense, experts, first in feeds:
                    for n, full, among in splits:
                        if (between is None) != (full == n) or (experts and first >= n):
                            continue
                        yield _design(d, vocab, tied, mixer, between, dense, experts,
                                      n, full, first if experts else n, among)  # fmt: skip


def _design(
    d: int, vocab: int, tied: bool, mixer: Any, between: Any, dense: Dense | None,
    experts: Experts | None, n: int, full: int, first: int, among: Any,
) -> Design:  # fmt: skip
    head = among(first)  # full layers among the dense ones
    counts = [
        (head, mixer, dense),
        (full - head, mixer, experts),
        (first - head, between, dense),
        (n - full - first + head, between, experts),
    ]
    groups = tuple(Group(*row) for row in counts if row[0])
    return Design(d, vocab, tied, groups)


def _full(space: Tables, n: int) -> Iterator[tuple[int, Any]]:
    """Numbers of full layers of n, and how many of them are among the first k."""
    if "full_layers" in space:
        for full in menu(space["full_layers"]):
            if 1 <= full <= n:
                yield full, lambda k, full=full: k * full // n
        return
    for every in menu(space.get("full_every", 1)):
        if n // every:
            yield n // every, lambda k, every=every: k // every


def _mixers(tables: Tables, d: int) -> Iterator[tuple[Any, Any]]:
    """Pairs of a full layer's mixer and that of the others; None where all layers are full."""
    space = tables["space"]
    kinds = menu(space.get("attention", "grouped"))
    betweens = menu(space.get("between", "window"))
    windows = [w for w in menu(space.get("window", [])) if _bites(tables, w)]
    linear = [(name, part) for name in betweens if name in BETWEEN for part in _linear(space, name)]
    if "grouped" in kinds:
        for mixer in _grouped(space, d):
            yield mixer, None
            if "window" in betweens:
                yield from ((mixer, mixer._replace(window=w)) for w in windows)
            yield from ((mixer, part) for _, part in linear)
    if "latent" in kinds:
        for mixer in _latent(space):
            yield mixer, None
            yield from ((mixer, part) for name, part in linear if name == "gated-deltanet")


def _bites(tables: Tables, window: int) -> bool:
    """Whether a window is shorter than the longest of the contexts."""
    trained = tables.get("training", {}).get("sequence_length", 4096)
    served = tables.get("serving", {}).get("context_length", trained)
    return window < max(trained, served)


def _grouped(space: Tables, d: int) -> Iterator[Grouped]:
    if "heads" in space and "head_dim" in space:
        pairs = list(itertools.product(menu(space["heads"]), menu(space["head_dim"])))
    elif "heads" in space:
        pairs = [(h, d // h) for h in menu(space["heads"]) if d % h == 0]
    else:
        pairs = [(d // k, k) for k in menu(space.get("head_dim", 128)) if d % k == 0]
    for heads, head_dim in pairs:
        # An eighth, a quarter or all of the heads, if the file says nothing.
        kv = [heads / n for n in (8, 4, 1)]
        kv = [int(n) for n in kv if n.is_integer()]
        if "kv_heads" in space:
            kv = [k for k in menu(space["kv_heads"]) if heads % k == 0]
        elif "kv_group" in space:
            kv = [heads // g for g in menu(space["kv_group"]) if heads % g == 0]
        yield from (Grouped(heads, k, head_dim) for k in kv)


def _latent(space: Tables) -> Iterator[Latent]:
    table = space["latent"]
    menus = [menu(table["heads"]), *(menu(table.get(name, LATENT[name])) for name in LATENT)]
    yield from itertools.starmap(Latent, itertools.product(*menus))


def _linear(space: Tables, name: str) -> Iterator[Any]:
    kind, defaults = BETWEEN[name]
    table = space.get("linear", {})
    for part in itertools.product(*(menu(table.get(k, v)) for k, v in defaults.items())):
        found = kind(*part)
        shared, of = (found.key_heads, found.value_heads) if kind is DeltaNet else (found.groups, found.heads)  # fmt: skip
        if of % shared == 0:
            yield found


def _widths(d: int, ratios: list[Any], multiples: Any) -> list[int]:
    """Ratios times d_model to the nearest multiple, ties up; without zeros."""
    found = [
        int(exact(ratio) * d / multiple + Fraction(1, 2)) * multiple
        for ratio in ratios
        for multiple in menu(multiples)
    ]
    return [width for width in found if width]


def _feeds(space: Tables, d: int) -> Iterator[tuple[Dense | None, Experts | None, int]]:
    """Triples of a dense feed-forward, experts, and how many layers in front are dense."""
    if "d_ff" in space:
        widths = menu(space["d_ff"])
    else:
        ratios = menu(space.get("ffn_ratio", Fraction(8, 3)))
        widths = _widths(d, ratios, space.get("ffn_multiple", 256))
    dense = [Dense(width) for width in widths]
    table = space.get("experts")
    routes = [0] if table is None else menu(table["routed"])
    if 0 in routes:
        yield from ((one, None, 0) for one in dense)
    if table is None:
        return
    if "d_ff" in table:
        expert_widths = menu(table["d_ff"])
    else:
        ratios = [2 / exact(g) for g in menu(table["granularity"])]
        expert_widths = _widths(d, ratios, table.get("ffn_multiple", 64))
    for routed, active, width, shared, first in itertools.product(
        routes, menu(table["active"]), expert_widths, menu(table.get("shared", 0)),
        menu(table.get("dense_layers", 0)),
    ):  # fmt: skip
        if routed and active <= routed:
            experts = Experts(routed, active, width, shared)
            yield from ((one, experts, first) for one in (dense if first else [None]))


def _aspect(rule: Any, d: int, layers: int) -> bool:
    if rule is None:
        return True
    ratio = Fraction(d, layers)
    if isinstance(rule, dict):
        high = rule.get("max")
        return exact(rule.get("min", 0)) <= ratio and (high is None or ratio <= exact(high))
    return ratio in [exact(r) for r in menu(rule)]
