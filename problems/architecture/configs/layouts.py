"""Rules of the types for what each layer of a stack is, as words.

A rule takes the fields, the type and the number of layers, and returns a word for each layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.errors import short

FULL, SLIDING, CHUNKED = "full_attention", "sliding_attention", "chunked_attention"
LINEAR = "linear_attention"
DENSE, SPARSE = "dense", "sparse"

Rule = Callable[[Fields, ModelType, int], list[str]]

_FORMER_WORDS = {"attention": FULL, "mamba": LINEAR}
"""Words that the library still reads as others (`configuration_utils.remap_legacy_layer_types`)."""


def former(words: Sequence[str]) -> list[str]:
    """Words of layers, with those that the library reads as others replaced."""
    return [_FORMER_WORDS.get(word, word) for word in words]


def words_of(f: Fields, name: str, layers: int, known: Sequence[str]) -> list[str] | None:
    """Words of a field that lists one for each layer, or None if there is none.

    Raises
    ------
    ConfigError
        If it has not one entry for each layer, or an entry is none of `known`.
    """
    words = f.list_of(name, str, "text")
    if words is None:
        return None
    predicting = f.maybe("num_nextn_predict_layers", least=0) or 0
    if len(words) == layers + predicting:  # files of Step-3.5 list prediction heads too
        words = words[:layers]
    if len(words) != layers:
        raise ConfigError(f"{name} has {len(words)} entries for {layers} layers")
    if not set(words) <= set(known):
        words = former(words)
    for word in words:
        if word not in known:
            raise ConfigError(f"{name}: {short(word)} is not one of {', '.join(known)}")
    return words


def _all(word: str) -> Rule:
    return lambda _f, _t, layers: [word] * layers


def _period(f: Fields, t: ModelType) -> int:
    return t.period if isinstance(t.period, int) and t.period else f.count(str(t.period))


def _by_period(at: int, other: str = SLIDING) -> Rule:
    """Full attention in layer `at` of each period, counted from 0; -1 for its last."""

    def rule(f: Fields, t: ModelType, layers: int) -> list[str]:
        n = f.count("sliding_window_pattern") if not t.period else _period(f, t)
        return [FULL if i % n == at % n else other for i in range(layers)]

    return rule


def _upper(f: Fields, _: ModelType, layers: int) -> list[str]:
    first = f.count("max_window_layers", least=0)
    return [SLIDING if i >= first else FULL for i in range(layers)]


def _lower_alternating(f: Fields, _: ModelType, layers: int) -> list[str]:
    last = f.count("max_window_layers", least=0)
    return [SLIDING if i % 2 == 0 and i < last else FULL for i in range(layers)]


def _rotary(f: Fields, layers: int) -> list[bool]:
    """Whether each layer has rotary positions, as `no_rope_layers` says with 1 for yes."""
    rope = f.list_of("no_rope_layers", int, "0 and 1")
    interval = f.count("no_rope_layer_interval")
    if rope and len(rope) < layers:
        raise ConfigError(f"no_rope_layers has {len(rope)} entries, fewer than layers")
    return [bool(rope[i]) if rope else bool((i + 1) % interval) for i in range(layers)]


def _without_rope(f: Fields, _: ModelType, layers: int) -> list[str]:
    slide = f.flag("use_sliding_window", False)  # not of layers that `layer_types` names
    return [SLIDING if slide and not rotary else FULL for rotary in _rotary(f, layers)]


def _chunked_with_rope(f: Fields, _: ModelType, layers: int) -> list[str]:
    return [CHUNKED if rotary else FULL for rotary in _rotary(f, layers)]


def _period_after_dense(f: Fields, _: ModelType, layers: int) -> list[str]:
    """Cohere 2's mixture: the first, dense layers have a period of their own."""
    first = f.count("first_k_dense_replace", least=0)
    before, after = (
        f.count(name) for name in ("prefix_dense_sliding_window_pattern", "sliding_window_pattern")
    )
    places = [(i, before) if i < first else (i - first, after) for i in range(layers)]
    return [SLIDING if (i + 1) % n else FULL for i, n in places]


def _by_offset(period: str, offset: str, at: str, other: str) -> Rule:
    """A word in each layer at an offset of a period, both of which fields say."""

    def rule(f: Fields, _: ModelType, layers: int) -> list[str]:
        n, first = f.count(period), f.count(offset, least=0)
        if first >= n:
            raise ConfigError(f"{f.named(offset)} = {first} must be below {period} = {n}")
        return [at if i % n == first else other for i in range(layers)]

    return rule


def _listed(name: str, at: str, other: str) -> Rule:
    """A word in the layers that a field lists; what it is without the field, the row says."""

    def rule(f: Fields, t: ModelType, layers: int) -> list[str]:
        listed = f.list_of(name, int, "layer numbers")
        if listed is None:
            return [t.unlisted or other] * layers
        return [at if i in listed else other for i in range(layers)]

    return rule


