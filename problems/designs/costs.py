"""Every affine cost of an architecture under the settings of a problem, in one place.

`costs` serves one architecture and whole tables alike, so the figure that a solver bounds and
the figure that the answer shows come from the same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.costs import training_memory
from modelsizer.problems.costs.latency import decode_branches, prefill_branches
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities import QUANTITIES
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.widths import Options

TRAINING_FLOPS_PER_TOKEN = "training_flops_per_token"
TRAINING_FLOPS_EACH = "training_flops_per_token_each"  # on each accelerator at work
WEIGHT_FLOPS = "weight_flops_per_token"  # training FLOPs less those of scores
ACCELERATORS = "accelerators"
LAW_PARAMETERS = "law_parameters"

ALWAYS = ("parameters", TRAINING_FLOPS_PER_TOKEN, LAW_PARAMETERS)
"""What every question needs: the tie rule, the tokens and the law."""


@dataclass(frozen=True, slots=True)
class _Design:
    """What a cost is computed from."""

    problem: Problem
    trunk: Trunk
    kinds: Sequence[Layer]
    layout: Layout

    def layers(self) -> Affine:
        none = 0 * self.trunk.d_model
        return Affine(none, tuple(none + 1 for _ in self.kinds))

    def d_model(self) -> Affine:
        none = 0 * self.trunk.d_model
        return Affine(self.trunk.d_model, tuple(none for _ in self.kinds))

    def parameters(self) -> Affine:
        return accounting.parameters(self.trunk, self.kinds)

    def non_embedding(self) -> Affine:
        return accounting.non_embedding_parameters(self.trunk, self.kinds)

    def law_parameters(self) -> Affine:
        counted = self.problem.law.parameter_kind
        if counted == "active":
            return accounting.active_parameters(self.trunk, self.kinds)
        return self.parameters() if counted == "total" else self.non_embedding()

    def kv_bytes_per_token(self) -> Affine:
        return accounting.kv_bytes_per_token(self.kinds, self.problem.serving.exact_kv_bytes)

    def kv_cache(self) -> Affine:
        serving = self.problem.serving
        return accounting.kv_cache(
            self.kinds,
            serving.exact_kv_bytes,
            serving.batch_size,
            self.problem.context_length,
            serving.kv_policy,
        )

    def serving_memory(self) -> Affine:
        serving = self.problem.serving
        weights = serving.weights
        cache = accounting.serving_cache(
            self.trunk,
            self.kinds,
            kv_bytes=serving.exact_kv_bytes,
            batch=serving.batch_size,
            context=self.problem.context_length,
            policy=serving.kv_policy,
            tensor_parallel=serving.tensor_parallel,
        )
        held = accounting.serving_weights(
            self.trunk,
            self.kinds,
            matrix_bytes=weights.matrix,
            embedding_bytes=weights.embedding,
            other_bytes=weights.other,
        )
        return held.plus(cache).times(Fraction(1, serving.devices))

    def inference_flops_per_token(self) -> Affine:
        return accounting.forward_flops(self.trunk, self.kinds, self.problem.context_length)

    def training_flops_per_token(self) -> Affine:
        return self._training_flops(self.problem.training.sequence_length)

    def weight_flops_per_token(self) -> Affine:
        return self._training_flops(0)

    def _training_flops(self, context: int) -> Affine:
        training = self.problem.training
        return accounting.training_flops_per_token(
            self.trunk,
            self.kinds,
            context,
            training.flops,
            full_recompute=training.recompute == "full",
        )

    def training_flops_each(self) -> Affine:
        return self.training_flops_per_token().times(Fraction(1, self.layout.accelerators))

    def accelerators(self) -> Affine:
        none = 0 * self.trunk.d_model
        return Affine(none + self.layout.accelerators, tuple(none for _ in self.kinds))


_ONE: MappingProxyType[str, Callable[[_Design], Affine]] = MappingProxyType(
    {
        "layers": _Design.layers,
        "d_model": _Design.d_model,
        "parameters": _Design.parameters,
        "non_embedding_parameters": _Design.non_embedding,
        LAW_PARAMETERS: _Design.law_parameters,
        "kv_bytes_per_token": _Design.kv_bytes_per_token,
        "kv_cache": _Design.kv_cache,
        "serving_memory": _Design.serving_memory,
        "inference_flops_per_token": _Design.inference_flops_per_token,
        TRAINING_FLOPS_PER_TOKEN: _Design.training_flops_per_token,
        WEIGHT_FLOPS: _Design.weight_flops_per_token,
        TRAINING_FLOPS_EACH: _Design.training_flops_each,
        ACCELERATORS: _Design.accelerators,
    }
)
_BRANCHED: MappingProxyType[str, Callable[[_Design], tuple[Affine, ...]]] = MappingProxyType(
    {
        "training_memory": lambda d: training_memory.stages(
            d.problem.training, d.trunk, d.kinds, d.layout
        ),
        "decode_latency": lambda d: decode_branches(
            d.problem.serving, d.problem.context_length, d.trunk, d.kinds
        ),
        "prefill_latency": lambda d: prefill_branches(
            d.problem.serving, d.problem.context_length, d.trunk, d.kinds
        ),
    }
)
BY_LAYOUT = frozenset({"training_memory", "training_time", TRAINING_FLOPS_EACH, ACCELERATORS})
"""What depends on the parallel layout."""


def costs(
    problem: Problem,
    trunk: Trunk,
    kinds: Sequence[Layer],
    layout: Layout,
    names: Collection[str],
) -> dict[str, Affine]:
    """Affine quantities by name.

    Parameters
    ----------
    problem : Problem
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    layout : Layout
        How its training is split.
    names : collection of str
        Affine quantities of `modelsizer.problems.quantities`, or of this module's names.

    Returns
    -------
    dict of str to Affine
        A quantity that is the most of several appears as those: ``"training_memory.first_stage"``.
    """
    design = _Design(problem, trunk, kinds, layout)
    found: dict[str, Affine] = {}
    for name in names:
        if name in _ONE:
            found[name] = _ONE[name](design)
        else:
            parts = QUANTITIES[name].parts
            found.update(zip(parts, _BRANCHED[name](design), strict=True))
    return found


_SERVED = ("kv_bytes_per_token", "kv_cache", "serving_memory", "inference_flops_per_token",
           "decode_latency", "prefill_latency")  # fmt: skip
_NOT_IN_MEMORY = ("tokens", "unique_tokens", "mfu", "price_per_hour", "watts")


def depends_on(problem: Problem, name: str) -> tuple[object, ...]:
    """What of a problem an affine quantity depends on, space, layout and sequence length aside.

    Two problems that give the same have the same figures of it, so tables of it can be kept.
    """
    training = problem.training
    if name in ("layers", "d_model", "parameters", "non_embedding_parameters", ACCELERATORS):
        return ()
    if name == LAW_PARAMETERS:
        return (problem.law.parameter_kind,)
    if name in (TRAINING_FLOPS_PER_TOKEN, WEIGHT_FLOPS, TRAINING_FLOPS_EACH):
        return (training.flops, training.recompute)
    if name in _SERVED:
        return (problem.serving, problem.context_length)
    return (training.model_copy(update=dict.fromkeys(_NOT_IN_MEMORY)),)


def computable(problem: Problem) -> list[str]:
    """Affine quantities that the problem says enough to compute."""
    return [name for name, row in QUANTITIES.items() if row.affine and not problem.lacks(name)]


def option_parts(problem: Problem, options: Options) -> tuple[Trunk, Layer]:
    """Trunk and layer of a table of options, its arrays in place of integers."""
    block = BLOCKS[options.block]
    o = options
    trunk = block.trunk(o.d_model, o.vocab_size, o.tied, problem.training.sequence_length)
    return trunk, block.layer(o.heads, o.kv_heads, o.head_dim, o.d_ff)


def architecture_of(
    problem: Problem,
    *,
    block: str,
    d_model: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    d_ff: int,
    vocab_size: int,
    tied_embeddings: bool,
    layers: int,
) -> Architecture:
    """The uniform architecture of some widths and a depth."""
    kind = BLOCKS[block]
    trunk = kind.trunk(d_model, vocab_size, tied_embeddings, problem.training.sequence_length)
    layer = kind.layer(heads, kv_heads, head_dim, d_ff)
    return Architecture(trunk, (LayerGroup(layer, layers),), block)
