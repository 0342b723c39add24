"""Export an architecture as arguments of Megatron-LM's ``pretrain_gpt.py``.

The flags, their defaults and their effects follow NVIDIA/Megatron-LM: ``arguments.py`` (commit
000c4ac24f61) and ``tokenizer/tokenizer.py`` (commit 00ee96672c1b) of ``megatron/training``, and
``gpt_builders.py`` (commit 00caa53af309); the modules follow megatron-core 0.16.1. As in
Megatron's own examples, the arguments are a shell array; the file is to be sourced.

Megatron pads the tokenizer's vocabulary to a multiple of ``--make-vocab-size-divisible-by`` times
the tensor-parallel size. With the first set to the vocabulary divided by the second, any tokenizer
that fits is padded to exactly the intended vocabulary.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.export_common import (
    Sizes,
    check_count,
    refuse,
    rotary_obstacles,
    sizes_of,
)

_ROTARY = ("--position-embedding-type", "rope")
_GATED = (
    *_ROTARY,
    *("--normalization", "RMSNorm"),
    "--swiglu",
    "--disable-bias-linear",
)
# Megatron's default dropout is 0.1; of these families only GPT-2 used it.
_NO_DROPOUT = ("--attention-dropout", "0.0", "--hidden-dropout", "0.0")

_BLOCKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "llama": (*_GATED, *_NO_DROPOUT),
        "qwen2": (*_GATED, "--add-qkv-bias", *_NO_DROPOUT),
        "qwen3": (*_GATED, "--qk-layernorm", *_NO_DROPOUT),
        "gpt2": ("--position-embedding-type", "learned_absolute"),
        "gpt-neox": (*_ROTARY, "--rotary-percent", "0.25", *_NO_DROPOUT),
    }
)

_NO_NORMS_AFTER = "Megatron-LM has no flag for normalisations after attention and feed-forward"
_WHY_NOT = MappingProxyType(
    {
        "gemma2": _NO_NORMS_AFTER,
        "gemma3": _NO_NORMS_AFTER,
        "olmo2": f"{_NO_NORMS_AFTER}, and --qk-layernorm norms each head by itself",
    }
)

_FILE = """\
# {block} of {parameters:,} parameters, written by modelsizer for Megatron-LM:
#   TP_SIZE=1 source FILE
#   torchrun ... pretrain_gpt.py "${{MODEL_ARGS[@]}}" {asked} ...
# The vocabulary comes out exactly with any tokenizer of at most {vocab_size} tokens.
VOCAB_SIZE={vocab_size}
TP_SIZE=${{TP_SIZE:-1}}
if [ $((VOCAB_SIZE % TP_SIZE)) -ne 0 ]; then
    echo "TP_SIZE=$TP_SIZE does not divide the vocabulary $VOCAB_SIZE: Megatron would pad it" >&2
    return 1
fi
MODEL_ARGS=(
    --tensor-model-parallel-size $TP_SIZE
    --make-vocab-size-divisible-by $((VOCAB_SIZE / TP_SIZE))
{flags}
)
"""


def to_megatron(architecture: Architecture) -> str:
    """Write a shell file that sets ``MODEL_ARGS``.

    Raises
    ------
    ConfigError
        If Megatron-LM has no such model; the message says what prevents it.
    """
    sizes = sizes_of(architecture, "megatron", _BLOCKS, _WHY_NOT)
    refuse("megatron", _obstacles(sizes))
    asked = "--seq-length N"
    if not sizes.positions:
        asked += " --max-position-embeddings N"  # required, but unused with rotary positions
    text = _FILE.format(
        block=sizes.block,
        parameters=sizes.parameters,
        asked=asked,
        vocab_size=sizes.vocab_size,
        flags="\n".join(f"    {line}" for line in _lines(_flags(sizes))),
    )
    check_count("megatron", count_megatron(text), sizes)
    return text


def _obstacles(sizes: Sizes) -> list[str]:
    if sizes.block == "gpt2":
        return [] if sizes.positions else ["gpt2's positions are learned, got none"]
    return rotary_obstacles(sizes, 0.25 if sizes.block == "gpt-neox" else 1.0)


def _flags(sizes: Sizes) -> list[str]:
    flags = [
        *("--num-layers", str(sizes.layers)),
        *("--hidden-size", str(sizes.d_model)),
        *("--ffn-hidden-size", str(sizes.d_ff)),
        *("--num-attention-heads", str(sizes.heads)),
        *("--kv-channels", str(sizes.head_dim)),
    ]
    if sizes.kv_heads != sizes.heads:
        flags += ["--group-query-attention", "--num-query-groups", str(sizes.kv_heads)]
    if sizes.positions:
        flags += ["--max-position-embeddings", str(sizes.positions)]
    if not sizes.tied:
        flags.append("--untie-embeddings-and-output-weights")
    return [*flags, *_BLOCKS[sizes.block]]


def _lines(flags: list[str]) -> list[str]:
    """One line per flag, with its value."""
    lines: list[str] = []
    for word in flags:
        if word.startswith("--"):
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return lines


def count_megatron(text: str) -> int:
    """Number of parameters that Megatron-LM creates from a file of `to_megatron`, for TP_SIZE=1."""
    vocabulary = re.findall(r"^VOCAB_SIZE=(\d+)$", text, re.MULTILINE)[0]
    listed = text.partition("MODEL_ARGS=(\n")[2].rpartition(")")[0]
    listed = listed.replace("$((VOCAB_SIZE / TP_SIZE))", vocabulary).replace("$TP_SIZE", "1")
    given = {flag: value for flag, _, value in (line.partition(" ") for line in _rows(listed))}

    def number(flag: str, default: int | None = None) -> int:
        return int(given[flag] if default is None else given.get(flag, default))

    d, heads, head = (
        number("--hidden-size"),
        number("--num-attention-heads"),
        number("--kv-channels"),
    )
    groups = number("--num-query-groups", 1) if "--group-query-attention" in given else heads
    swiglu, ff = "--swiglu" in given, number("--ffn-hidden-size")
    bias = "--disable-bias-linear" not in given
    norm = d if given.get("--normalization", "LayerNorm") == "RMSNorm" else 2 * d

    def linear(inputs: int, outputs: int, biased: bool) -> int:
        return inputs * outputs + (outputs if biased else 0)

    layer = linear(d, (heads + 2 * groups) * head, bias or "--add-qkv-bias" in given)
    layer += linear(heads * head, d, bias) + linear(ff, d, bias)
    layer += linear(d, 2 * ff if swiglu else ff, bias) + 2 * norm
    if "--qk-layernorm" in given:
        layer += 2 * head * norm // d
    multiple = number("--make-vocab-size-divisible-by", 128)
    rows = math.ceil(int(vocabulary) / multiple) * multiple
    if given.get("--position-embedding-type", "learned_absolute") == "learned_absolute":
        positions = number("--max-position-embeddings") * d
    else:
        positions = 0
    matrices = 2 if "--untie-embeddings-and-output-weights" in given else 1
    return matrices * rows * d + positions + number("--num-layers") * layer + norm


def _rows(listed: str) -> list[str]:
    return [" ".join(shlex.split(line)) for line in listed.splitlines() if line.strip()]
