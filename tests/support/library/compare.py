"""Hold the readers of types against the library.

``python -m tests.support.library.compare TYPE... [--number N] [--first SEED]`` draws random
configurations and prints, for each type, how many were tried and are equal by component, the
first difference, and the slowest count. ``--defaults`` prints the defaults of
a type's configuration class that may change a size, ``--names`` the parameters of a small model, ``--store`` rows of stored counts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.compressed_attention import BlockIndexer, Compressor
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.mixers import Several
from modelsizer.problems.designs.description import describe
from tests.support.library.counting import (
    COMPONENTS,
    Counted,
    count_config,
    library_config,
    parameter_names,
)
from tests.support.library.drawing import UndrawableError, random_config, size_defaults
from tests.support.library.recurrences import eager_difference
from tests.support.library.running import LONG, cache_layers, forward_flops

FIGURES = (*COMPONENTS, "total", "active")


def differences(found: Any, want: Counted) -> dict[str, tuple[int, int]]:
    """Components in which our count differs: ours and the library's."""
    return {
        name: (int(getattr(found, name)), int(getattr(want, name)))
        for name in FIGURES
        if getattr(want, name) is not None and getattr(found, name) != getattr(want, name)
    }


def windows(architecture: Architecture) -> dict[int, int]:
    """Layers by how many of many tokens their cache holds, as `cache_layers` of the library."""
    found: dict[int, int] = {}
    for group in architecture.groups:
        mixer = group.layer.attention
        # The library has a cache for each of two mixers one after another.
        parts = mixer.parts if isinstance(mixer, Several) else (mixer,)
        # It keeps compressed keys and those of an indexer with the attention's.
        parts = tuple(p for p in parts if not isinstance(p, Compressor | BlockIndexer))
        caching = [part for part in parts if part.kv_values()]
        for part in caching or parts[:1]:
            held = part.visible(LONG) if part.kv_values() else 0
            found[held] = found.get(held, 0) + group.count
    return found


@dataclass
class Result:
    """What came of the random configurations of a type."""

    kind: str
    tried: int = 0
    equal: int = 0
    caches: int = 0
    caches_tried: int = 0
    flops: int = 0
    flops_tried: int = 0
    slowest: float = 0.0
    first: str = ""

    def note(self, words: str) -> None:
        """Keep the first difference, and before it those that matter more."""
        order = ("FLOPs", "cache", "")
        rank = [
            next(i for i, start in enumerate(order) if text.startswith(start))
            for text in (words, self.first)
        ]
        if not self.first or rank[0] > rank[1]:
            self.first = words


def _compare_runs(result: Result, config: Mapping[str, Any], ours: Architecture) -> None:
    """Compare caches, and FLOPs where the model is small."""
    try:
        want = dict(cache_layers(config))
    except (TypeError, AttributeError):  # layers that slide over no window
        return
    if 0 in want and not any(group.layer.attention.kv_values() == 0 for group in ours.groups):
        return  # a window of 0, which no model has
    result.caches_tried += 1
    if windows(ours) == want:
        result.caches += 1
    else:
        result.note(f"cache: {windows(ours)}, library {want}: {json.dumps(config)}")
    found = describe(ours, batch=2, sequence=24)
    if found.parameters.total < 3e6:
        try:
            flops = forward_flops(config)
        except Exception as error:
            result.note(f"FLOPs: {type(error).__name__} {str(error)[:100]}")
            return
        result.flops_tried += 1
        flops -= eager_difference(ours, library_config(config), 2, 24)
        if flops == found.forward_flops:
            result.flops += 1
        else:
            result.note(f"FLOPs: {found.forward_flops}, library {flops}: {json.dumps(config)}")


def compare(kind: str, number: int, first: int = 0, *, run: bool = True) -> Result:
    """Draw configurations of a type and compare them."""
    result = Result(kind)
    for seed in range(first, first + number):
        try:
            config = random_config(kind, seed)
        except UndrawableError as error:
            result.note(f"not drawn: {error}")
            continue
        result.tried += 1
        start = time.perf_counter()
        try:
            architecture = read_config(config)
            found = count_parameters(architecture)
        except ConfigError as error:
            result.note(f"refused: {error}: {json.dumps(config)}")
            continue
        result.slowest = max(result.slowest, time.perf_counter() - start)
        differ = differences(found, count_config(config))
        if differ:
            result.note(f"seed {seed}: {differ} (ours, library's): {json.dumps(config)}")
        else:
            result.equal += 1
            if run:
                _compare_runs(result, config, architecture)
    return result


def stored(kind: str, number: int) -> list[str]:
    """Rows of stored counts of a type."""
    rows = []
    for seed in range(number):
        config = random_config(kind, 1000 + seed)
        rows.append(json.dumps({"config": config, "parameters": count_config(config).to_dict()}))
    return rows


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="+", metavar="TYPE")
    parser.add_argument("--number", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--no-run", action="store_true", help="no caches and FLOPs")
    parser.add_argument("--defaults", action="store_true")
    parser.add_argument("--names", action="store_true")
    parser.add_argument("--store", action="store_true")
    given = parser.parse_args()
    for kind in given.kinds:
        if given.defaults:
            print(kind, json.dumps(size_defaults(kind), default=str))
        elif given.names:
            config = random_config(kind, given.first)
            print(json.dumps(config))
            for (component, name, shape), many in parameter_names(config).items():
                print(f"  {component:9s} {many:3d} x {name} {shape}")
        elif given.store:
            print("\n".join(stored(kind, given.number)))
        else:
            found = compare(kind, given.number, given.first, run=not given.no_run)
            print(
                f"{kind:20s} tried {found.tried:3d} equal {found.equal:3d}  caches "
                f"{found.caches}/{found.caches_tried}  FLOPs {found.flops}/{found.flops_tried}  "
                f"slowest {found.slowest * 1e3:.1f} ms  {found.first}",
                flush=True,
            )


if __name__ == "__main__":
    main()