def _last_of_four(_f: Fields, _: ModelType, layers: int) -> list[str]:
    """Full attention in every fourth layer, and in the last of fewer than four."""
    words = [FULL if i % 4 == 3 else LINEAR for i in range(layers)]
    return words if FULL in words else [*words[:-1], FULL]


def _third_of_four(_f: Fields, _: ModelType, layers: int) -> list[str]:
    """LFM3: full attention in the third of four layers, windows in the first but layer 0."""
    words = [FULL if i % 4 == 2 else SLIDING if i % 4 == 0 else "conv" for i in range(layers)]
    return ["conv", *words[1:]]


_BLOCKS = {"M": LINEAR, "*": FULL, "E": "moe", "-": "mlp"}
"""Letters of `hybrid_override_pattern`."""


def _blocks(f: Fields, t: ModelType, layers: int) -> list[str]:
    """Words of Nemotron-H, whose number is that of its layers, whatever `num_hidden_layers` says.

    Raises
    ------
    ConfigError
        If there is a word or letter that is none of the library's.
    """
    words, letters = f.list_of("layers_block_type", str, "text"), f.take("hybrid_override_pattern")
    if words is not None:
        words = former(words)
    elif letters is not None:
        words = [_BLOCKS.get(letter, letter) for letter in str(letters)]
    else:
        words = [LINEAR, "moe", FULL, "mlp"]
    for word in words:
        if word not in t.mixers:
            raise ConfigError(f"{short(word)} is none of the kinds of layer {', '.join(t.mixers)}")
    if not words:
        raise ConfigError("hybrid_override_pattern is empty: there is no layer")
    if f.written("num_hidden_layers") and len(words) != layers:
        f.notes.append(f"num_hidden_layers = {layers} is ignored: {len(words)} layers are listed")
    return words


def _repeated(f: Fields, t: ModelType, layers: int) -> list[str]:
    """Words of `block_types`, again and again."""
    words = f.list_of("block_types", str, "text") or ["recurrent", "recurrent", "attention"]
    for word in words:
        if word not in t.mixers:
            raise ConfigError(f"block_types: {short(word)} is not one of {', '.join(t.mixers)}")
    return [words[i % len(words)] for i in range(layers)]


def _kimi(f: Fields, _: ModelType, layers: int) -> list[str]:
    """Layers that `linear_attn_config` lists, counted from 1, or every fourth after the first."""
    nested = f.take("linear_attn_config")
    inner = Fields(nested if isinstance(nested, Mapping) else {}, {})
    full = inner.list_of("full_attn_layers", int, "layer numbers")
    linear = inner.list_of("kda_layers", int, "layer numbers")
    if full is None or linear is None:
        return [FULL if i and i % 4 == 0 else LINEAR for i in range(layers)]
    if sorted({*full, *linear}) != list(range(1, layers + 1)):
        raise ConfigError(f"linear_attn_config lists not each of {layers} layers")
    return [LINEAR if i + 1 in linear else FULL for i in range(layers)]


def _first_or_period(f: Fields, t: ModelType, layers: int) -> list[str]:
    """MiMo-V2: full attention in the first layer, and in the last of each period."""
    words = _by_period(-1)(f, t, layers)
    return [FULL, *words[1:]]


def _index_shared(f: Fields, _: ModelType, layers: int) -> list[str]:
    """GLM-5: layers that select with an indexer of their own, and those that take an earlier's."""
    listed = f.take("indexer_types") or f.take("index_topk_pattern")
    step = max(f.count("index_topk_freq", 1, least=0), 1)
    first = f.count("index_skip_topk_offset", 2, least=0)
    if listed is None:
        own = [max(i - first + 1, 0) % step == 0 for i in range(layers)]
    elif len(listed) != layers:
        raise ConfigError(f"the indexers of {layers} layers are listed with {len(listed)} entries")
    else:
        own = [entry in ("F", "full") for entry in listed]
    return ["indexed_attention" if mine else "shared_index" for mine in own]


def _ones(field: str, one: str, other: str, unlisted: str) -> Rule:
    """A word where a list holds 1, and another where it holds 0."""

    def rule(f: Fields, _: ModelType, layers: int) -> list[str]:
        listed = f.list_of(field, int, "0 and 1")
        if listed is None:
            return [unlisted] * layers
        if len(listed) != layers:
            raise ConfigError(f"{field} has {len(listed)} entries for {layers} layers")
        return [one if entry else other for entry in listed]

    return rule


