"""The matrices of a layer one by one, with their shapes and names: what a quantisation converts.

Names are those of the linear modules of Hugging Face classes within a layer. One matrix has
several, as types call the same projection differently; a pattern that matches one of them means
the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts

_ATTENTION = ("self_attn", "attn", "attention", "self_attention")
_FFN = ("mlp", "feed_forward", "ffn")
_MIXTURE = ("mlp", "block_sparse_moe", "feed_forward", "moe", "ffn")
_SHARED = ("shared_experts", "shared_expert", "shared_mlp")
_GATE = ("gate_proj", "w1", "gate_up_proj")
_UP = ("up_proj", "w3", "gate_up_proj", "dense_h_to_4h", "fc1", "c_fc", "fc_in")
_DOWN = ("down_proj", "w2", "dense_4h_to_h", "fc2", "c_proj", "fc_out")
FUSED_QKV = frozenset({"bloom", "falcon", "gpt2", "gpt_neox", "phi3"})
FUSED_GATE_UP = frozenset({"glm", "glm4", "phi3"})
"""Types whose class holds queries, keys and values, or gate and up projections, as one matrix."""


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


def _full(a: FullAttention, d: int, model_type: str) -> list[Matrix]:
    queries, keys = a.heads * a.head_dim, a.kv_heads * a.head_dim
    fused = ("qkv_proj", "query_key_value", "c_attn", "Wqkv")
    shapes: dict[tuple[str, ...], tuple[int, int]] = {
        ("q_proj", *fused): (queries, d),
        ("k_proj", *fused): (keys, d),
        ("v_proj", *fused): (keys, d),
    }
    if model_type in FUSED_QKV:
        shapes = {fused: (queries + 2 * keys, d)}
    shapes[("o_proj", "dense", "out_proj", "c_proj")] = (d, queries)
    return [Matrix("attention", _names(_ATTENTION, n), *shape) for n, shape in shapes.items()]


def _latent(a: LatentAttention, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    queries = a.heads * a.head_dim
    shapes = {"q_proj": (queries, d)}
    if a.q_lora_rank:
        shapes = {"q_a_proj": (a.q_lora_rank, d), "q_b_proj": (queries, a.q_lora_rank)}
    shapes |= {
        "kv_a_proj_with_mqa": (a.kv_lora_rank + a.rope_dim, d),
        "kv_b_proj": (a.heads * (a.nope_dim + a.value_dim), a.kv_lora_rank),
        "o_proj": (d, a.heads * a.value_dim),
    }
    return [Matrix("attention", _names(_ATTENTION, (n,)), *s) for n, s in shapes.items()]


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


def _experts(f: MixtureOfExperts, d: int, model_type: str) -> list[Matrix]:  # noqa: ARG001
    parents = _names(_MIXTURE, ("experts.0", "experts"))
    found = _projections("experts", parents, d, f.d_ff, f.gated, False, f.experts)
    if f.shared_d_ff:
        shared = _names(_MIXTURE, _SHARED)
        found += _projections("ffn", shared, d, f.shared_d_ff, f.gated, False)
    if f.shared_gate:
        found.append(Matrix("other", _names(_MIXTURE, ("shared_expert_gate",)), 1, d))
    return found


_LISTS: Mapping[type, Any] = {
    FullAttention: _full,
    LatentAttention: _latent,
    DenseFeedForward: _dense,
    MixtureOfExperts: _experts,
}


def layer_matrices(layer: Layer, trunk: Trunk, model_type: str = "") -> list[Matrix]:
    """Matrices of a layer; those of kinds that are not listed here are left out.

    Routers are left out too: no method converts them.

    Parameters
    ----------
    layer, trunk
    model_type : str
        Type of the configuration, for the matrices that it holds as one.
    """
    found: list[Matrix] = []
    for part in (layer.attention, layer.ffn):
        listed = _LISTS.get(type(part))
        found += [] if listed is None else listed(part, trunk.d_model, model_type)
    return found


def head_matrix(trunk: Trunk) -> Matrix | None:
    """The output head; None if it is the embedding."""
    if trunk.tied_embeddings:
        return None
    width = trunk.embedding_size() // trunk.vocab_size
    return Matrix("head", ("lm_head", "embed_out", "output_layer"), trunk.vocab_size, width)
