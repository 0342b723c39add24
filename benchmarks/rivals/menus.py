"""The menus of a problem, and the width options that indices into them stand for.

Read from the plain tables of a file, for the rivals that only evaluate designs: nothing of
`modelsizer.problems.space` is used, so that agreement is evidence. Grouped and latent attention,
windows between full layers, and experts are supported; linear layers are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rivals.answer import Skipped

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

GROUPED, LATENT = 0, 1
DEFAULT_FFN_MULTIPLE, DEFAULT_EXPERT_MULTIPLE = 256, 64
DEFAULT_RATIO = 8 / 3
DEFAULT_HEAD_DIM = 128
DEFAULT_D_MODEL_STEP = 128
LATENT_DEFAULTS = {
    "kv_lora_rank": 512, "q_lora_rank": 1536, "rope_dim": 64, "nope_dim": 128, "value_dim": 128,
}  # fmt: skip
EXPERT_MENUS = ("active", "expert_ffn", "shared", "dense_layers")
LATENT_MENUS = ("latent_heads", *LATENT_DEFAULTS)
MENUS = (
    "d_model", "head", "kv", "ffn", "vocab_size", "tied", "attention", *LATENT_MENUS,
    "full_every", "window", "routed", *EXPERT_MENUS, "layers",
)  # fmt: skip
"""Menus that a design's indices refer to, in this order."""
UNKNOWN = ("heads_times", "full_layers", "linear")


@dataclass(frozen=True, slots=True)
class Widths:
    """Width options, arrays of one shape; 0 where an option has none of a width.

    Parameters
    ----------
    exists : array of bool
        Whether divisibility and the other rules are satisfied.
    first : array of bool
        Whether no smaller indices stand for the same option.
    """

    d_model: Ints
    heads: Ints
    kv_heads: Ints
    head_dim: Ints
    d_ff: Ints
    vocab_size: Ints
    tied: Ints
    kv_lora_rank: Ints
    q_lora_rank: Ints
    rope_dim: Ints
    nope_dim: Ints
    value_dim: Ints
    full_every: Ints
    window: Ints
    routed: Ints
    active: Ints
    expert_d_ff: Ints
    shared: Ints
    dense_layers: Ints
    exists: Mask
    first: Mask

    def __len__(self) -> int:
        return len(self.d_model)

    def take(self, rows: Any) -> Widths:
        """Return the options at the given rows."""
        return Widths(*(getattr(self, name)[rows] for name in Widths.__slots__))

    @property
    def latent(self) -> Mask:
        """Whether attention is latent."""
        return self.kv_lora_rank > 0


def values(choice: Any, step: float = 1) -> NDArray[Any]:
    """The entries of a menu: of a number, a list, or a table of min, max and step."""
    if isinstance(choice, Mapping):
        step = choice.get("step", step)
        count = int((choice["max"] - choice["min"]) / step + 1e-9) + 1
        return choice["min"] + step * np.arange(count)
    return np.array(choice if isinstance(choice, list | tuple) else [choice])


def _pairs(scales: Any, multiples: Any) -> Floats:
    return np.array([(float(s), float(m)) for s in values(scales) for m in values(multiples)])


def _rounded(value: Floats, multiple: Floats) -> Ints:
    """Nearest multiple, ties up."""
    return (np.floor(value / multiple + 0.5) * multiple).astype(np.int64)


