"""Every design that differs from an answer in the values of at most two menus, in plain NumPy.

An answer of a space that is too large to enumerate is checked against the sub-spaces around it,
which are enumerated by `benchmarks.rivals.counts`: none may hold a feasible design that is better.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.rivals.counts import Counts
from benchmarks.rivals.menus import LATENT_DEFAULTS, LATENT_MENUS, MENUS, Ints, Widths

AT_ONCE = 100_000  # designs
PLAIN = {
    "d_model": "d_model", "vocab_size": "vocab_size", "window": "window", "d_ff": "d_ff",
    "routed_experts": "routed", "active_experts": "active", "expert_d_ff": "expert_d_ff",
    "shared_experts": "shared", "dense_layers": "dense_layers", "kv_heads": "kv_heads",
    "head_dim": "head_dim", "heads": "heads",
    **{name: name for name in LATENT_DEFAULTS},
}  # fmt: skip
"""Columns of `Widths` by the keys of an architecture in JSON."""
OWN = {
    "d_model": ("d_model",), "head": ("heads", "head_dim"), "kv": ("kv_heads",),
    "ffn": ("d_ff",), "vocab_size": ("vocab_size",), "window": ("window",), "routed": ("routed",),
    "active": ("active",), "expert_ffn": ("expert_d_ff",), "shared": ("shared",),
    "dense_layers": ("dense_layers",), "latent_heads": ("heads",),
    **{name: (name,) for name in LATENT_DEFAULTS},
}  # fmt: skip
"""Columns that a menu decides, the others given."""


def index_of(counts: Counts, architecture: Mapping[str, Any]) -> Ints:
    """Indices into the menus of a design given as in JSON.

    Raises
    ------
    ValueError
        If no entry of a menu gives a value of the design.
    """
    wanted = {own: int(architecture.get(key) or 0) for key, own in PLAIN.items()}
    of, at = counts.menus.of, dict.fromkeys(MENUS, 0)
    layers, full = architecture["layers"], architecture["full_layers"]
    at["layers"] = _position("layers", of["layers"] == layers)
    tied = int(bool(architecture.get("tied_embeddings")))
    at["tied"] = _position("tied", of["tied"] == tied)
    latent = architecture.get("attention") == "latent"
    at["attention"] = _position("attention", of["attention"] == int(latent))
    dense = wanted["dense_layers"] if wanted["routed"] else layers
    both = sum(
        group["count"]
        for group in architecture.get("groups", ())
        if not group["attention"].get("window") and group["ffn"].get("kind") != "experts"
    )
    every = of["full_every"]
    fits = (layers // every == full) & ((every == 1) == (full == layers))
    if len(np.flatnonzero(fits)) > 1 and wanted["routed"] and "groups" in architecture:
        fits = fits & (dense // every == both)
    at["full_every"] = _position("full_every", fits)
    skipped = {"head", "kv"} if latent else set(LATENT_MENUS)
    for name in ("d_model", "routed", *(m for m in OWN if m not in ("d_model", "routed"))):
        if name in skipped:
            continue
        if name in ("active", "expert_ffn", "shared", "dense_layers") and not wanted["routed"]:
            continue
        if (name == "window" and full == layers) or (name == "ffn" and not wanted["d_ff"]):
            continue
        tried = [np.full(len(of[name]), at[menu]) for menu in MENUS[:-1]]
        tried[MENUS.index(name)] = np.arange(len(of[name]))
        found = counts.widths(tried)
        same = np.ones(len(of[name]), dtype=bool)
        for own in OWN[name]:
            same &= getattr(found, own) == wanted[own]
        at[name] = _position(name, same)
    return np.array([at[name] for name in MENUS])


def _position(name: str, fits: Any) -> int:
    where = np.flatnonzero(fits)
    if not len(where):
        raise ValueError(f"no entry of {name} gives the design")
    return int(where[0])


def best_near(counts: Counts, index: Ints, menus: int = 2) -> tuple[float, int]:
    """The least objective among feasible designs that differ in at most so many menus.

    Returns
    -------
    least : float
    looked_at : int
        Number of combinations of entries that were looked at.
    """
    free = [k for k, size in enumerate(counts.sizes) if size > 1]
    least, looked_at = np.inf, 0
    for some in itertools.combinations(free, min(menus, len(free))):
        shape = [int(counts.sizes[k]) for k in some]
        total = math.prod(shape)
        looked_at += total
        for begin in range(0, total, AT_ONCE):
            entries = np.unravel_index(np.arange(begin, min(begin + AT_ONCE, total)), shape)
            whole = [np.full(len(entries[0]), at) for at in index]
            for k, column in zip(some, entries, strict=True):
                whole[k] = column
            value = feasible_values(counts, counts.widths(whole[:-1]), counts.layers[whole[-1]])
            least = min(least, float(value.min()))
    return least, looked_at


def feasible_values(counts: Counts, widths: Widths, layers: Ints) -> Any:
    """Objectives of designs, infinite where infeasible."""
    value, excess = counts.evaluate(widths, layers)
    return np.where(excess > 0, np.inf, value)
