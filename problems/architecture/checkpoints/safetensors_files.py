"""Values and bytes of the tensors of safetensors files, from their headers.

A file begins with the length of its header, 8 bytes, and the header in JSON: type, shape and place
of every tensor (huggingface/safetensors, README, "Format"). Their data are not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.stored import Checkpoint, StoredTensor, part_of

_INDEX, _WHOLE = "model.safetensors.index.json", "model.safetensors"
_LONGEST = 100_000_000  # bytes of a header, by the format
_PACKED = frozenset({"I32", "U32", "I64", "U64", "U8", "I16", "U16", "F4"})
"""Types that hold several weights in a value."""
_PARTS = {
    part: re.compile(pattern)
    for part, pattern in {
        "router": r"((mlp|moe|ffn|feed_forward)\.(gate|router)|router(\.\w+)?)\.weight(_|$)",
        "other": r"norm|ln_|_bias$|\.bias$|(mlp|moe|ffn)\.(gate|router)\.|router\.|sinks$|A_log$|"
        r"\.D$|conv1d|dt_|gate\.weight$",
        "embedding": r"embed_tokens|embed_in\.|wte\.|wpe\.|word_embeddings\.|embed_positions",
        "head": r"lm_head\.|embed_out\.|^output\.weight",
        "experts": r"\.experts\.",
        "ffn": r"mlp|feed_forward|ffn|shared_expert|\.fc\d\.|dense_h_to_4h|dense_4h_to_h",
        "attention": r"attn|attention|mixer|mamba|\.conv\.",
    }.items()
}
_SCALES = re.compile(
    r"(scale|scales|scale_inv|qzeros|zeros|g_idx|absmax|quant_map|zero_point|weight_shape|"
    r"quant_state\.\w+|SCB|nested_\w+)$"
)
_BUFFERS = re.compile(
    r"inv_freq|(^|\.)(attn|attention)\.(masked_)?bias$|act_fn\.(beta|eps)$|"
    r"(?<!moe_statics\.)e_score_correction_bias$|feed_forward\.expert_bias$"
)
_BESIDE = re.compile(
    r"(^|\.)(vision|visual|audio|vit|image|mtp)\w*\.|(multi_modal|mm)_projector|embed_(vision|audio)"
)
"""Parts beside the text model, and those that predict further tokens."""
_LAYER = re.compile(r"(?:layers|blocks|h)\.(\d+)\.")


def files_beside(path: Path) -> list[Path]:
    """All safetensors files beside a configuration; none if one is missing."""
    folder = path.parent
    try:
        index = json.loads((folder / _INDEX).read_text("utf-8"))
        names = sorted(set(index["weight_map"].values()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        names = [_WHOLE]
    found = [folder / str(name) for name in names]
    return found if all(file.is_file() for file in found) else []


def checkpoint(files: list[Path], architecture: Architecture) -> Checkpoint:
    """The tensors of files of a model.

    Parameters
    ----------
    files : list of Path
    architecture : Architecture
        Of the model.

    Raises
    ------
    SourceError
        If one is damaged.
    """
    headers: dict[str, Any] = {}
    for file in files:
        headers |= _header(file)
    tensors = [_stored(name, row, architecture) for name, row in headers.items()]
    packed = any(tensor.parameter and tensor.type in _PACKED for tensor in tensors)
    return Checkpoint("safetensors", tuple(tensors), plain=not packed)


def _header(path: Path) -> dict[str, Any]:
    """Rows of the header of a file, by the names of its tensors."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _LONGEST:
                raise SourceError(f"{path.name} is not a safetensors file")
            rows = json.loads(file.read(length))
        return {name: row for name, row in rows.items() if name != "__metadata__"}
    except (OSError, ValueError, AttributeError, RecursionError):
        raise SourceError(f"{path.name} has a damaged header, or is not wholly there") from None


def _stored(name: str, row: Mapping[str, Any], architecture: Architecture) -> StoredTensor:
    try:
        values, kind = prod(map(int, row["shape"])), str(row["dtype"])
        begin, end = map(int, row["data_offsets"])
    except (KeyError, TypeError, ValueError):
        raise SourceError(f"tensor {name} has a damaged header") from None
    part = part_of(name, _PARTS)
    layer = _LAYER.search(name)
    outside = (
        bool(_SCALES.search(name) or _BUFFERS.search(name) or _BESIDE.search(name))
        or (part == "head" and architecture.trunk.tied_embeddings is True)
        or (layer is not None and int(layer[1]) >= architecture.layers)
    )
    return StoredTensor(part, kind, values, end - begin, not outside)
