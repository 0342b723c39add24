"""Parameters of the model that Megatron-LM builds from the arguments of an exported file.

By the modules of megatron-core 0.16.1: ``core/models/gpt``, ``core/transformer/attention.py``,
``multi_latent_attention.py``, ``mlp.py`` and ``moe``.
"""

from __future__ import annotations

import ast
import math
import re
import shlex
from collections.abc import Callable, Mapping
from types import MappingProxyType


def count_megatron(text: str) -> int:
    """Number of parameters that Megatron-LM creates from a file of `to_megatron`, for TP_SIZE=1."""
    vocabulary = re.findall(r"^VOCAB_SIZE=(\d+)$", text, re.MULTILINE)[0]
    listed = text.partition("MODEL_ARGS=(\n")[2].rpartition(")")[0]
    listed = listed.replace("$((VOCAB_SIZE / TP_SIZE))", vocabulary).replace("$TP_SIZE", "1")
    given = _Arguments(listed)
    d = given.number("--hidden-size")
    norm = given.norm(d)
    multiple = given.number("--make-vocab-size-divisible-by", 128)
    rows = math.ceil(int(vocabulary) / multiple) * multiple
    positions = 0
    if given.word("--position-embedding-type", "learned_absolute") == "learned_absolute":
        positions = given.number("--max-position-embeddings") * d
    matrices = 2 if "--untie-embeddings-and-output-weights" in given else 1
    total = matrices * rows * d + positions + norm
    if "--hybrid-layer-pattern" in given:
        return total + sum(
            norm + _PARTS[symbol](given) for symbol in given.word("--hybrid-layer-pattern", "")
        )
    layers = given.number("--num-layers")
    # An integer N is one mixture in N layers; the default is 1.
    routed = given.layers("--moe-layer-freq", layers) if "--num-experts" in given else [0] * layers
    total += layers * (_attention(given) + 2 * norm)
    total += (layers - sum(routed)) * _mlp(given, given.number("--ffn-hidden-size"))
    return total + (sum(routed) * _mixture(given) if sum(routed) else 0)


class _Arguments:
    """Flags and their values, with Megatron's defaults."""

    def __init__(self, listed: str) -> None:
        rows = (shlex.split(line) for line in listed.splitlines() if line.strip())
        self._given = {row[0]: " ".join(row[1:]) for row in rows}
        self.bias = "--disable-bias-linear" not in self

    def __contains__(self, flag: str) -> bool:
        return flag in self._given

    def word(self, flag: str, default: str) -> str:
        return self._given.get(flag, default)

    def number(self, flag: str, default: int | None = None) -> int:
        return int(self._given[flag] if default is None else self._given.get(flag, default))

    def layers(self, flag: str, layers: int) -> list[int]:
        """Ones and zeros of a list expression, one for each layer; all ones by default."""
        return _evaluated(self.word(flag, f"[1]*{layers}"))

    def norm(self, width: int) -> int:
        return width if self.word("--normalization", "LayerNorm") == "RMSNorm" else 2 * width

    def linear(self, inputs: int, outputs: int, biased: bool) -> int:
        return inputs * outputs + (outputs if biased else 0)


def _evaluated(expression: str) -> list[int]:
    """Value of an expression of lists, sums and repetitions."""

    def value(node: ast.expr) -> list[int]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return value(node.left) + value(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            times: int = ast.literal_eval(node.right)
            return value(node.left) * times
        found: list[int] = ast.literal_eval(node)
        return found

    return value(ast.parse(expression, mode="eval").body)


def _attention(a: _Arguments) -> int:
    d, heads = a.number("--hidden-size"), a.number("--num-attention-heads")
    if "--multi-latent-attention" in a:
        rope, latent = a.number("--qk-pos-emb-head-dim", 64), a.number("--kv-lora-rank", 32)
        inner = a.number("--qk-head-dim", 128) + rope
        own, rank = a.number("--v-head-dim", 128), a.number("--q-lora-rank", 0)
        normed = "--qk-layernorm" in a
        total = rank * (d + heads * inner) if rank else d * heads * inner
        total += d * (latent + rope) + latent * heads * (inner - rope + own)
        total += a.linear(heads * own, d, a.bias)
        if "--dsa-indexer-n-heads" in a:
            own, wide = a.number("--dsa-indexer-n-heads"), a.number("--dsa-indexer-head-dim")
            total += rank * own * wide + d * (wide + own) + 2 * wide  # its key has a LayerNorm
        return total + (a.norm(latent) + a.norm(rank) if normed else 0)
    head = a.number("--kv-channels")
    groups = a.number("--num-query-groups", 1) if "--group-query-attention" in a else heads
    queries = 2 * heads if "--attention-output-gate" in a else heads
    total = a.linear(d, (queries + 2 * groups) * head, a.bias or "--add-qkv-bias" in a)
    total += a.linear(heads * head, d, a.bias)
    if "--qk-layernorm" in a:
        total += 2 * a.norm(head)
    return total + (heads if a.word("--softmax-type", "vanilla") == "learnable" else 0)


def _mlp(a: _Arguments, width: int, outer: int = 0) -> int:
    d, gated = outer or a.number("--hidden-size"), "--swiglu" in a or "--quick-geglu" in a
    return a.linear(d, 2 * width if gated else width, a.bias) + a.linear(width, d, a.bias)


def _mixture(a: _Arguments) -> int:
    d, experts, latent = (
        a.number("--hidden-size"),
        a.number("--num-experts"),
        a.number("--moe-latent-size", 0),
    )
    total = a.linear(d, experts, a.bias)
    total += experts * _mlp(a, a.number("--moe-ffn-hidden-size"), latent)
    total += a.linear(d, latent, a.bias) + a.linear(latent, d, a.bias) if latent else 0
    if "--moe-shared-expert-intermediate-size" in a:
        total += _mlp(a, a.number("--moe-shared-expert-intermediate-size"))
        total += d if "--moe-shared-expert-gate" in a else 0
    return total


_TAPS = 4  # d_conv of core/ssm/mamba_mixer.py, which no flag sets


def _mamba(a: _Arguments) -> int:
    """core/ssm/mamba_mixer.py: projections, convolution with bias, A, D, dt and the gated norm."""
    d, heads = a.number("--hidden-size"), a.number("--mamba-num-heads")
    inner = heads * a.number("--mamba-head-dim", 64)
    groups = 2 * a.number("--mamba-num-groups", 8) * a.number("--mamba-state-dim", 128)
    total = d * (2 * inner + groups + heads) + (inner + groups) * (_TAPS + 1)
    return total + 3 * heads + inner + inner * d


def _delta(a: _Arguments) -> int:
    """core/ssm/gated_delta_net.py: projections, convolution without bias, A, dt and the norm."""
    d, values = a.number("--hidden-size"), a.number("--linear-num-value-heads")
    each = a.number("--linear-value-head-dim")
    keys = a.number("--linear-num-key-heads") * a.number("--linear-key-head-dim")
    mixed = 2 * keys + values * each
    total = d * (mixed + values * each + 2 * values) + mixed * a.number("--linear-conv-kernel-dim")
    return total + 2 * values + each + values * each * d


_PARTS: Mapping[str, Callable[[_Arguments], int]] = MappingProxyType(
    {
        "M": _mamba,
        "G": _delta,
        "*": _attention,
        "-": lambda a: _mlp(a, a.number("--ffn-hidden-size")),
        "E": _mixture,
    }
)
"""Parameters of each symbol of ``--hybrid-layer-pattern``, without its norm."""
