"""Values and bytes of the tensors of a GGUF file, by part."""

from __future__ import annotations

import re

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.gguf_config import row_of, table
from modelsizer.problems.architecture.checkpoints.gguf_file import Tensor
from modelsizer.problems.architecture.checkpoints.gguf_model import Model, block_of
from modelsizer.problems.architecture.checkpoints.stored import Checkpoint, StoredTensor, part_of

_PARTS = {
    part: re.compile(pattern)
    for part, pattern in {
        "other": r"norm|\.bias$|^ffn_gate_inp_|^exp_probs_b|^attn_sinks|^ssm_(a|d|conv1d)\b",
        "router": r"^ffn_gate_inp",
        "embedding": r"^(token_embd|position_embd|per_layer_token_embd)\.",
        "head": r"^output\.",
        "experts": r"^ffn_(gate|up|down|gate_up)(_exps|_chexps|\.\d+)\.",
        "ffn": r"^ffn_",
        "attention": r"^(attn_|ssm_|shortconv|indexer)",
    }.items()
}
_BUFFERS = re.compile(r"^rope_(freqs|factors_\w+|long|short)\.|rot_embd")
"""Values that are computed."""
_CORRECTION = "exp_probs_b"
"""Of a router: a buffer in most classes."""
_IN_METADATA = ("xielu.alpha_n", "xielu.alpha_p")
"""Parameters of an activation, one for each layer, which are in the metadata (Apertus)."""
_WHOLE, _SPLIT = "attn_kv_b.weight", frozenset({"attn_k_b.weight", "attn_v_b.weight"})
"""Latent attention: the second are the first once more."""


def checkpoint(model: Model) -> Checkpoint:
    """The tensors of a model.

    Raises
    ------
    SourceError
        If one has an unknown type, or a width that its type does not have.
    """
    beside = [model.header.metadata[key] for key in _IN_METADATA if key in model.header.metadata]
    counts = [len(values) if isinstance(values, list) else model.layers for values in beside]
    found = [StoredTensor("other", "F32", count, 4 * count) for count in counts]
    return Checkpoint("gguf", (*(_stored(model, t) for t in model.header.tensors), *found))


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
    corrects = name.startswith(_CORRECTION) and not row_of(model).router_bias
    parameter = not (twice or further or corrects or _BUFFERS.search(name))
    return StoredTensor(part_of(name, _PARTS), kind, tensor.elements, blocks * size, parameter)
