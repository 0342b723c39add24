"""Rules of the types for what each layer of a stack is, as words.

A rule takes the fields, the type and the number of layers, and returns a word for each layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from modelsizer.problems.architecture.configs.fields import ConfigError, Fields
from modelsizer.problems.architecture.configs.model_types import ModelType
from modelsizer.problems.errors import short

FULL, SLIDING = "full_attention", "sliding_attention"
DENSE, SPARSE = "dense", "sparse"

Rule = Callable[[Fields, ModelType, int], list[str]]

_FORMER_WORDS = {"attention": FULL, "mamba": "linear_attention"}
"""Words that the library still reads as others (`configuration_utils.remap_legacy_layer_types`)."""


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
    if len(words) != layers:
        raise ConfigError(f"{name} has {len(words)} entries for {layers} layers")
    if not set(words) <= set(known):
        words = [_FORMER_WORDS.get(word, word) for word in words]
    for word in words:
        if word not in known:
            raise ConfigError(f"{name}: {short(word)} is not one of {', '.join(known)}")
    return words


def _all(word: str) -> Rule:
    return lambda _f, _t, layers: [word] * layers


def _period(f: Fields, t: ModelType) -> int:
    return t.period if isinstance(t.period, int) and t.period else f.count(str(t.period))


def _by_period(at: int) -> Rule:
    """Full attention in layer `at` of each period, counted from 0; -1 for its last."""

    def rule(f: Fields, t: ModelType, layers: int) -> list[str]:
        n = f.count("sliding_window_pattern") if not t.period else _period(f, t)
        return [FULL if i % n == at % n else SLIDING for i in range(layers)]

    return rule


def _upper(f: Fields, _: ModelType, layers: int) -> list[str]:
    first = f.count("max_window_layers", least=0)
    return [SLIDING if i >= first else FULL for i in range(layers)]


def _lower_alternating(f: Fields, _: ModelType, layers: int) -> list[str]:
    last = f.count("max_window_layers", least=0)
    return [SLIDING if i % 2 == 0 and i < last else FULL for i in range(layers)]


def _without_rope(f: Fields, _: ModelType, layers: int) -> list[str]:
    rope = f.list_of("no_rope_layers", int, "0 and 1")
    interval = f.count("no_rope_layer_interval")
    if rope and len(rope) < layers:
        raise ConfigError(f"no_rope_layers has {len(rope)} entries, fewer than layers")
    has = [bool(rope[i]) if rope else bool((i + 1) % interval) for i in range(layers)]
    return [FULL if turned else SLIDING for turned in has]


LAYERS: Mapping[str, Rule] = MappingProxyType(
    {
        "full": _all(FULL),
        "sliding": _all(SLIDING),
        "period": _by_period(-1),
        "period_from_first": _by_period(0),
        "upper": _upper,
        "lower_alternating": _lower_alternating,
        "without_rope": _without_rope,
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


FFN_LAYERS: Mapping[str, Rule] = MappingProxyType(
    {
        "dense": _all(DENSE),
        "sparse": _all(SPARSE),
        "sparse_step": _sparse_step,
        "first_dense": _first_dense,
    }
)
"""Rules for the kind of feed-forward of each layer."""
