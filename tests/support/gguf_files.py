"""Small GGUF files, written as llama.cpp writes them, and the parameters that they hold."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

F32, F16, Q4_K, Q6_K = 0, 1, 12, 14
_NUMBERS = {bool: (7, "?"), int: (4, "I"), float: (6, "f")}


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _value(value: Any) -> bytes:
    """A value with its type before it."""
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, list):
        if isinstance(value[0], str):
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
        kind, code = _NUMBERS[type(value[0])]
        return struct.pack(f"<IIQ{len(value)}{code}", 9, kind, len(value), *value)
    kind, code = _NUMBERS[type(value)]
    return struct.pack(f"<I{code}", kind, value)


def written(
    path: Path,
    metadata: Mapping[str, Any],
    tensors: Mapping[str, tuple[tuple[int, ...], int]],
    version: int = 3,
) -> Path:
    """Write the header of a file: names of tensors -> shape, the first dimension first, and type."""
    parts = [b"GGUF", struct.pack("<IQQ", version, len(tensors), len(metadata))]
    parts += [_text(key) + _value(value) for key, value in metadata.items()]
    for name, (shape, kind) in tensors.items():
        parts.append(_text(name) + struct.pack("<I", len(shape)))
        parts.append(struct.pack(f"<{len(shape)}QIQ", *shape, kind, 0))
    path.write_bytes(b"".join(parts))
    return path


WORDS = [f"word {n}" for n in range(500)]
LLAMA = {
    "general.architecture": "llama",
    "general.file_type": 15,
    "tokenizer.ggml.tokens": WORDS,
    "tokenizer.ggml.scores": [0.0] * len(WORDS),
    "llama.block_count": 2,
    "llama.context_length": 4096,
    "llama.embedding_length": 256,
    "llama.feed_forward_length": 512,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "llama.rope.dimension_count": 64,
    "llama.vocab_size": 512,
}


def llama_tensors(kind: int = Q4_K, *, layers: int = 2, tied: bool = False) -> dict[str, Any]:
    """Tensors of `LLAMA`."""
    found: dict[str, Any] = {
        "token_embd.weight": ((256, 512), Q6_K),
        "output_norm.weight": ((256,), F32),
    }
    if not tied:
        found["output.weight"] = ((256, 512), Q6_K)
    found["rope_freqs.weight"] = ((32,), F32)
    for n in range(layers):
        found |= {
            f"blk.{n}.attn_norm.weight": ((256,), F32),
            f"blk.{n}.attn_q.weight": ((256, 256), kind),
            f"blk.{n}.attn_k.weight": ((256, 128), kind),
            f"blk.{n}.attn_v.weight": ((256, 128), kind),
            f"blk.{n}.attn_output.weight": ((256, 256), kind),
            f"blk.{n}.ffn_norm.weight": ((256,), F32),
            f"blk.{n}.ffn_gate.weight": ((256, 512), kind),
            f"blk.{n}.ffn_up.weight": ((256, 512), kind),
            f"blk.{n}.ffn_down.weight": ((512, 256), kind),
        }
    return found
