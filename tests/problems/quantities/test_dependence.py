"""Quantities depend only on the settings that they declare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.costs.text_rates import text_rates
from modelsizer.problems.quantities.auxiliary import AUXILIARY
from modelsizer.problems.quantities.batches import BATCH, at_batch, raised_by_batch
from modelsizer.problems.quantities.examples import structures
from modelsizer.problems.quantities.needs import affected_by, lacking, reads_of
from modelsizer.problems.quantities.quantity import (
    Candidate,
    Inverse,
    LargestBatch,
    OfFlops,
    Settings,
    values_of,
)
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.requirements.ceilings import ceilings
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.prices import NO_PRICES, Prices
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.tokenizer import Tokenizer
from modelsizer.problems.tables.training import Training

OWN = {
    "memory": "48 GB",
    "bandwidth": "1 TB/s",
    "bf16_flops": 2e14,
    "fp8_flops": 4e14,
    "link": "50 GB/s",
    "watts": 300,
}
TABLES: dict[str, Any] = {"training": Training, "serving": Serving, "lifetime": Lifetime}
OTHER: dict[str, dict[str, tuple[Any, ...]]] = {
    "training": {
        "accelerator": ("A100-SXM-80GB", "H200-SXM"),
        "custom_accelerator": (OWN,),
        "sequence_length": (2048, 16384),
        "flops": ("causal", "6ND"),
        "tokens": (1e12,),
        "unique_tokens": (1e12,),
        "accelerators": (64,),
        "data_parallel": ([1, 8],),
        "tensor_parallel": ([1, 2],),
        "pipeline_parallel": ([1, 2],),
        "expert_parallel": (2,),
        "expert_tensor_parallel": (1,),
        "expert_imbalance": (1.5,),
        "microbatch_size": (2,),
        "zero_stage": (0, 2, 3),
        "weight_bytes": (4,),
        "gradient_bytes": (4,),
        "optimizer_bytes": (8,),
        "activation_bytes": (1,),
        "recompute": ("selective", "half", "full", "none"),
        "logit_bytes": (0, 4),
        "flash_attention": (False, True),
        "sequence_parallel": (False, True),
        "dropout": (True, False),
        "fused_kernels": (False, True),
        "interleave": (2,),
        "precision": ("fp8",),
        "framework": ("torchtitan", "llm-foundry"),
        "mfu": (0.3,),
        "memory_reserve": ("1 GB",),
        "price_per_hour": (4.0,),
        "watts": (500,),
        "pue": (1.3,),
    },
    "serving": {
        "accelerator": ("A100-SXM-80GB", "H200-SXM"),
        "custom_accelerator": (OWN,),
        "accelerators": (8,),
        "tensor_parallel": (4, 8),
        "expert_parallel": (4,),
        "attention_data_parallel": (2,),
        "expert_imbalance": (1.5,),
        "expert_link": ("50 GB/s",),
        "latent_multiple": (96,),
        "speculation": ({"kind": "mtp", "length": 2, "acceptance": 0.8},),
        "batch_size": (5,),
        "context_length": (3000,),
        "prefix_reuse": (0.4,),
        "interference": (0.2,),
        "prompt_length": (700,),
        "prompts": (3,),
        "output_length": (300,),
        "weight_bytes": (1, {"ffn": 0.5}),
        "kv_bytes": (1,),
        "state_bytes": (4,),
        "weight_bits": (4, 16, {"attention": 4.25}),
        "kv_bits": (4, 8),
        "embedding_bits": (8,),
        "weight_block": (32,),
        "kv_block": (32,),
        "scale_bytes": (4,),
        "kv_policy": ("full",),
        "memory_utilization": (0.8,),
        "memory_reserve": ("1 GB",),
        "latency": ("low", "high"),
        "engine": ("llama.cpp", "none"),
        "compute": ("fp8",),
        "memory_efficiency": (0.4,),
        "prefill_efficiency": (0.4,),
        "overhead": ("1 ms",),
        "prefill": ({"accelerators": 8, "tensor_parallel": 4}, {"accelerator": "A100-SXM-80GB"}),
        "decode": ({"accelerators": 6}, {"accelerator": "A100-SXM-80GB"}),
        "pool_link": ("10 GB/s",),
    },
    "lifetime": {
        "inference_tokens": (3e12,),
        "prefill_share": (0.5,),
        "prefill_mfu": (0.4,),
        "decode_mfu": (0.02,),
        "price_per_hour": (3.5,),
        "throughput": ("step", "mfu"),
    },
}
"""Other valid values of every field."""
OF_THE_LAW = {"parameter_kind", "experts", "leverage_flops", "tokenizer"}
PRICED = Prices((("H100-SXM", 2.5), ("A100-80GB-SXM", 1.5)))
OF_THE_BUDGETS = {"ceilings", "requests"}

PLAIN: dict[str, dict[str, Any]] = {"training": {}, "serving": {}, "lifetime": {}}
TOLD: dict[str, dict[str, Any]] = {
    "training": {"accelerator": "H100-SXM", "price_per_hour": 2.5, "framework": "llm-foundry"},
    "serving": {
        "accelerator": "H100-SXM",
        "tensor_parallel": 2,
        "kv_bytes": 2,
        "output_length": 400,
    },
    "lifetime": {"inference_tokens": 1e12, "prefill_share": 0.8},
}
UNUSUAL: dict[str, dict[str, Any]] = {
    "training": {
        "custom_accelerator": OWN | {"bandwidth": "2 TB/s", "watts": 450},
        "price_per_hour": 2.5,
        "flash_attention": False,
        "dropout": True,
        "fused_kernels": False,
        "zero_stage": 3,
        "interleave": 4,
    },
    "serving": {
        "custom_accelerator": OWN | {"bandwidth": "2 TB/s", "fp8_flops": 9e14},
        "weight_bits": 8,
        "weight_block": 64,
        "kv_bits": 16,
        "kv_block": 64,
        "tensor_parallel": 4,
        "prompts": 2,
    },
    "lifetime": {"inference_tokens": 1e12, "prefill_share": 0.8, "price_per_hour": 2.0},
}
RECOMPUTED: dict[str, dict[str, Any]] = {
    "training": {
        "accelerator": "H100-SXM",
        "recompute": "full",
        "dropout": True,
        "watts": 650,
        "expert_parallel": 2,
    },
    "serving": {
        "accelerator": "H200-SXM",
        "weight_bits": 4,
        "kv_bits": 4,
        "prompt_length": 512,
        "output_length": 100,
        "tensor_parallel": 2,
        "expert_parallel": 4,
        "decode": {"accelerators": 8},
    },
    "lifetime": {"inference_tokens": 1e12, "prefill_share": 0.2, "price_per_hour": 2.0},
}
LISTED: dict[str, Any] = {
    "training": {"accelerator": "H100-SXM"},
    "serving": {"accelerator": "H100-SXM", "output_length": 200, "prompts": 2, "kv_bits": 4},
    "lifetime": {"inference_tokens": 1e12, "prefill_share": 0.8},
    "prices": PRICED,
}
POOLED: dict[str, Any] = LISTED | {
    "serving": LISTED["serving"]
    | {"tensor_parallel": 2, "prefill": {"accelerators": 4, "tensor_parallel": 1}}
}
del POOLED["serving"]["kv_bits"]
BASES = {"plain": PLAIN, "told": TOLD, "unusual": UNUSUAL, "recomputed": RECOMPUTED,
         "listed": LISTED, "pooled": POOLED}  # fmt: skip
BASES |= {
    f"{name} by steps": base | {"lifetime": base["lifetime"] | {"throughput": "step"}}
    for name, base in (
        ("told", TOLD),
        ("unusual", UNUSUAL),
        ("recomputed", RECOMPUTED | {"prices": Prices((("H200-SXM", 3),))}),
        ("listed", LISTED),
    )
}
LIMITS = {"kv_cache": Interval(max=79 * 10**9), "decode_latency": Interval(max=0.05)}
LAYOUTS = (Layout(1, 1, 1), Layout(4, 2, 1), Layout(2, 4, 4))
NAMES = (*QUANTITIES, *AUXILIARY)
BY_STEPS = ("served_flops_per_token", "lifetime_cost")
"""All that ``lifetime.throughput = "step"`` changes."""


def names_of(base: str) -> tuple[str, ...]:
    return BY_STEPS if base.endswith("by steps") else NAMES


WIDTHS = {
    "d_model": 1024, "vocab_size": 50_048, "heads": 16, "head_dim": 64, "window": 512,
    "d_ff": 4096, "routed_experts": 16, "active_experts": 2, "expert_d_ff": 1024,
    "shared_experts": 1, "kv_lora_rank": 128, "q_lora_rank": 256, "rope_dim": 32, "nope_dim": 64,
    "value_dim": 64, "linear_heads": 32, "linear_head_dim": 64, "linear_state": 128,
    "linear_groups": 4, "linear_conv": 4, "linear_key_heads": 8, "linear_value_heads": 16,
    "linear_key_dim": 64, "linear_value_dim": 64,
}  # fmt: skip


def _architectures() -> Iterator[tuple[Trunk, tuple[Layer, ...]]]:
    widths = WIDTHS | {"tied_embeddings": False, "kv_heads": 2}
    for structure in (Structure("gpt2"), *structures("llama")):
        yield structure.parts(widths, 2048)
        widths |= {"tied_embeddings": True, "kv_heads": 8}


ARCHITECTURES = tuple(_architectures())


def settings_of(tables: dict[str, dict[str, Any]]) -> Settings:
    made = {name: model.model_validate(tables[name]) for name, model in TABLES.items()}
    context = made["serving"].context_length or made["training"].sequence_length
    prices = NO_PRICES if tables.get("prices") is None else tables["prices"]
    return Settings(**made, context_length=context, parameter_kind="total", prices=prices)


def changes(base: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Settings]]:
    """Settings that differ from a base in one field, with its key."""
    for table, model in TABLES.items():
        for name in model.model_fields:
            for value in OTHER[table][name]:
                changed = base[table] | {name: value}
                for apart in (("accelerator", "custom_accelerator"),):
                    if name in apart:
                        changed = {k: v for k, v in changed.items() if k == name or k not in apart}
                try:
                    yield f"{table}.{name}", settings_of(base | {table: changed})
                except ValueError:
                    continue  # does not go with the base
    start = settings_of(base)
    yield "context_length", replace(start, context_length=1234)
    yield "mixture", replace(start, mixture=True)
    for kind in ("active", "non_embedding"):
        yield "parameter_kind", replace(start, parameter_kind=kind)
    for experts in ("active", "total"):
        yield "experts", replace(start, experts=experts)
    yield "leverage_flops", replace(start, leverage_flops=1e19)
    given = Tokenizer.model_validate({"bytes_per_token": {"32000": 3.2, "50048": 3.6}})
    yield "tokenizer", replace(start, tokenizer=text_rates(given, (32000, 50048)))
    yield "prices", replace(start, prices=Prices((("H100-SXM", 7),)))


def known(settings: Settings, name: str) -> bool:
    return name in AUXILIARY or not lacking(settings, name)


def figures(settings: Settings, name: str) -> list[Any]:
    """All that is computed of a quantity, for several architectures and layouts."""
    how = None if name in AUXILIARY else QUANTITIES[name].how
    if isinstance(how, str):
        return []
    if isinstance(how, LargestBatch):
        # All that it is computed from: costs at a batch of its own, and their limits.
        of_seven = at_batch(settings, 7)
        return [
            *ceilings(settings.serving, LIMITS),
            *(cost for name in raised_by_batch(QUANTITIES) for cost in figures(of_seven, name)),
        ]
    if isinstance(how, OfFlops):
        return [how.rate(settings), how.charge(settings) if how.charge is not None else None]
    if isinstance(how, Inverse):
        return [how.numerator(settings)]
    cost = cost_of(name)
    return [
        cost.formula(Candidate(settings, trunk, kinds, layout))
        for trunk, kinds in ARCHITECTURES
        for layout in (LAYOUTS if cost.by_layout else LAYOUTS[:1])
    ]


def own_reads(name: str) -> tuple[str, ...] | None:
    """What the formula of a row itself reads."""
    if name in AUXILIARY:
        return AUXILIARY[name].reads
    how = QUANTITIES[name].how
    if isinstance(how, LargestBatch):
        return (*(reads_of(name) or ()), BATCH)  # which it puts another batch in place of
    return () if isinstance(how, str) else how.reads


def test_every_field_has_another_value() -> None:
    """A new field fails here until it has an example above."""
    beside = {"context_length", "prices", "mixture"}
    known = {*TABLES, *OF_THE_LAW, *OF_THE_BUDGETS, *beside}
    assert {f.name for f in fields(Settings)} == known
    for table, model in TABLES.items():
        assert set(OTHER[table]) == set(model.model_fields)
    changed = {key for base in BASES.values() for key, _ in changes(base)}
    wanted = {f"{t}.{name}" for t, model in TABLES.items() for name in model.model_fields}
    assert changed == wanted | OF_THE_LAW | beside


READ: set[str] = set()
"""Fields that watched tables were asked for."""


def watched(model: type[Any], table: str) -> type[Any]:
    """A table that writes down which of its fields are read."""

    class Watched(model):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            if name in model.model_fields:
                READ.add(f"{table}.{name}")
            return super().__getattribute__(name)

    return Watched


WATCHED = {table: watched(model, table) for table, model in TABLES.items()}


def spied(settings: Settings) -> Settings:
    """The same settings, in tables that are watched."""
    tables = {n: m.model_construct(**dict(getattr(settings, n))) for n, m in WATCHED.items()}
    return replace(settings, **tables)


def figures_as_said(settings: Settings, name: str) -> list[Any]:
    """The figures of a quantity, whose formula reads only what it says."""
    said = own_reads(name)
    READ.clear()
    found = figures(settings, name)
    if said is not None:
        assert READ or not any("." in key for key in said), name
        assert {key for key in READ if key.partition(".")[0] not in said} <= set(said), name
    return found


@pytest.mark.parametrize("base", BASES)
def test_what_depends_on_the_same_is_the_same_and_nothing_else_is_read(base: str) -> None:
    """One test, as either half would compute all figures, the dearest of this folder."""
    start = settings_of(BASES[base])
    moved = set()
    watched_start = spied(start)
    before = {n: figures_as_said(watched_start, n) for n in names_of(base) if known(start, n)}
    for key, settings in changes(BASES[base]):
        seen = spied(settings)
        for name in names_of(base):
            if not known(settings, name):
                continue
            new = figures_as_said(seen, name)
            if name not in before:
                continue
            old = before[name]
            same = values_of(start, own_reads(name)) == values_of(settings, own_reads(name))
            assert not same or new == old, (name, key)
            moved |= {(name, key)} if new != old else set()
            if name in QUANTITIES and new != old:
                assert name in affected_by(key), (name, key)
    assert moved


@pytest.mark.slow
def test_every_quantity_moves_with_some_setting_that_it_reads() -> None:
    """No declared key is idle: some example shows each of them to matter."""
    shown: set[tuple[str, str]] = set()
    for base, tables in BASES.items():
        start = settings_of(tables)
        before = {name: figures(start, name) for name in names_of(base) if known(start, name)}
        for key, settings in changes(tables):
            shown |= {
                (name, key)
                for name, old in before.items()
                if known(settings, name) and figures(settings, name) != old
            }
    declared = {(name, key) for name in NAMES for key in own_reads(name) or () if "." in key}
    assert declared - {("concurrency", BATCH)} <= shown


def test_what_says_nothing_depends_on_everything() -> None:
    start = settings_of(TOLD)
    assert values_of(start, None) == (start,)
    for _, settings in changes(TOLD):
        assert settings == start or values_of(settings, None) != values_of(start, None)


def test_a_quantity_of_tokens_depends_on_what_its_flops_do() -> None:
    reads = reads_of("lifetime_cost")
    assert reads is not None
    assert {"training.recompute", "context_length", "training.price_per_hour"} <= set(reads)
    assert "training_time" in affected_by("training.accelerators")
    assert "kv_cache" in affected_by("serving.context_length")
    assert "kv_cache" in affected_by("training.sequence_length")
    assert "kv_cache" not in affected_by("serving.weight_bytes")
