"""Named blocks: the structure of a layer of a published family, without its widths.

Each is checked against the parameter counts of published models of its family (see
tests/reference).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention, QkNorm
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    FeedForward,
    MixtureOfExperts,
)
from modelsizer.problems.architecture.linear_attention import GatedDeltaNet
from modelsizer.problems.architecture.mixers import Count, Mixer
from modelsizer.problems.architecture.state_space import Mamba2
from modelsizer.problems.records import dataclass
from modelsizer.problems.registry import Registry

Widths = Mapping[str, Count]
"""Widths by the names of `modelsizer.problems.architecture.choices.WIDTHS`; integers or arrays."""


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
    sinks, gate : bool
        Whether each head has a learned logit besides the scores, and whether a projection as wide
        as the queries gates the output; of grouped attention.
    router_bias, shared_gate : bool
        Whether the router of a mixture has a bias, and whether its shared experts have a learned
        gate, which the reference implementation holds even if there are none.
    full_every, window : int
        Published pattern of the family: one layer in so many sees everything, the others a window
        of so many tokens; the defaults of `[space]`. 1 and 0 if all layers are full.
    kv_groups : tuple of int
        Query heads per kv head that a space offers by default. Published models since Llama 2 70B
        most often share a kv head among 4 or 8 (8 in its 70B, 4 in Llama 3 8B and Mistral 7B);
        families that have only multi-head attention keep it.
    attention, others : str
        Published attention of the full layers, and what stands between them; the defaults of
        `attention` and `between` of `[space]`.
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
    sinks: bool = False
    gate: bool = False
    router_bias: bool = False
    shared_gate: bool = False
    full_every: int = 1
    window: int = 0
    kv_groups: tuple[int, ...] = (1, 4, 8)
    attention: str = "grouped"
    others: str = "window"

    def grouped(self, widths: Widths) -> FullAttention:
        """Grouped-query attention over the whole context."""
        heads, kv_heads, head_dim = (widths[name] for name in ("heads", "kv_heads", "head_dim"))
        return FullAttention(
            heads,
            kv_heads,
            head_dim,
            self.qkv_bias,
            self.output_bias,
            self.qk_norm,
            sinks=self.sinks,
            gate=self.gate,
        )

    def latent(self, widths: Widths) -> LatentAttention:
        """Multi-head latent attention; a query rank of 0 projects queries directly."""
        rank = widths["q_lora_rank"]
        return LatentAttention(
            widths["heads"],
            widths["kv_lora_rank"],
            widths["rope_dim"],
            widths["nope_dim"],
            widths["value_dim"],
            None if isinstance(rank, int) and rank == 0 else rank,
        )

    def between(self, kind: str, widths: Widths) -> Mixer:
        """The mixer of layers between full ones."""
        if kind == "window":
            return replace(self.grouped(widths), window=widths["window"])
        if kind == "gated-deltanet":
            names = ("key_heads", "value_heads", "key_dim", "value_dim", "conv")
            return GatedDeltaNet(*(widths[f"linear_{name}"] for name in names))
        names = ("heads", "head_dim", "state", "groups", "conv")
        return Mamba2(*(widths[f"linear_{name}"] for name in names))

    def dense(self, widths: Widths) -> DenseFeedForward:
        """The dense feed-forward."""
        return DenseFeedForward(widths["d_ff"], self.gated, self.ffn_bias)

    def experts(self, widths: Widths) -> MixtureOfExperts:
        """A mixture of experts; shared experts are as wide as routed ones."""
        width = widths["expert_d_ff"]
        return MixtureOfExperts(
            width,
            widths["routed_experts"],
            widths["active_experts"],
            self.gated,
            widths["shared_experts"] * width,
            expert_bias=self.ffn_bias,
            router_bias=self.router_bias,
            shared_gate=self.shared_gate,
        )

    def layer(self, mixer: Mixer, ffn: FeedForward) -> Layer:
        """A layer of this block."""
        return Layer(mixer, ffn, self.norms)

    def trunk(self, d_model: Count, vocab_size: Count, tied: Count, sequence: int) -> Trunk:
        """A trunk of this block; with learned positions it has `sequence` of them."""
        positions = sequence if self.learned_positions else 0
        return Trunk(d_model, vocab_size, tied, self.norm_bias, positions)


BLOCKS = Registry(
    "block",
    (
        Block("llama", "RMSNorm, gated feed-forward, no biases (arXiv 2302.13971)"),
        Block(
            "qwen2",
            "llama with biases of queries, keys and values, a gate of shared experts (2407.10671)",
            qkv_bias=True,
            shared_gate=True,
        ),
        Block("qwen3", "llama with RMSNorm of each query and key (2505.09388)", qk_norm="head"),
        Block("qwen3-moe", "qwen3, of its mixtures of experts (2505.09388)", qk_norm="head"),
        Block(
            "qwen3-next",
            "qwen3 with gates of attention and of shared experts, every fourth layer full among "
            "gated delta nets (huggingface.co/Qwen/Qwen3-Next-80B-A3B-Instruct)",
            qk_norm="head",
            gate=True,
            shared_gate=True,
            full_every=4,
            others="gated-deltanet",
        ),
        Block("deepseek", "llama with latent attention (V3, 2412.19437)", attention="latent"),
        Block(
            "gpt-oss",
            "llama with biases and attention sinks, every second layer full (2508.10925)",
            qkv_bias=True,
            output_bias=True,
            ffn_bias=True,
            sinks=True,
            router_bias=True,
            full_every=2,
            window=128,
        ),
        Block(
            "nemotron-h",
            "RMSNorm, plain feed-forward, one full layer in seven among Mamba-2: 4 of 28 mixers in "
            "the 8B (2504.03624)",
            gated=False,
            full_every=7,
            others="mamba2",
        ),
        Block(
            "gemma2",
            "llama with norms before and after, every second layer full (2408.00118)",
            norms=4,
            full_every=2,
            window=4096,
        ),
        Block(
            "gemma3",
            "gemma2, queries and keys normed, every sixth layer full (2503.19786)",
            norms=4,
            qk_norm="head",
            full_every=6,
            window=1024,
        ),
        Block(
            "olmo2",
            "llama, queries and keys normed over all heads (2501.00656)",
            qk_norm="full",
        ),
        Block(
            "olmo3",
            "olmo2, every fourth layer full (2512.13961)",
            qk_norm="full",
            full_every=4,
            window=4096,
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
            kv_groups=(1,),
        ),
        Block(
            "gpt-neox",
            "gpt2 with rotary positions (2204.06745)",
            gated=False,
            qkv_bias=True,
            output_bias=True,
            ffn_bias=True,
            norm_bias=True,
            kv_groups=(1,),
        ),
    ),
)
"""Blocks available as ``space.block``, by name."""
