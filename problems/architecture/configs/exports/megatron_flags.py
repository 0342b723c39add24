"""Flags of Megatron-LM that its scripts share, and the file that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from modelsizer.problems.architecture.architecture import Trunk
from modelsizer.problems.architecture.configs.exports.routers import Router
from modelsizer.problems.architecture.feedforward import MixtureOfExperts

_FILE = """\
# {block} of {parameters:,} parameters, written by modelsizer for Megatron-LM:
#   TP_SIZE=1 source FILE
#   torchrun ... {script} "${{MODEL_ARGS[@]}}" {asked} ...
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


def file_of(script: str, block: str, trunk: Trunk, parameters: int, flags: list[str]) -> str:
    """The shell file of some flags, to be sourced before the script is run."""
    asked = "--seq-length N"
    if not trunk.positions:
        asked += " --max-position-embeddings N"  # required, but unused with rotary positions
    return _FILE.format(
        block=block,
        script=script,
        parameters=parameters,
        asked=asked,
        vocab_size=trunk.vocab_size,
        flags="\n".join(f"    {line}" for line in _lines(flags)),
    )


def mixture(moe: MixtureOfExperts, chosen: Router) -> list[str]:
    """Flags of a mixture, without which layers have it."""
    flags = [
        *("--num-experts", str(moe.experts)),
        *("--moe-ffn-hidden-size", str(moe.d_ff)),
        *("--moe-router-topk", str(moe.active)),
        *("--expert-model-parallel-size", "${EP_SIZE:-1}"),
    ]
    if moe.latent:
        flags += ["--moe-latent-size", str(moe.latent)]
    if moe.shared_d_ff:
        flags += ["--moe-shared-expert-intermediate-size", str(moe.shared_d_ff)]
    if moe.shared_gate:
        flags.append("--moe-shared-expert-gate")
    return flags + _router(chosen)


def mixture_obstacles(moe: MixtureOfExperts, chosen: Router) -> list[str]:
    """What prevents the router of a mixture."""
    if moe.shared_gate and not moe.shared_d_ff:
        return ["its gate of shared experts needs some, got none"]
    if moe.active == 1 and chosen.score == "softmax" and chosen.normed:
        return ["its softmax router weighs the only expert of a token by its probability"]
    return []


def _router(found: Router) -> list[str]:
    flags = []
    if found.score == "sigmoid":
        flags += ["--moe-router-score-function", "sigmoid", "--moe-router-enable-expert-bias"]
    elif not found.normed:
        flags.append("--moe-router-pre-softmax")
    if found.groups > 1:
        flags += ["--moe-router-num-groups", str(found.groups)]
        flags += ["--moe-router-group-topk", str(found.top_groups)]
    if found.scale != 1.0:
        flags += ["--moe-router-topk-scaling-factor", str(found.scale)]
    return flags


def pattern(words: Sequence[bool]) -> str:
    """A Python list expression of ones and zeros, as short as its runs and its period allow.

    Examples
    --------
    >>> pattern([False, True, True])
    '[0]*1+[1]*2'
    >>> pattern([True, False, True, False, True])
    '([1]*1+[0]*1)*2+[1]*1'
    """

    def runs(part: Sequence[bool]) -> str:
        return "+".join(f"[{int(word)}]*{len(list(same))}" for word, same in groupby(part))

    n = len(words)
    period = next(p for p in range(1, n + 1) if all(words[i] == words[i - p] for i in range(p, n)))
    if period == 1 or n // period < 2:
        return runs(words)
    rest = runs(words[n - n % period :]) if n % period else ""
    return f"({runs(words[:period])})*{n // period}" + (f"+{rest}" if rest else "")


def _lines(flags: list[str]) -> list[str]:
    """One line per flag, with its value."""
    lines: list[str] = []
    for word in flags:
        if word.startswith("--"):
            lines.append(word)
        else:
            lines[-1] += f' "{word}"' if "[" in word else f" {word}"
    return lines
