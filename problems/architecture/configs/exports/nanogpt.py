"""Export an architecture as a configuration file of nanoGPT.

Based on karpathy/nanoGPT: ``configurator.py`` (commit 085bba526a18), which executes the file in
the namespace of ``train.py`` (commit e2221318e607), and ``model.py`` (commit 04a1d697ddc5).
nanoGPT has one kind of model, GPT-2's, and takes its vocabulary from the dataset's ``meta.pkl``.
"""

from __future__ import annotations

import re

from modelsizer.problems.architecture.architecture import Architecture, Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.configs.exports.common import (
    Stack,
    check_count,
    check_parts,
    refuse,
    stack_of,
)
from modelsizer.problems.architecture.configs.exports.features import Has
from modelsizer.problems.architecture.feedforward import DenseFeedForward

_HAS: Has = {
    Trunk: {"tied_embeddings", "norm_bias", "positions"},
    Layer: (),
    FullAttention: {"qkv_bias", "output_bias"},
    DenseFeedForward: {"gated", "bias"},
}
_OWN_VOCABULARY = 50304  # default of train.py, for a dataset without meta.pkl
_LARGEST_VOCABULARY = 2**16  # train.py reads the tokens of train.bin as uint16

_WITH_META = """\
# vocab_size = {n}
# It is no setting: train.py takes it from the meta.pkl beside train.bin. Write it there once:
#   import pickle
#   pickle.dump({{"vocab_size": {n}}}, open("data/DATASET/meta.pkl", "wb"))
"""

_WITHOUT_META = """\
# vocab_size = {n}
# It is no setting: {n} is nanoGPT's own for a dataset that has no meta.pkl.
"""


def to_nanogpt(architecture: Architecture) -> str:
    """Write a configuration file for ``python train.py FILE --dataset=DATASET``.

    Raises
    ------
    ConfigError
        If nanoGPT has no such model; the message says what prevents it.
    """
    why = "nanoGPT has GPT-2's block alone (LayerNorm, biases, learned positions, no gate)"
    check_parts(architecture, "nanogpt", ("gpt2",), _HAS, (), ("gelu",), why)
    stack = stack_of(architecture, "nanogpt")
    refuse("nanogpt", _obstacles(stack))
    trunk = stack.trunk
    vocabulary = _WITHOUT_META if trunk.vocab_size == _OWN_VOCABULARY else _WITH_META
    text = (
        f"# gpt2 of {stack.parameters:,} parameters, written by modelsizer for nanoGPT:\n"
        "#   python train.py FILE --dataset=DATASET\n"
        f"n_layer = {stack.layers}\n"
        f"n_head = {stack.attention.heads}\n"
        f"n_embd = {trunk.d_model}\n"
        f"block_size = {trunk.positions}\n"
        "bias = True\n"
    ) + vocabulary.format(n=trunk.vocab_size)
    check_count("nanogpt", count_nanogpt(text), stack.parameters)
    return text


def _obstacles(stack: Stack) -> list[str]:
    trunk, attention, found = stack.trunk, stack.attention, []
    if attention.kv_heads != attention.heads:
        found.append(
            f"it has a kv head for each head, got kv_heads = {attention.kv_heads} of "
            f"{attention.heads}"
        )
    if not stack.heads_span_the_model:
        found.append(
            f"it has heads x head_dim = d_model, got {attention.heads} x {attention.head_dim} on "
            f"{trunk.d_model}"
        )
    if stack.d_ff != 4 * trunk.d_model:
        found.append(f"it has d_ff = 4 d_model = {4 * trunk.d_model}, got {stack.d_ff}")
    if not trunk.tied_embeddings:
        found.append("it ties the embedding to the head, got tied_embeddings = false")
    if trunk.positions < 1:
        found.append("its positions are learned, got none")
    if trunk.vocab_size > _LARGEST_VOCABULARY:
        found.append(
            f"it stores tokens in two bytes, so vocab_size is at most {_LARGEST_VOCABULARY}, got "
            f"{trunk.vocab_size}"
        )
    return found


def count_nanogpt(text: str) -> int:
    """Number of parameters that ``model.py`` creates from a file of `to_nanogpt`."""
    values = dict(re.findall(r"^(?:# )?(\w+) = (\w+)$", text, re.MULTILINE))
    d, layers = int(values["n_embd"]), int(values["n_layer"])
    biased = values["bias"] == "True"

    def linear(inputs: int, outputs: int) -> int:
        return inputs * outputs + (outputs if biased else 0)

    norm = 2 * d if biased else d
    attention = linear(d, 3 * d) + linear(d, d)
    mlp = linear(d, 4 * d) + linear(4 * d, d)
    # lm_head shares the weights of wte, so it is counted once.
    embeddings = (int(values["vocab_size"]) + int(values["block_size"])) * d
    return embeddings + layers * (2 * norm + attention + mlp) + norm
