"""What of an answer differs from the oracle's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tests.support.layers_oracle.search import Oracle, Point
from tests.support.layers_oracle.space import (
    LATENT,
    DeltaNet,
    Dense,
    Design,
    Experts,
    Grouped,
    Latent,
    Mamba2,
)
from tests.support.layers_oracle.tables import Tables

CLOSE = 1e-9


def architecture(a: Design) -> Tables:
    """The keys of `architecture` in an answer; None where they do not apply."""
    experts, delta, mamba = a.first(Experts), a.first(DeltaNet), a.first(Mamba2)
    latent, grouped, dense = a.first(Latent), a.first(Grouped), a.first(Dense)
    between = "gated-deltanet" if delta else "mamba2" if mamba else "window" if a.window else None
    found: Tables = {
        "layers": a.layers,
        "d_model": a.d_model,
        "vocab_size": a.vocab_size,
        "tied_embeddings": a.tied,
        "attention": "latent" if latent else "grouped",
        "heads": (latent or grouped).heads,
        "kv_heads": grouped and grouped.kv_heads,
        "head_dim": grouped and grouped.head_dim,
        "d_ff": dense and dense.d_ff,
        "full_layers": a.full,
        "between": between,
        "window": a.window or None,
        "routed_experts": experts and experts.routed,
        "active_experts": experts and experts.active,
        "expert_d_ff": experts and experts.d_ff,
        "shared_experts": experts and experts.shared,
        "dense_layers": a.dense_layers if experts else None,
    }
    found |= {name: latent and getattr(latent, name) for name in LATENT}
    for part in (delta, mamba):
        if part is not None:
            found |= {f"linear_{name}": value for name, value in part._asdict().items()}
    return found


_KINDS = {Latent: "latent", DeltaNet: "gated-deltanet", Mamba2: "mamba2", Dense: "dense",
          Experts: "experts"}  # fmt: skip


def groups(a: Design) -> list[tuple[int, str, str]]:
    """Number of layers of each kind, and the names of its mixer and feed-forward."""
    found = []
    for count, mixer, ffn in a.groups:
        heads = "sliding" if getattr(mixer, "window", 0) else "full"
        found.append((count, _KINDS.get(type(mixer), heads), _KINDS[type(ffn)]))
    return sorted(found)


def _groups(shown: list[Tables]) -> list[tuple[int, str, str]]:
    return sorted((g["count"], g["attention"]["kind"], g["ffn"]["kind"]) for g in shown)


def _same(told: Any, want: float, room: float = CLOSE) -> bool:
    if not isinstance(told, int | float):
        return False
    return told == want or math.isclose(told, want, rel_tol=room, abs_tol=room)


def figures(point: Point, oracle: Oracle, told: Tables) -> Iterator[str]:
    """Differences of a told design and its figures from a point."""
    want = architecture(point.design)
    shown = told["architecture"]
    for name, value in want.items():
        if shown.get(name) != value:
            yield f"architecture.{name} is {shown.get(name)}, not {value}"
    if "groups" in shown and _groups(shown["groups"]) != groups(point.design):
        yield f"groups {_groups(shown['groups'])}, not {groups(point.design)}"
    row = oracle.row(point)
    for name, value in row["parameters"].items():
        if told["parameters"].get(name) != value:
            yield f"parameters.{name} is {told['parameters'].get(name)}, not {value}"
    for name in ("loss", "tokens"):
        if not _same(told[name], row[name], CLOSE if name == "loss" else 1e-7):
            yield f"{name} is {told[name]}, not {row[name]}"


def quality(point: Point, oracle: Oracle, told: Tables) -> Iterator[str]:
    """Differences of `choices` and `loss_band`."""
    row = oracle.row(point)
    for name, want in row["choices"].items():
        shown = told.get("choices", {}).get(name)
        if shown is None or any(not _same(shown.get(end), value) for end, value in want.items()):
            yield f"choices.{name} is {shown}, not {want}"
    for end, value in row["loss_band"].items():
        if not _same(told.get("loss_band", {}).get(end), value):
            yield f"loss_band.{end} is {told.get('loss_band')}, not {value}"


def answer(oracle: Oracle, told: Tables) -> list[str]:
    """Differences of the answer of `solve`, as its JSON has it."""
    sure = [point for point in oracle.points if not point.close]
    if not oracle.points:
        return [] if told["status"] == "infeasible" else [f"{told['status']}, but nothing fits"]
    if told["status"] != "optimal":
        return [f"{told['status']} of {len(sure)} feasible designs"] if sure else []
    best = oracle.points[0]
    value = told["objective"]["value"]
    found = []
    if not _same(value, best.objective):
        found.append(f"objective {value}, not {best.objective}")
    return found + list(figures(best, oracle, told)) + list(quality(best, oracle, told))


def ranking(oracle: Oracle, told: Tables, top: int = 5) -> list[str]:
    """Differences of the answer of `rank`."""
    found = []
    if told["designs"] != len(oracle.designs):
        found.append(f"{told['designs']} designs, not {len(oracle.designs)}")
    close = len(oracle.close)
    if not len(oracle.points) - close <= told["feasible"] <= len(oracle.points):
        found.append(f"{told['feasible']} feasible, not {len(oracle.points)}")
    if close:
        return found
    for i, (point, row) in enumerate(zip(oracle.points[:top], told["rows"], strict=False), 1):
        found += [f"rank {i}: {text}" for text in figures(point, oracle, row)]
    return found
