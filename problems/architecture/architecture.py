"""A decoder-only language model: a trunk and a stack of layer groups.

The integers of every class here and of the kinds of mixer and feed-forward
(`modelsizer.problems.architecture.mixers`, `attention`, `state_space`, `linear_attention` and
`feedforward`) may be NumPy integer arrays: the same formulas then count a whole table of
architectures at once. A new kind is one more class with the same methods; other code does not
depend on its kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, Literal

from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    FeedForward,
    MixtureOfExperts,
    NoFeedForward,
)
from modelsizer.problems.architecture.mixers import Count, Mixer, NoAttention, check_positive
from modelsizer.problems.architecture.weight_formats import WeightFormat
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn

__all__ = [
    "Architecture",
    "Count",
    "DenseFeedForward",
    "FeedForward",
    "FullAttention",
    "LatentAttention",
    "Layer",
    "LayerGroup",
    "Mixer",
    "MixtureOfExperts",
    "Trunk",
]


@dataclass(frozen=True, slots=True)
class Layer:
    """One kind of layer.

    Parameters
    ----------
    attention : Mixer
        Attention, or what stands in its place.
    ffn : FeedForward
    norms : int
        Number of normalisations of d_model.
    shared : bool
        Whether all of these use the weights of another layer, which counts them (Zamba): the layer
        holds none, but computes, caches, keeps and reads as any other.
    extra_weights : int
        Further weights of its own that multiply each token, such as low-rank adapters of shared
        ones.
    extra_parameters : int
        Further parameters of its own.
    extra_flops : int
        Further FLOPs per token that are no products with weights, such as AltUp's mixing.
    """

    attention: Mixer
    ffn: FeedForward
    norms: int = 2
    shared: bool = False
    extra_weights: Count = 0
    extra_parameters: Count = 0
    extra_flops: Count = 0

    @property
    def inputs(self) -> int:
        """Number of its parts: a mixer, a feed-forward, or both."""
        none = isinstance(self.attention, NoAttention) + isinstance(self.ffn, NoFeedForward)
        return 2 - none


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """`count` layers of one kind."""

    layer: Layer
    count: int

    def __post_init__(self) -> None:
        check_positive("group", count=self.count)


@dataclass(frozen=True, slots=True)
class Trunk:
    """The parts of a model shared by all layers.

    Parameters
    ----------
    d_model, vocab_size : int
        Width of the residual stream; rows of the embedding.
    tied_embeddings : bool
        Whether the output head is the embedding, which is then counted once.
    norm_bias : bool
        Whether norms have scale and bias, LayerNorm (2 x d_model), or a scale only (d_model).
    positions : int
        Rows of learned positions; 0 for rotary and similar ones.
    norms : int
        Number of normalisations outside the layers: the final one; BLOOM has another after its
        embedding, OPT-350M has none.
    norm_scale : bool
        Whether normalisations have parameters at all.
    head_bias : bool
        Whether the output head has a bias (Phi, classifiers of tokens).
    embedding_width : int or None
        Width of the embedding if it is not d_model; two projections then connect them (OPT-350M).
    extra_embedding : int
        Parameters of further tables that are looked up (Gemma 3n's embeddings of each layer).
    extra_weights, extra_parameters : int
        Further weights that multiply each token, and further parameters, outside the layers.
    head : {"lm", "none"} or int
        Output head: logits of the vocabulary, none, or a number of values, as the labels of a
        classifier.
    """

    d_model: Count
    vocab_size: Count
    tied_embeddings: Any = False
    norm_bias: bool = False
    positions: int = 0
    norms: int = 1
    norm_scale: bool = True
    head_bias: bool = False
    embedding_width: int | None = None
    extra_embedding: Count = 0
    extra_weights: Count = 0
    extra_parameters: Count = 0
    head: Literal["lm", "none"] | int = "lm"

    def __post_init__(self) -> None:
        check_positive("trunk", d_model=self.d_model, vocab_size=self.vocab_size)
        if not isinstance(self.head, str):
            check_positive("trunk", head=self.head)

    def norm_width(self) -> Count:
        """Parameters of one normalisation of the residual stream."""
        return (2 if self.norm_bias else 1) * self.d_model * (1 if self.norm_scale else 0)

    def embedding_size(self) -> Count:
        """Parameters of the token embedding."""
        width = self.d_model if self.embedding_width is None else self.embedding_width
        return self.vocab_size * width

    def head_weights(self) -> Count:
        """Weights of the output head, tied or not."""
        width = self.d_model if self.embedding_width is None else self.embedding_width
        return width * self.outputs()

    def outputs(self) -> Count:
        """Values that the output head computes."""
        if isinstance(self.head, int):
            return self.head
        return self.vocab_size if self.head == "lm" else 0 * self.vocab_size

    def projections(self) -> Count:
        """Weights between an embedding of another width and the residual stream."""
        if self.embedding_width is None:
            return 0 * self.d_model
        return 2 * self.d_model * self.embedding_width


@dataclass(frozen=True, slots=True)
class Part:
    """A model beside the text model, as one of vision; parameters are None if not counted."""

    name: str
    parameters: int | None


@dataclass(frozen=True, slots=True)
class Whole:
    """A model that holds a text model beside others.

    Parameters
    ----------
    model_type : str
    parts : tuple of Part
        What stands beside the text model, with what connects the two.
    """

    model_type: str
    parts: tuple[Part, ...]

    def parameters(self, text: int) -> int | None:
        """Parameters of all parts with `text` those of the text model; None if not all count."""
        counts = [part.parameters for part in self.parts]
        if None in counts:
            return None
        return text + sum(count for count in counts if count is not None)

    def to_dict(self, text: int) -> dict[str, Any]:
        """Plain values for JSON, with `text` the parameters of the text model."""
        return {
            "model_type": self.model_type,
            "parts": {part.name: part.parameters for part in self.parts},
            "parameters": self.parameters(text),
        }


@dataclass(frozen=True, slots=True)
class Architecture(Drawn):
    """A trunk and groups of layers.

    Parameters
    ----------
    trunk : Trunk
    groups : tuple of LayerGroup
    block : str
        Named block, or `model_type` of the configuration that it was read from.
    order : tuple of int
        Group of each layer, from the first layer on; empty if it is not known. No count depends
        on it, so it is not compared.
    whole : Whole or None
        The model that this is the text part of; not compared.
    stored : WeightFormat or None
        Bytes per weight of the checkpoint, if its configuration has a quantisation; not compared.
    beside : int
        Bytes that the checkpoint holds beside these weights, such as layers of multi-token
        prediction; not compared.
    config : mapping or None
        The configuration that it was read from, with the defaults that were taken. It is not
        compared either.

    Raises
    ------
    ValueError
        If there is no group, a count is not a positive whole number, or kv_heads does not divide
        heads; the message names the field and the value.
    """

    trunk: Trunk
    groups: tuple[LayerGroup, ...]
    block: str = ""
    order: tuple[int, ...] = field(default=(), compare=False, repr=False)
    whole: Whole | None = field(default=None, compare=False, repr=False)
    stored: WeightFormat | None = field(default=None, compare=False, repr=False)
    beside: int = field(default=0, compare=False, repr=False)
    config: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    def _words(self) -> str:
        trunk, mixers = self.trunk, [group.layer.attention for group in self.groups]
        many = max(getattr(mixer, "heads", 0) for mixer in mixers)
        heads = f", {many} heads" if many else ""
        block = f"{self.block}, " if self.block else ""
        shape = f"{self.layers} layers x {trunk.d_model}{heads}"
        return f"{block}{shape}, vocabulary of {trunk.vocab_size}"

    def __post_init__(self) -> None:
        if not self.groups:
            raise ValueError("an architecture needs at least one group of layers")

    @property
    def kinds(self) -> tuple[Layer, ...]:
        """A layer of each group, as functions of `kinds` take them."""
        return tuple([group.layer for group in self.groups])

    @property
    def counts(self) -> tuple[Count, ...]:
        """Layers of each group."""
        return tuple([group.count for group in self.groups])

    @classmethod
    def of_layers(cls, trunk: Trunk, layers: Iterable[Layer], block: str = "") -> Architecture:
        """Build an architecture from layers, grouping those of one kind."""
        counts: dict[Layer, int] = {}
        stack = list(layers)
        for layer in stack:
            counts[layer] = counts.get(layer, 0) + 1
        number = {kind: i for i, kind in enumerate(counts)}
        groups = tuple(LayerGroup(kind, n) for kind, n in counts.items())
        return cls(trunk, groups, block, tuple(number[layer] for layer in stack))

    @property
    def layers(self) -> int:
        """Total number of layers."""
        return sum(group.count for group in self.groups)

    def stack(self) -> list[Layer] | None:
        """The layers, first to last, or None if their order is not known."""
        if len(self.groups) == 1:
            return [self.groups[0].layer] * self.groups[0].count
        return [self.groups[i].layer for i in self.order] or None
