"""The quantities that a budget may limit and an objective may seek: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Sense = Literal["minimize", "maximize"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of a design.

    Parameters
    ----------
    name : str
        Key of the problem file, of JSON and of tables.
    dimension : str
        Key of `problems.units.UNITS`.
    about : str
        What it is, for people.
    affine : bool
        A constant plus a coefficient for each layer, whatever the tokens.
    """

    name: str
    dimension: str
    about: str
    affine: bool = True


_ROWS = (
    Quantity("loss", "nats", "predicted loss, nats a token", affine=False),
    Quantity("training_flops", "FLOPs", "tokens x training FLOPs for each", affine=False),
    Quantity("tokens", "tokens", "training tokens", affine=False),
    Quantity("parameters", "parameters", "all parameters, tied weights once"),
    Quantity("non_embedding_parameters", "parameters", "less embedding and untied head"),
    Quantity("kv_cache", "bytes", "whole cache: batch x context"),
    Quantity("kv_bytes_per_token", "bytes", "cache that one token takes"),
    Quantity("serving_memory", "bytes", "weights and cache, for each accelerator"),
    Quantity("inference_flops_per_token", "FLOPs", "forward FLOPs at the serving context"),
)

QUANTITIES = MappingProxyType({row.name: row for row in _ROWS})
"""Every quantity by name."""

NOT_YET = MappingProxyType(
    {
        "budgets.decode_latency": "latency budgets",
        "budgets.prefill_latency": "latency budgets",
        "budgets.decode_throughput": "latency budgets",
        "budgets.training_memory": "training memory",
        "budgets.training_time": "training time",
        "budgets.training_cost": "training cost",
        "budgets.training_energy": "training energy",
        "serving.accelerator": "accelerators by name",
        "serving.custom_accelerator": "accelerators by name",
        "training.accelerator": "accelerators by name",
        "training.accelerators": "parallel layouts",
        "training.data_parallel": "parallel layouts",
        "training.pipeline_parallel": "parallel layouts",
        "training.recompute": "training memory",
        "lifetime": "lifetime costs",
    }
)
"""Keys of the file format that a later version brings, with what they wait for."""
