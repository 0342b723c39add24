"""Describe an architecture by its parameters and costs, under one set of assumptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Parameters, count_parameters
from modelsizer.problems.architecture.architecture import Architecture, Layer
from modelsizer.problems.architecture.describing import parameters_dict, whole_architecture
from modelsizer.problems.designs.assumptions import Assumptions
from modelsizer.problems.designs.capacity import state_bytes
from modelsizer.problems.designs.costs import costs
from modelsizer.problems.designs.standalone import (
    served_as_stored,
    standalone_problem,
    with_short,
)
from modelsizer.problems.designs.text import own_rate
from modelsizer.problems.errors import require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.inference_flops import INFERENCE
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn
from modelsizer.problems.units import Number, format_quantity, plain

_COSTS = (INFERENCE, TRAINING_FLOPS_PER_TOKEN, "kv_bytes_per_token", "kv_cache", "serving_memory")


@dataclass(frozen=True, slots=True)
class Description(Drawn):
    """Counts of one architecture under assumptions.

    Parameters
    ----------
    architecture : Architecture
    assumptions : Assumptions
    parameters : Parameters
    forward_flops, forward_backward_flops : int
        FLOPs of a whole pass over batch x sequence tokens, with scores over the whole sequence, not
        causally halved, and windows ignored: as counted by `torch.utils.flop_counter`.
    forward_flops_per_token : int
        Of a token at the context, of which a window sees its part: `inference_flops_per_token`.
    training_flops_per_token : int or float
        Of a token of a training sequence, as `training.flops` and `training.recompute` count it;
        windows cap the scores.
    weight_bytes : int or float
        Bytes of all weights.
    checkpoint_bytes : int or None
        Bytes of all tensors of the checkpoint, with those that serving leaves out; None if nothing
        tells how it is stored.
    kv_bytes_per_token : int or float
    kv_cache : int or float
        Bytes of the whole cache; windowed layers hold only their window, or all under the policy
        "full".
    state_bytes : int or float
        Bytes of the states that layers hold per sequence in place of a cache, for the batch.
    serving_memory : int or float
        Bytes of weights, cache and states on one accelerator.
    """

    architecture: Architecture
    assumptions: Assumptions
    parameters: Parameters
    forward_flops: int
    forward_backward_flops: int
    forward_flops_per_token: Number
    training_flops_per_token: Number
    weight_bytes: Number
    checkpoint_bytes: int | None
    kv_bytes_per_token: Number
    kv_cache: Number
    state_bytes: Number
    serving_memory: Number

    def _words(self) -> str:
        size = format_quantity(self.parameters.total, "parameters")
        of = self.architecture
        return f"{of.layers} layers x {of.trunk.d_model}, {size} parameters"

    @property
    def batch(self) -> int:
        """Number of sequences."""
        return self.assumptions.batch_size

    @property
    def sequence(self) -> int:
        """Tokens of each sequence."""
        return self.assumptions.context_length

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping with the keys of the JSON contract."""
        whole = self.architecture.whole
        return {
            "architecture": whole_architecture(self.architecture),
            "parameters": parameters_dict(self.parameters),
            **({} if whole is None else {"whole": whole.to_dict(self.parameters.total)}),
            "assumptions": self.assumptions.to_dict(),
            "batch": self.batch,
            "sequence": self.sequence,
            "flops": {
                "forward": self.forward_flops,
                "forward_backward": self.forward_backward_flops,
            },
            "flops_per_token": {
                "forward": self.forward_flops_per_token,
                "training": self.training_flops_per_token,
            },
            "weight_bytes": self.weight_bytes,
            "checkpoint_bytes": self.checkpoint_bytes,
            "kv_bytes_per_token": self.kv_bytes_per_token,
            "kv_cache": self.kv_cache,
            "state_bytes": self.state_bytes,
            "serving_memory": self.serving_memory,
        }


def describe(
    architecture: Architecture,
    *,
    batch: int | None = None,
    sequence: int | None = None,
    weight_bytes: Number | None = None,
    kv_bytes: Number | None = None,
    settings: Mapping[str, object] | None = None,
    problem: Problem | None = None,
) -> Description:
    """Count an architecture under the settings of serving and training.

    Parameters
    ----------
    architecture : Architecture
    batch, sequence : int, optional
        Number of sequences, and tokens of each: short for `serving.batch_size` and
        `serving.context_length`; 1 and 4,096 by default.
    weight_bytes, kv_bytes : int or float, optional
        Bytes per weight and per cached value: short for the settings of `serving`; by default the
        weights are those that the configuration's quantisation stores, or of 2 bytes.
    settings : mapping of str to value, optional
        Dotted keys of a problem file, such as ``{"serving.weight_bits": 4}``.
    problem : Problem, optional
        The one whose settings hold where nothing above says otherwise.

    Returns
    -------
    Description

    Raises
    ------
    ArgumentError
        If an argument is not positive, or beyond what may be counted, or a setting says otherwise.
    ProblemError
        If a setting is invalid.

    Examples
    --------
    >>> from modelsizer import load_architecture
    >>> describe(load_architecture("llama-3-8b")).parameters.total
    8030261248
    """
    require_type("architecture", architecture, Architecture)
    require_type("settings", settings or {}, Mapping)
    given = with_short(
        settings or {}, batch=batch, sequence=sequence, weight_bytes=weight_bytes, kv_bytes=kv_bytes
    )
    if problem is None:
        return description(standalone_problem(architecture, given), architecture)
    require_type("problem", problem, Problem)
    problem = problem.with_settings(given) if given else problem
    return description(served_as_stored(problem, architecture), architecture)


def _checkpoint_bytes(
    architecture: Architecture, kinds: Sequence[Layer], counts: Sequence[int]
) -> int | None:
    """Bytes of the tensors of a checkpoint."""
    if architecture.stored is None:
        return None
    weights = accounting.serving_weights(architecture.trunk, kinds, architecture.stored)
    return int(weights.at(counts)) + architecture.beside


def description(problem: Problem, architecture: Architecture) -> Description:
    """Count an architecture under the settings of a problem, whose costs these are."""
    trunk = architecture.trunk
    kinds = architecture.kinds
    counts = architecture.counts
    layout = problem.layouts[0]  # on which none of these costs depends
    exact = {
        name: cost.at(counts) for name, cost in costs(problem, trunk, kinds, layout, _COSTS).items()
    }
    training = exact[TRAINING_FLOPS_PER_TOKEN]  # of the law's tokens
    found = {name: plain(cost) for name, cost in exact.items()}
    assumed = Assumptions.of(problem)
    masked = accounting.forward_flops(trunk, kinds, assumed.context_length, ignore_windows=True)
    whole = int(masked.at(counts)) * assumed.batch_size * assumed.context_length
    return Description(
        architecture,
        assumed,
        count_parameters(architecture),
        whole,
        accounting.TRAINING_PASSES * whole,
        found[INFERENCE],
        plain(training / own_rate(problem, architecture)),
        plain(accounting.serving_weights(trunk, kinds, assumed.weights).at(counts)),
        _checkpoint_bytes(architecture, kinds, counts),
        found["kv_bytes_per_token"],
        found["kv_cache"],
        state_bytes(problem, architecture),
        found["serving_memory"],
    )
