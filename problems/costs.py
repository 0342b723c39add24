"""Every affine cost of an architecture under the settings of a problem, in one place.

`costs` serves one architecture and whole tables alike, so the figure that a solver bounds and
the figure that the answer shows come from the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from problems import accounting
from problems.accounting import Affine
from problems.architecture import Architecture, Layer, LayerGroup, Trunk
from problems.blocks import BLOCKS
from problems.problem import Problem
from problems.space import Options

TRAINING_FLOPS_PER_TOKEN = "training_flops_per_token"
LAW_PARAMETERS = "law_parameters"


def costs(problem: Problem, trunk: Trunk, kinds: Sequence[Layer]) -> dict[str, Affine]:
    """Affine quantities by name.

    Parameters
    ----------
    problem : Problem
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).

    Returns
    -------
    dict of str to Affine
        Each affine quantity of `problems.quantities`, and the training FLOPs for each token and
        the parameters that the problem's law counts, under the module's two names.
    """
    training, serving = problem.training, problem.serving
    total = accounting.parameters(trunk, kinds)
    inner = accounting.non_embedding_parameters(trunk, kinds)
    active = accounting.active_parameters(trunk, kinds)
    for_law = {"total": total, "non_embedding": inner, "active": active}
    kv = accounting.kv_bytes_per_token(kinds, serving.exact_kv_bytes)
    return {
        "parameters": total,
        "non_embedding_parameters": inner,
        "kv_bytes_per_token": kv,
        "kv_cache": accounting.kv_cache(
            kinds, serving.exact_kv_bytes, serving.batch_size, problem.context_length
        ),
        "serving_memory": accounting.serving_memory(
            trunk,
            kinds,
            weight_bytes=serving.exact_weight_bytes,
            kv_bytes=serving.exact_kv_bytes,
            batch=serving.batch_size,
            context=problem.context_length,
            accelerators=serving.devices,
            tensor_parallel=serving.tensor_parallel,
        ),
        "inference_flops_per_token": accounting.forward_flops(trunk, kinds, problem.context_length),
        TRAINING_FLOPS_PER_TOKEN: accounting.training_flops_per_token(
            trunk, kinds, training.sequence_length, training.flops
        ),
        LAW_PARAMETERS: for_law[problem.law.parameter_kind],
    }


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
