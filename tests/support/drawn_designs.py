"""Random designs of every kind of layer, with the norms, biases and gates of their block.

``python -m tests.support.drawn_designs [--number N] [--first SEED]`` exports each to hf, builds the
library's model of the file and prints how many counts are equal and what was refused.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.configs.exports.export import to_huggingface
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.structures import BETWEEN, Structure, order_of

WIDTHS = {
    "d_model": 64, "vocab_size": 1000, "tied_embeddings": True, "heads": 4, "kv_heads": 4,
    "head_dim": 16, "d_ff": 256, "window": 8, "kv_lora_rank": 32, "q_lora_rank": 24, "rope_dim": 16,
    "nope_dim": 24, "value_dim": 16, "routed_experts": 8, "active_experts": 2, "expert_d_ff": 24,
    "shared_experts": 0, "linear_key_heads": 2, "linear_value_heads": 4, "linear_key_dim": 8,
    "linear_value_dim": 16, "linear_heads": 8, "linear_head_dim": 16, "linear_state": 8,
    "linear_groups": 2, "linear_conv": 4,
}  # fmt: skip


def built(
    structure: Structure, layers: int = 3, full_every: int = 2, dense_layers: int = 1,
    positions: int = 32, **widths: Any,
) -> Architecture:  # fmt: skip
    """A design of a structure; widths that are not given are those of `WIDTHS`."""
    trunk, kinds = structure.parts(WIDTHS | widths, positions)
    every = full_every if structure.between else 1
    dense = dense_layers if structure.dense and structure.experts else layers
    full, both = layers // every, dense // every
    if not structure.dense:
        dense = both = 0
    counts = structure.counts(layers, full, dense, both)
    groups = tuple(LayerGroup(kind, n) for kind, n in zip(kinds, counts, strict=True) if n)
    return Architecture(trunk, groups, structure.block, order_of(structure, counts, (every,)))


def design(seed: int) -> Architecture:
    """A random design; the same for the same seed."""
    r = random.Random(seed)
    d = r.choice([32, 48, 64])
    kv_heads = r.choice([1, 2, 4])
    heads, head_dim = kv_heads * r.choice([1, 2]), r.choice([8, 16])
    if r.random() < 0.5:
        heads, kv_heads, head_dim = d // 16, r.choice([1, d // 16]), 16
    attention = r.choice(["grouped", "grouped", "grouped", "latent"])
    others = ["", "", "gated-deltanet"] if attention == "latent" else ["", *BETWEEN]
    layers = r.randint(2, 9)
    experts = r.random() < 0.6
    dense = r.choice([0, 0, 1, 2]) if experts else layers
    structure = Structure(
        r.choice(sorted(BLOCKS)), attention, r.choice(others), dense > 0, experts and dense < layers
    )
    return built(
        structure,
        layers,
        min(layers, r.choice([2, 3, 4])),
        dense,
        d_model=d,
        vocab_size=r.choice([97, 128]),
        tied_embeddings=r.random() < 0.5,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        d_ff=r.choice([64, 96, 160]),
        window=r.choice([4, 8]),
        kv_lora_rank=r.choice([16, 32]),
        q_lora_rank=r.choice([0, 24]),
        rope_dim=r.choice([8, 16]),
        nope_dim=r.choice([16, 24]),
        value_dim=r.choice([16, 32]),
        routed_experts=r.choice([4, 8]),
        active_experts=r.choice([1, 2]),
        expert_d_ff=r.choice([16, 24]),
        shared_experts=r.choice([0, 0, 1, 2]),
        linear_key_heads=r.choice([1, 2]),
        linear_value_heads=r.choice([2, 4]),
        linear_value_dim=r.choice([8, 16]),
        linear_heads=r.choice([1, 2]) * d // 8,
        linear_head_dim=r.choice([8, 8, 16]),
        linear_groups=r.choice([1, 2]),
    )


COMPONENTS = ("total", "active", "embedding", "lm_head", "attention", "ffn", "norm", "experts")


@dataclass
class Found:
    """What came of exporting designs to hf and building the library's models of the files."""

    equal: int = 0
    types: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def compare(first: int, number: int) -> Found:
    """Export the designs of some seeds, and hold their counts to the library's."""
    from tests.support.library.counting import count_config

    found = Found()
    for seed in range(first, first + number):
        drawn = design(seed)
        try:
            config = to_huggingface(drawn)
        except ConfigError as error:
            found.refused[f"{drawn.block}: {error}"] += 1
            continue
        found.types[config["model_type"]] += 1
        ours = count_parameters(drawn)
        try:
            theirs = count_config(config)
        except Exception as error:
            found.wrong.append(f"{seed}: {type(error).__name__} {error} {json.dumps(config)}")
            continue
        pairs = {name: (getattr(ours, name), getattr(theirs, name)) for name in COMPONENTS}
        apart = {
            name: pair for name, pair in pairs.items() if None not in pair and len({*pair}) > 1
        }
        if apart:
            found.wrong.append(f"{seed}: {apart} (ours, library's) {json.dumps(config)}")
        else:
            found.equal += 1
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=1700)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--refused", action="store_true", help="list what was refused")
    given = parser.parse_args()
    found = compare(given.first, given.number)
    print("\n".join(found.wrong))
    print(f"{found.equal} equal, {len(found.wrong)} wrong, {found.refused.total()} refused")
    print(dict(found.types.most_common()))
    if given.refused:
        print("\n".join(f"{n} {words}" for words, n in found.refused.most_common()))


if __name__ == "__main__":
    main()
