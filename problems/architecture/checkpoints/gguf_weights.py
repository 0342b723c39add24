"""Values and bytes of the tensors of a GGUF file, by part."""

from __future__ import annotations

import re

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.gguf_config import table
from modelsizer.problems.architecture.checkpoints.gguf_file import Tensor
from modelsizer.problems.architecture.checkpoints.gguf_model import Model, block_of
from modelsizer.problems.architecture.checkpoints.stored import Checkpoint, StoredTensor, part_of

_PARTS = {
    part: re.compile(pattern)
    for part, pattern in {
        "other": r"norm|\.bias$|^ffn_gate_inp|^exp_probs_b|^attn_sinks|^ssm_(a|d|conv1d)\b",
        "embedding": r"^(token_embd|position_embd|per_layer_token_embd)\.",
        "head": r"^output\.",
        "experts": r"^ffn_(gate|up|down|gate_up)(_exps|_chexps|\.\d+)\.",
        "ffn": r"^ffn_",
        "attention": r"^(attn_|ssm_|shortconv|indexer)",
    }.items()
}
_BUFFERS = re.compile(r"^rope_(freqs|factors_\w+|long|short)\.|exp_probs_b|rot_embd")
"""Values that are computed, and the correction of a router, a buffer in transformers."""
_WHOLE, _SPLIT = "attn_kv_b.weight", frozenset({"attn_k_b.weight", "attn_v_b.weight"})
"""Latent attention: the second are the first once more."""


def checkpoint(model: Model) -> Checkpoint:
    """The tensors of a model.

    Raises
    ------
    SourceError
        If one has an unknown type, or a width that its type does not have.
    """
    return Checkpoint("gguf", tuple(_stored(model, tensor) for tensor in model.header.tensors))


def _stored(model: Model, tensor: Tensor) -> StoredTensor:
    number, name = block_of(tensor.name)
    row = table()["types"].get(str(tensor.type))
    if row is None:
        raise SourceError(f"tensor {tensor.name} is of an unknown type, number {tensor.type}")
    kind, values, size = row
    blocks, rest = divmod(tensor.elements, values)
    if rest or (tensor.shape and tensor.shape[0] % values):
        raise SourceError(f"tensor {tensor.name} has a width that {kind} has not: {tensor.shape}")
    twice = number is not None and name in _SPLIT and _WHOLE in model.blocks[number]
    further = number is not None and number >= model.layers
    parameter = not (twice or further or _BUFFERS.search(name))
    return StoredTensor(part_of(name, _PARTS), kind, tensor.elements, blocks * size, parameter)