LAYERS: Mapping[str, Rule] = MappingProxyType(
    {
        "full": _all(FULL),
        "sliding": _all(SLIDING),
        "period": _by_period(-1),
        "period_from_first": _by_period(0),
        "first_or_period": _first_or_period,
        "sparse_frequency": _ones("sparse_attention_freq", "minimax_m3_sparse", FULL, FULL),
        "attn_type_list": _ones("attn_type_list", FULL, LINEAR, FULL),
        "index_shared": _index_shared,
        "indexed": _all("indexed_attention"),
        "upper": _upper,
        "lower_alternating": _lower_alternating,
        "without_rope": _without_rope,
        "chunked_with_rope": _chunked_with_rope,
        "period_after_dense": _period_after_dense,
        "linear": _all(LINEAR),
        "linear_period": _by_period(-1, LINEAR),
        "linear_period_from_first": _by_period(0, LINEAR),
        "linear_offset": _by_offset("attn_layer_period", "attn_layer_offset", FULL, LINEAR),
        "attn_layer_indices": _listed("attn_layer_indices", FULL, LINEAR),
        "full_attn_idxs": _listed("full_attn_idxs", FULL, "conv"),
        "last_of_four": _last_of_four,
        "third_of_four": _third_of_four,
        "blocks": _blocks,
        "repeated": _repeated,
        "kimi": _kimi,
    }
)
"""Rules for the kind of attention of each layer."""


def _sparse_step(f: Fields, _: ModelType, layers: int) -> list[str]:
    step = f.count("decoder_sparse_step")
    dense = set(f.list_of("mlp_only_layers", int, "layer numbers") or [])
    return [SPARSE if i not in dense and (i + 1) % step == 0 else DENSE for i in range(layers)]


def _first_dense(f: Fields, _: ModelType, layers: int) -> list[str]:
    first = f.count("first_k_dense_replace", least=0)
    return [DENSE if i < first else SPARSE for i in range(layers)]


def _one_dense(_f: Fields, _t: ModelType, layers: int) -> list[str]:
    return [DENSE, *[SPARSE] * (layers - 1)]


def _first_dense_and_step(f: Fields, t: ModelType, layers: int) -> list[str]:
    step = f.count("moe_layer_freq", 1)
    words = _first_dense(f, t, layers)
    return [DENSE if i % step else word for i, word in enumerate(words)]


def _sparse_between(f: Fields, _: ModelType, layers: int) -> list[str]:
    """ERNIE: every n-th layer from a first to a last one."""
    step = f.count("moe_layer_interval")
    first = f.count("moe_layer_start_index", least=0)
    last = f.count("moe_layer_end_index", least=-1)
    last = layers - 1 if last == -1 else last
    return [SPARSE if first <= i <= last and (i + 1) % step == 0 else DENSE for i in range(layers)]


def _sparse_enumerated(f: Fields, _: ModelType, layers: int) -> list[str]:
    """Step-3.5: the layers listed, in text or as numbers, or all but three."""
    listed = f.take("moe_layers_enum")
    if isinstance(listed, str):
        parts = [part.strip() for part in listed.split(",") if part.strip()]
        if not all(part.isdecimal() for part in parts):
            raise ConfigError(f"moe_layers_enum must list layers, got {short(listed)}")
        listed = [int(part) for part in parts]
    elif listed is not None:
        listed = f.list_of("moe_layers_enum", int, "layer numbers")
    sparse = range(3, layers) if listed is None else listed
    return [SPARSE if i in sparse else DENSE for i in range(layers)]


def _sparse_listed(f: Fields, _: ModelType, layers: int) -> list[str]:
    """Llama 4: the layers listed, or every n-th."""
    step = f.count("interleave_moe_layer_step")
    listed = f.list_of("moe_layers", int, "layer numbers")
    sparse = range(step - 1, layers, step) if listed is None else listed
    return [SPARSE if i in sparse else DENSE for i in range(layers)]


def _expert_offset(f: Fields, t: ModelType, layers: int) -> list[str]:
    words = _by_offset("expert_layer_period", "expert_layer_offset", SPARSE, DENSE)(f, t, layers)
    return words if f.count(t.experts["total"]) > 1 else [DENSE] * layers


FFN_LAYERS: Mapping[str, Rule] = MappingProxyType(
    {
        "dense": _all(DENSE),
        "sparse": _all(SPARSE),
        "sparse_step": _sparse_step,
        "first_dense": _first_dense,
        "first_dense_and_step": _first_dense_and_step,
        "one_dense": _one_dense,
        "sparse_between": _sparse_between,
        "sparse_ones": _ones("moe_layer_freq", SPARSE, DENSE, SPARSE),
        "sparse_listed": _sparse_listed,
        "sparse_enumerated": _sparse_enumerated,
        "expert_offset": _expert_offset,
        "none": _all("none"),
    }
)
"""Rules for the kind of feed-forward of each layer."""
