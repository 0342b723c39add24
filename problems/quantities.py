"""The quantities that a budget may limit and an objective may seek: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Sense = Literal["minimize", "maximize"]
Form = Literal["affine", "flops", "tokens", "loss", "inverse", "lifetime"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of a design.

    Parameters
    ----------
    name : str
        Key of the problem file, of JSON and of tables.
    dimension : str
        Key of `modelsizer.problems.units.UNITS`.
    about : str
        What it is, for people.
    form : {"affine", "flops", "tokens", "loss", "inverse", "lifetime"}
        A constant plus a coefficient for each layer, or the most of several such; proportional to
        the training FLOPs; the tokens; the loss; a constant over another quantity; or what is
        proportional to the training FLOPs and an affine quantity together.
    branches : tuple of str
        Where the quantity is the most of several affine ones, their names.
    only : {"max", "min"} or None
        The one end that a budget of it may have.
    """

    name: str
    dimension: str
    about: str
    form: Form = "affine"
    branches: tuple[str, ...] = ()
    only: Literal["max", "min"] | None = None

    @property
    def affine(self) -> bool:
        """Whether it is affine in the layers, or the most of several such."""
        return self.form == "affine"

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the affine quantities that it is the most of."""
        return tuple(f"{self.name}.{branch}" for branch in self.branches) or (self.name,)


_ROOFLINE = ("memory", "compute")

_ROWS = (
    Quantity("loss", "nats", "predicted loss, nats a token", "loss"),
    Quantity("training_flops", "FLOPs", "tokens x training FLOPs for each", "flops"),
    Quantity("tokens", "tokens", "training tokens", "tokens"),
    Quantity("layers", "count", "depth"),
    Quantity("d_model", "count", "width of the residual stream"),
    Quantity("parameters", "parameters", "all parameters, tied weights once"),
    Quantity("non_embedding_parameters", "parameters", "less embedding and untied head"),
    Quantity("kv_cache", "bytes", "whole cache: batch x context"),
    Quantity("kv_bytes_per_token", "bytes", "cache that one token takes"),
    Quantity("serving_memory", "bytes", "weights and cache, for each accelerator"),
    Quantity("inference_flops_per_token", "FLOPs", "forward FLOPs at the serving context"),
    Quantity(
        "training_memory",
        "bytes",
        "states, activations and logits, for each accelerator",
        branches=("first_stage", "last_stage"),
        only="max",
    ),
    Quantity("training_time", "seconds", "training FLOPs at the MFU", "flops", only="max"),
    Quantity("training_cost", "dollars", "accelerator hours x price", "flops", only="max"),
    Quantity("training_energy", "kWh", "accelerator hours x watts x PUE", "flops", only="max"),
    Quantity("lifetime_flops", "FLOPs", "of training and inference", "lifetime", only="max"),
    Quantity("lifetime_cost", "dollars", "of training and inference", "lifetime", only="max"),
    Quantity("decode_latency", "seconds", "one step of a batch", branches=_ROOFLINE, only="max"),
    Quantity("decode_throughput", "tokens/s", "batch_size / decode_latency", "inverse", only="min"),
    Quantity("prefill_latency", "seconds", "time to first token", branches=_ROOFLINE, only="max"),
)

QUANTITIES = MappingProxyType({row.name: row for row in _ROWS})
"""Every quantity by name."""
