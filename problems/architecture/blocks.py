"""Named blocks: the structure of a layer of a published family, without its widths.

Each is checked against the parameter counts of published models of its family (see
tests/reference).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, QkNorm
from modelsizer.problems.architecture.feedforward import DenseFeedForward
from modelsizer.problems.architecture.mixers import Count
from modelsizer.problems.architecture.patterns import UNIFORM, Pattern
from modelsizer.problems.registry import Registry


@dataclass(frozen=True, slots=True)
class Block:
    """Structure of a layer, apart from its widths.

    Parameters
    ----------
    name : str
        Name in problem files.
    about : str
        One-line description, with the source.
    gated : bool
        Whether the feed-forward is gated.
    qkv_bias, output_bias, ffn_bias : bool
        Whether the projections have biases.
    norms : int
        Number of normalisations of d_model in a layer.
    norm_bias : bool
        Whether norms are LayerNorm with bias; otherwise RMSNorm.
    qk_norm : {"none", "head", "full"}
        Normalisation of queries and keys.
    learned_positions : bool
        Whether each position of `training.sequence_length` is learned.
    pattern : Pattern
        Numbers of layers of each kind.
    """

    name: str
    about: str
    gated: bool = True
    qkv_bias: bool = False
    output_bias: bool = False
    ffn_bias: bool = False
    norms: int = 2
    norm_bias: bool = False
    qk_norm: QkNorm = "none"
    learned_positions: bool = False
    pattern: Pattern = UNIFORM

    def parts(self, widths: Mapping[str, Count], sequence: int) -> tuple[Trunk, tuple[Layer, ...]]:
        """Trunk and kinds of layer; `sequence` positions are learned where the block learns them.

        Parameters
        ----------
        widths : mapping of str to (int or array of shape (W,))
            By the names of `modelsizer.problems.architecture.choices.WIDTHS`.
        sequence : int
        """
        tied = widths["tied_embeddings"]
        trunk = self.trunk(widths["d_model"], widths["vocab_size"], tied, sequence)
        return trunk, self.kinds(widths)

    def kinds(self, widths: Mapping[str, Count]) -> tuple[Layer, ...]:
        """The kinds of layer of this block, one for each kind of its pattern.

        Parameters
        ----------
        widths : mapping of str to (int or array of shape (W,))
            Keys are names in `modelsizer.problems.architecture.choices.WIDTHS`.
        """
        names = ("heads", "kv_heads", "head_dim", "d_ff")
        return (self.layer(*(widths[name] for name in names)),)

    def layer(self, heads: Count, kv_heads: Count, head_dim: Count, d_ff: Count) -> Layer:
        """A layer of this block with given widths."""
        return Layer(
            FullAttention(heads, kv_heads, head_dim, self.qkv_bias, self.output_bias, self.qk_norm),
            DenseFeedForward(d_ff, self.gated, self.ffn_bias),
            self.norms,
        )

    def trunk(self, d_model: Count, vocab_size: Count, tied: Count, sequence: int) -> Trunk:
        """A trunk of this block; with learned positions it has `sequence` of them."""
        positions = sequence if self.learned_positions else 0
        return Trunk(d_model, vocab_size, tied, self.norm_bias, positions)


BLOCKS = Registry(
    "block",
    (
        Block("llama", "RMSNorm, gated feed-forward, no biases (arXiv 2302.13971)"),
        Block("qwen2", "llama with query, key and value biases (2407.10671)", qkv_bias=True),
        Block("qwen3", "llama with RMSNorm of each query and key (2505.09388)", qk_norm="head"),
        Block("gemma2", "llama with norms before and after (2408.00118)", norms=4),
        Block("gemma3", "gemma2, queries and keys normed (2503.19786)", norms=4, qk_norm="head"),
        Block(
            "olmo2",
            "llama, queries and keys normed over all heads (2501.00656)",
            qk_norm="full",
        ),
        Block(
            "gpt2",
            "LayerNorm, plain feed-forward, biases, learned positions (Radford et al. 2019)",
            gated=False,
            qkv_bias=True,
            output_bias=True,
            ffn_bias=True,
            norm_bias=True,
            learned_positions=True,
        ),
        Block(
            "gpt-neox",
            "gpt2 with rotary positions (2204.06745)",
            gated=False,
            qkv_bias=True,
            output_bias=True,
            ffn_bias=True,
            norm_bias=True,
        ),
    ),
)
"""Blocks available as ``space.block``, by name."""
