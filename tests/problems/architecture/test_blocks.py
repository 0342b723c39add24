"""Blocks: their layers are those of published models of their family."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import BY_NAME
from modelsizer.problems.architecture.configs.exports.export import to_huggingface
from modelsizer.problems.architecture.configs.exports.writing import separate
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.models import models
from modelsizer.problems.architecture.structures import Structure, counts_of, order_of, structure_of
from tests.support.shared import ROOT

REFERENCE = ROOT / "tests" / "reference"
BLOCK_OF = {
    "llama": "llama", "mixtral": "llama", "qwen2": "qwen2", "qwen2_moe": "qwen2", "qwen3": "qwen3",
    "qwen3_moe": "qwen3-moe", "qwen3_next": "qwen3-next", "deepseek_v2": "deepseek",
    "deepseek_v3": "deepseek", "gpt_oss": "gpt-oss", "gemma2": "gemma2", "gemma3_text": "gemma3",
    "olmo2": "olmo2", "olmo3": "olmo3", "gpt2": "gpt2", "gpt_neox": "gpt-neox",
}  # fmt: skip
BIASED = ("granite-3b-code", "granite-8b-code")  # of type llama, with biases that no block has
PUBLISHED = [
    name
    for name, model in models().items()
    if model.config["model_type"] in BLOCK_OF and name not in BIASED
]
HYBRIDS = ("nemotron-h-8b", "nemotron-h-56b", "nemotron-3-nano-30b-a3b")


def test_every_block_has_published_models() -> None:
    found = {BLOCK_OF[models()[name].config["model_type"]] for name in PUBLISHED}
    assert found | {"nemotron-h"} == set(BLOCKS)
    assert {"deepseek-v3", "qwen3-30b-a3b", "qwen3-235b-a22b", "gpt-oss-20b", "gpt-oss-120b",
            "qwen3-next-80b-a3b"} <= set(PUBLISHED)  # fmt: skip


def of_block(published: Architecture, block: str) -> Architecture:
    """The design of a block that has a model's widths and numbers of layers."""
    structure = replace(structure_of(published), block=block)
    widths = {key: BY_NAME[key].of(published) for key in structure.widths}
    trunk, kinds = structure.parts(widths, published.trunk.positions)
    counts = counts_of(structure, published)
    groups = tuple(LayerGroup(kind, n) for kind, n in zip(kinds, counts, strict=True) if n)
    return Architecture(trunk, groups, block, order_of(structure, counts))


@pytest.mark.parametrize("name", PUBLISHED)
def test_layers_of_published_models(name: str) -> None:
    model = models()[name]
    published = model.architecture
    built = of_block(published, BLOCK_OF[model.config["model_type"]])
    assert built.trunk == published.trunk
    assert Counter(built.stack()) == Counter(published.stack())
    assert count_parameters(built) == count_parameters(published) == model.parameters
    # Published stacks may begin with a full layer, or end with one; designs end their periods.
    exported = to_huggingface(built)
    others = {"deepseek_v2": "deepseek_v3"}
    kind = model.config["model_type"]
    assert exported["model_type"] == others.get(kind, kind)


ROWS = [
    row
    for row in map(json.loads, (REFERENCE / "published_configs.jsonl").read_text().splitlines())
    if row["config"]["model_type"] in BLOCK_OF
]


def test_layers_of_published_configurations() -> None:
    tried = 0
    for row in ROWS:
        published = read_config(row["config"])
        if not BY_NAME["full_layers"].of(published):  # a design has one
            continue
        tried += 1
        built = of_block(published, BLOCK_OF[row["config"]["model_type"]])
        found = count_parameters(built)
        for component, count in row["parameters"].items():
            assert getattr(found, component) == count, (row["source"], component)
    assert tried >= 20


@pytest.mark.parametrize("name", HYBRIDS)
def test_layers_of_published_hybrids(name: str) -> None:
    """Each layer of Nemotron-H is half of one here: a mixer or a feed-forward, with one norm."""
    published = models()[name].architecture
    experts = bool(BY_NAME["routed_experts"].of(published))
    structure = Structure("nemotron-h", "grouped", "mamba2", not experts, experts)
    widths = {key: BY_NAME[key].of(published) for key in structure.widths}
    if not experts:
        widths["d_ff"] = next(g.layer.ffn.d_ff for g in published.groups if g.layer.ffn.d_ff)
    trunk, kinds = structure.parts(widths, 0)
    halves: set[Layer] = set(separate(kinds))
    assert trunk == published.trunk
    assert halves == {group.layer for group in published.groups}


PATTERNS = {
    "gemma-2-9b": "gemma2", "gemma-3-27b": "gemma3", "gpt-oss-120b": "gpt-oss",
    "qwen3-next-80b-a3b": "qwen3-next", "olmo3-32b": "olmo3",
}  # fmt: skip


@pytest.mark.parametrize("name", PATTERNS)
def test_published_patterns(name: str) -> None:
    published, block = models()[name].architecture, BLOCKS[PATTERNS[name]]
    structure = structure_of(published)
    assert structure.between == block.others
    assert BY_NAME["window"].of(published) == block.window
    layers, full = published.layers, int(BY_NAME["full_layers"].of(published))
    assert full == layers // block.full_every


def test_patterns_are_whole() -> None:
    for block in BLOCKS.values():
        assert (block.window > 0) == (block.full_every > 1 and block.others == "window")
        assert block.others in ("window", "gated-deltanet", "mamba2")
        assert block.attention in ("grouped", "latent")
