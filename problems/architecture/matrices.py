"""The matrices of a layer one by one, with their shapes and names: what a quantisation converts.

Names are those of the linear modules of Hugging Face classes within a layer. One matrix has
several, as types call the same projection differently; a pattern that matches one of them means
the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.compressed_attention import (
    BlockIndexer,
    Compressor,
    SharedKeyAttention,
)
from modelsizer.problems.architecture.feedforward import (
    DenseFeedForward,
    MixtureOfExperts,
    SeveralFeedForwards,
)
from modelsizer.problems.architecture.linear_attention import (
    GatedDeltaNet,
    LightningAttention,
    ShortConvolution,
)
from modelsizer.problems.architecture.mixers import Several
from modelsizer.problems.architecture.state_space import GatedRecurrence, Mamba, Mamba2
from modelsizer.problems.records import dataclass

_ATTENTION = ("self_attn", "attn", "attention", "self_attention")
_LINEAR = ("linear_attn", "self_attn")
_STATE = ("mixer", "mamba")
_FFN = ("mlp", "feed_forward", "ffn")
_MIXTURE = ("mlp", "block_sparse_moe", "feed_forward", "moe", "ffn")
_SHARED = ("shared_experts", "shared_expert", "shared_mlp")
_GATE = ("gate_proj", "w1", "gate_up_proj")
_UP = ("up_proj", "w3", "gate_up_proj", "dense_h_to_4h", "fc1", "c_fc", "fc_in")
_DOWN = ("down_proj", "w2", "dense_4h_to_h", "fc2", "c_proj", "fc_out")
FUSED_QKV = frozenset({"bloom", "falcon", "gpt2", "gpt_bigcode", "gpt_neox", "phi3"})
FUSED_GATE_UP = frozenset({"glm", "glm4", "phi3"})
"""Types whose class holds queries, keys and values, or gate and up projections, as one matrix."""
LINEAR_ROUTERS = frozenset({"afmoe", "hunyuan_v1_moe"})
"""Types whose router is a linear module, which a method converts unless it is left out."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Equal matrices of a model.

    Parameters
    ----------
    part : str
        One of `modelsizer.problems.architecture.weight_formats.PARTS`.
    names : tuple of str
        Names within the layer, or of the module if it is outside; of experts those of the first.
    rows, columns : int
        Outputs and inputs.
    count : int
        Number of them.
    """

    part: str
    names: tuple[str, ...]
    rows: int
    columns: int
    count: int = 1

    @property
    def weights(self) -> int:
        """Weights of all of them."""
        return self.rows * self.columns * self.count


def _names(parents: tuple[str, ...], children: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{parent}.{child}" for parent in parents for child in children)


def _named(
    parents: tuple[str, ...], shapes: Mapping[tuple[str, ...], tuple[int, int]]
) -> list[Matrix]:
    """Matrices of a mixer by their names within it."""
    return [
        Matrix("attention", _names(parents, names), rows, columns)
        for names, (rows, columns) in shapes.items()
        if rows and columns
    ]


def _full(a: FullAttention, d: int, model_type: str) -> list[Matrix]:
    head, value = a.head_dim, a.head_dim if a.value_dim is None else a.value_dim
    width, kv_heads = a.input_dim or d, 0 if a.shares_cache else a.kv_heads
    queries, keys, values = (1 + a.gate) * a.heads * head, kv_heads * head, kv_heads * value
    fused = ("qkv_proj", "query_key_value", "c_attn", "Wqkv")
    shapes: dict[tuple[str, ...], tuple[int, int]] = {
        ("q_proj", *fused): (queries, width),
        ("k_proj", *fused): (keys, width),
        ("v_proj", *fused): (0 if a.value_is_key else values, width),
    }
    if model_type in FUSED_QKV:
        shapes = {fused: (queries + keys + values, width)}
    shapes[("o_proj", "dense", "out_proj", "c_proj")] = (d, a.heads * value)
    shapes[("g_proj",)] = (a.heads if a.head_gate else 0, d)
    return _named(_ATTENTION, shapes)


def _latent(a: LatentAttention, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    queries = a.heads * a.head_dim
    shapes: dict[tuple[str, ...], tuple[int, int]] = {("q_proj",): (queries, d)}
    if a.q_lora_rank:
        shapes = {("q_a_proj",): (a.q_lora_rank, d), ("q_b_proj",): (queries, a.q_lora_rank)}
    shapes |= {
        ("kv_a_proj_with_mqa",): (a.kv_lora_rank + a.rope_dim, d),
        ("kv_b_proj",): (a.heads * (a.nope_dim + a.value_dim), a.kv_lora_rank),
        ("o_proj",): (d, a.heads * a.value_dim),
        ("g_proj",): (a.heads if a.head_gate else 0, d),
    }
    if a.indexer is not None and not a.indexer.shared:
        shapes[("indexer.wq_b",)] = (a.indexer.heads * a.indexer.head_dim, a.q_lora_rank or 0)
        shapes[("indexer.wk",)] = (a.indexer.head_dim, d)
    return _named(_ATTENTION, shapes)


def _shared_key(a: SharedKeyAttention, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    wide, inner = a.heads * a.head_dim, a.groups * a.group_rank
    return _named(_ATTENTION, {
        ("q_a_proj",): (a.q_lora_rank, d),
        ("q_b_proj",): (wide, a.q_lora_rank),
        ("kv_proj",): (a.head_dim, d),
        ("o_a_proj",): (inner, wide // a.groups),
        ("o_b_proj",): (d, inner),
    })  # fmt: skip


def _compressor(c: Compressor, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    keys, indexed = c.overlap * c.head_dim, c.overlap * c.index_dim
    return _named(_ATTENTION, {
        ("compressor.kv_proj",): (keys, d),
        ("compressor.gate_proj",): (keys, d),
        ("compressor.indexer.kv_proj",): (indexed, d),
        ("compressor.indexer.gate_proj",): (indexed, d),
        ("compressor.indexer.q_b_proj",): (c.index_heads * c.index_dim, c.query_rank),
        ("compressor.indexer.scorer.weights_proj",): (c.index_heads, d),
    })  # fmt: skip


def _blocks(b: BlockIndexer, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    return _named(_ATTENTION, {
        ("indexer.q_proj",): (b.index_heads * b.index_dim, d),
        ("indexer.k_proj",): (b.index_dim, d),
    })  # fmt: skip


def _mamba(m: Mamba, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    return _named(_STATE, {
        ("in_proj",): (2 * m.inner, d),
        ("x_proj",): (m.rank + 2 * m.state, m.inner),
        ("dt_proj",): (m.inner, m.rank),
        ("out_proj",): (d, m.inner),
    })  # fmt: skip


def _mamba2(m: Mamba2, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    inner = m.mamba_heads * m.mamba_head_dim
    inputs = 2 * inner + 2 * m.groups * m.state + m.mamba_heads
    return _named(_STATE, {("in_proj",): (inputs, d), ("out_proj",): (d, inner)})


def _delta(g: GatedDeltaNet, d: int, model_type: str) -> list[Matrix]:
    keys, values = g.key_heads * g.key_dim, g.value_heads * g.value_dim
    decays = g.value_heads * (g.key_dim if g.channel_decay else 1)
    shapes: dict[tuple[str, ...], tuple[int, int]]
    if model_type == "qwen3_next":
        shapes = {
            ("in_proj_qkvz",): (2 * keys + 2 * values, d),
            ("in_proj_ba",): (2 * g.value_heads, d),
        }
    elif g.channel_decay:
        shapes = {("q_proj",): (keys, d), ("k_proj",): (keys, d), ("v_proj",): (values, d)}
    else:
        shapes = {("in_proj_qkv",): (2 * keys + values, d)}
    if model_type != "qwen3_next":
        shapes[("in_proj_b", "b_proj")] = (g.value_heads, d)
        shapes |= _through(("in_proj_a", "f_proj"), "f", d, g.decay_rank, decays)
        shapes |= _through(("in_proj_z", "g_proj"), "g", d, g.gate_rank, values)
    shapes[("out_proj", "o_proj")] = (d, values)
    return _named(_LINEAR, shapes)


def _through(
    whole: tuple[str, ...], letter: str, d: int, rank: int, width: int
) -> dict[tuple[str, ...], tuple[int, int]]:
    """A projection, or two with a bottleneck between them."""
    if not rank:
        return {whole: (width, d)}
    return {(f"{letter}_a_proj",): (rank, d), (f"{letter}_b_proj",): (width, rank)}


def _lightning(a: LightningAttention, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    width = a.state_heads * a.state_head_dim
    return _named(_ATTENTION, {
        ("qkv_proj",): (3 * width, d),
        ("output_gate",): (width, d),
        ("out_proj",): (d, width),
    })  # fmt: skip


def _convolution(c: ShortConvolution, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    return _named(("conv",), {("in_proj",): (3 * c.width, d), ("out_proj",): (d, c.width)})


def _recurrence(g: GatedRecurrence, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    return _named(("temporal_block",), {
        ("linear_x",): (g.inner, d),
        ("linear_y",): (g.inner, d),
        ("linear_out",): (d, g.inner),
    })  # fmt: skip


def _several(part: Several | SeveralFeedForwards, d: int, model_type: str) -> list[Matrix]:
    return [matrix for inner in part.parts for matrix in _listed(inner, d, model_type)]


def _projections(
    part: str,
    parents: tuple[str, ...],
    d: int,
    width: int,
    gated: bool,
    fused: bool,
    count: int = 1,
) -> list[Matrix]:
    """Gate, up and down projections."""
    if fused and gated:
        found = [Matrix(part, _names(parents, ("gate_up_proj",)), 2 * width, d, count)]
    else:
        found = [Matrix(part, _names(parents, _UP), width, d, count)]
        if gated:
            found.append(Matrix(part, _names(parents, _GATE), width, d, count))
    return [*found, Matrix(part, _names(parents, _DOWN), d, width, count)]


def _dense(f: DenseFeedForward, d: int, model_type: str) -> list[Matrix]:
    return _projections("ffn", _FFN, d, f.d_ff, f.gated, model_type in FUSED_GATE_UP)


def _experts(f: MixtureOfExperts, d: int, model_type: str) -> list[Matrix]:
    parents = _names(_MIXTURE, ("experts.0", "experts"))
    width = f.latent or d
    found = _projections("experts", parents, width, f.d_ff, f.gated, False, f.experts)
    if f.idle_experts:  # all but the down projection
        idle = _projections("experts", parents, width, f.d_ff, f.gated, False, f.idle_experts)
        found += idle[:-1]
    if f.latent:
        found.append(Matrix("ffn", _names(_MIXTURE, ("fc1_latent_proj",)), f.latent, d))
        found.append(Matrix("ffn", _names(_MIXTURE, ("fc2_latent_proj",)), d, f.latent))
    if f.shared_d_ff:
        shared = _names(_MIXTURE, _SHARED)
        found += _projections("ffn", shared, d, f.shared_d_ff, f.gated, False)
    if model_type in LINEAR_ROUTERS:
        names = _names(_MIXTURE, ("gate.wg", "router.gate"))
        found.append(Matrix("router", names, f.experts, d))
    if f.shared_gate:
        found.append(Matrix("other", _names(_MIXTURE, ("shared_expert_gate",)), 1, d))
    return found


_LISTS: Mapping[type, Any] = {
    BlockIndexer: _blocks,
    Compressor: _compressor,
    DenseFeedForward: _dense,
    FullAttention: _full,
    GatedDeltaNet: _delta,
    GatedRecurrence: _recurrence,
    LatentAttention: _latent,
    LightningAttention: _lightning,
    Mamba: _mamba,
    Mamba2: _mamba2,
    MixtureOfExperts: _experts,
    Several: _several,
    SeveralFeedForwards: _several,
    SharedKeyAttention: _shared_key,
    ShortConvolution: _convolution,
}


def _listed(part: Any, d: int, model_type: str) -> list[Matrix]:
    """Matrices of a mixer or a feed-forward; none of kinds that are not listed."""
    found = _LISTS.get(type(part))
    return [] if found is None else list(found(part, d, model_type))


def layer_matrices(layer: Layer, trunk: Trunk, model_type: str = "") -> list[Matrix]:
    """Matrices that a layer holds and that a quantisation may convert.

    Left out are those that no method converts: other routers, the blocks of gated recurrences, and
    the weights of an indexer's heads, which the library keeps in full precision.

    Parameters
    ----------
    layer, trunk
    model_type : str
        Type of the configuration, for the matrices that it holds as one.
    """
    if layer.shared:
        return []
    parts = (layer.attention, layer.ffn)
    return [matrix for part in parts for matrix in _listed(part, trunk.d_model, model_type)]


def head_matrix(trunk: Trunk) -> Matrix | None:
    """The output head; None if there is none, or it is the embedding."""
    if trunk.head == "none" or (trunk.head == "lm" and trunk.tied_embeddings):
        return None
    names = ("lm_head", "embed_out", "output_layer", "score")
    return Matrix("head", names, trunk.outputs(), trunk.head_weights() // trunk.outputs())


def embedding_matrix(trunk: Trunk) -> Matrix:
    """The embedding of tokens."""
    names = ("embed_tokens", "wte", "embed_in", "word_embeddings", "embeddings")
    return Matrix("embedding", names, trunk.vocab_size, trunk.d_model)