class Menus:
    """Menus of a space.

    Parameters
    ----------
    space : mapping
        ``[space]`` of a problem file.
    longest : int
        The longer of the training sequence and the serving context, in tokens.
    ways : int
        Tensor parallelism of serving.

    Raises
    ------
    Skipped
        If the space has something unsupported.
    """

    def __init__(self, space: Mapping[str, Any], longest: int, ways: int = 1) -> None:
        if space.get("block", "llama") not in ("llama", ["llama"]):
            raise Skipped("blocks other than llama are not written here")
        if ("heads" in space and "head_dim" in space) or "full_layers" in space:
            raise Skipped("its menus of heads or of full layers are not written here")
        between = values(space.get("between", "window"))
        if "linear" in space or set(between.tolist()) != {"window"}:
            raise Skipped("linear layers are not written here")
        latent, experts = space.get("latent", {}), space.get("experts", {})
        kinds = values(space.get("attention", "grouped")).tolist()
        self._longest, self._ways = longest, ways
        self._by_heads, self._grouped = "heads" in space, "kv_group" in space
        self._dense_rounded, self._expert_rounded = "d_ff" not in space, "d_ff" not in experts
        kv = space.get("kv_group" if self._grouped else "kv_heads")
        self._own_kv = kv is None
        self.of: dict[str, NDArray[Any]] = {
            "d_model": values(space["d_model"], DEFAULT_D_MODEL_STEP),
            "head": values(space.get("heads", space.get("head_dim", DEFAULT_HEAD_DIM))),
            "kv": values(1 if kv is None else kv),
            "ffn": _pairs(
                space.get("ffn_ratio", DEFAULT_RATIO),
                space.get("ffn_multiple", DEFAULT_FFN_MULTIPLE),
            )
            if self._dense_rounded
            else values(space["d_ff"]),
            "vocab_size": values(space["vocab_size"]),
            "tied": np.unique(values(space.get("tied_embeddings", False)).astype(np.int64)),
            "attention": np.array([LATENT if kind == "latent" else GROUPED for kind in kinds]),
            "latent_heads": values(latent.get("heads", 1)),
            **{name: values(latent.get(name, is_)) for name, is_ in LATENT_DEFAULTS.items()},
            "full_every": values(space.get("full_every", 1)),
            "window": values(space.get("window", 0)),
            "routed": values(experts.get("routed", 0)),
            "active": values(experts.get("active", 0)),
            "expert_ffn": _pairs(
                experts.get("granularity", 1), experts.get("ffn_multiple", DEFAULT_EXPERT_MULTIPLE)
            )
            if self._expert_rounded
            else values(experts["d_ff"]),
            "shared": values(experts.get("shared", 0)),
            "dense_layers": values(experts.get("dense_layers", 0)),
            "layers": values(space["layers"]),
        }

    @property
    def layers(self) -> Ints:
        """Depths of the menu."""
        return self.of["layers"]

    @property
    def sizes(self) -> Ints:
        """Lengths of the menus, in the order of `MENUS`."""
        return np.array([len(self.of[name]) for name in MENUS])

    def mesh(self, at_once: int = 50_000) -> Any:
        """Yield every width option that exists, once, in parts."""
        sizes = self.sizes[:-1]
        total = int(np.prod(sizes))
        for begin in range(0, total, at_once):
            flat = np.arange(begin, min(begin + at_once, total))
            widths = self.widths(list(np.unravel_index(flat, sizes)))
            yield widths.take(np.flatnonzero(widths.exists & widths.first))

    def widths(self, index: list[Ints]) -> Widths:
        """Width options at indices into all menus except the depth's.

        Menus that an option does not use are ignored.
        """
        at = dict(zip(MENUS[:-1], index, strict=True))
        get = {name: self.of[name][i] for name, i in at.items()}
        d_model, n, routed = get["d_model"], get["full_every"], get["routed"]
        latent, mixed, experts = get["attention"] == LATENT, n > 1, routed > 0
        dense_ffn = ~experts | (get["dense_layers"] > 0)
        unused = {
            **dict.fromkeys(("head", "kv"), latent),
            **dict.fromkeys(LATENT_MENUS, ~latent),
            **dict.fromkeys(EXPERT_MENUS, ~experts),
            "window": ~mixed,
            "ffn": ~dense_ffn,
        }
        first = np.ones(d_model.shape, dtype=bool)
        for name, none in unused.items():
            first &= ~(none & (at[name] > 0))
        exists = ~(mixed & (latent | (get["window"] == 0) | (get["window"] >= self._longest)))
        exists &= ~(experts & (get["active"] > routed))
        heads, kv_heads, head_dim, divide = self._heads(get, d_model)
        exists &= latent | divide
        heads = np.where(latent, get["latent_heads"], heads)
        d_ff, e_ff = get["ffn"], get["expert_ffn"]
        if self._dense_rounded:
            d_ff = _rounded(d_ff[..., 0] * d_model, d_ff[..., 1])
        if self._expert_rounded:
            e_ff = _rounded(2 * d_model / e_ff[..., 0], e_ff[..., 1])
        exists &= ~(dense_ffn & (d_ff <= 0)) & ~(experts & (e_ff <= 0))
        ways = self._ways
        if ways > 1:
            exists &= (heads % ways == 0) & (get["vocab_size"] % ways == 0)
            exists &= latent | (kv_heads % ways == 0) | (ways % kv_heads == 0)
            exists &= (~dense_ffn | (d_ff % ways == 0)) & (~experts | (e_ff % ways == 0))

        def where(mask: Mask, value: NDArray[Any]) -> Ints:
            return np.where(mask, value, 0).astype(np.int64)

        return Widths(
            d_model, heads, where(~latent, kv_heads), where(~latent, head_dim),
            where(dense_ffn, d_ff), get["vocab_size"], get["tied"],
            *(where(latent, get[name]) for name in LATENT_DEFAULTS),
            n, where(mixed, get["window"]), routed, where(experts, get["active"]),
            where(experts, e_ff), where(experts, get["shared"]),
            where(experts, get["dense_layers"]), exists, first,
        )  # fmt: skip

    def _heads(self, get: dict[str, Any], d_model: Ints) -> tuple[Ints, Ints, Ints, Mask]:
        """Heads, kv heads and width of a head of grouped attention, and whether they divide."""
        head_dim = get["head"]
        exists = d_model % head_dim == 0
        heads = d_model // head_dim
        if self._by_heads:
            heads, head_dim = head_dim, heads
        if self._own_kv:
            return heads, heads, head_dim, exists
        divisor = get["kv"]
        exists = exists & (heads % divisor == 0)
        kv_heads = np.maximum(heads // divisor, 1) if self._grouped else divisor
        return heads, kv_heads, head_dim, exists
