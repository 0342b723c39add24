"""Parameters, FLOPs, cache and serving memory of a design."""

from __future__ import annotations

from fractions import Fraction

from tests.support.oracle.data import Tables, ceil, exact
from tests.support.oracle.space import Design


def attention_matrices(a: Design) -> int:
    return 2 * a.d_model * (a.heads + a.kv_heads) * a.head_dim


def matrices(a: Design) -> int:
    """Weights of a layer that multiply each token."""
    return attention_matrices(a) + (3 if a.structure.gated else 2) * a.d_model * a.d_ff


def norm(a: Design) -> int:
    return (2 if a.structure.layer_norm else 1) * a.d_model


def layer_parameters(a: Design) -> int:
    s, total = a.structure, matrices(a)
    if s.qkv_bias:
        total += (a.heads + 2 * a.kv_heads) * a.head_dim
    if s.biases:
        total += 2 * a.d_model + a.d_ff
    total += s.norms * norm(a)
    if s.query_key_norm == "head":
        total += 2 * a.head_dim
    if s.query_key_norm == "all":
        total += (a.heads + a.kv_heads) * a.head_dim
    return total


def embedding(a: Design, sequence: int) -> int:
    positions = sequence * a.d_model if a.structure.learned_positions else 0
    return a.vocab_size * a.d_model + positions


def head(a: Design) -> int:
    return 0 if a.tied else a.vocab_size * a.d_model


def non_embedding(a: Design) -> int:
    return a.layers * layer_parameters(a) + norm(a)


def parameters(a: Design, sequence: int) -> int:
    return non_embedding(a) + embedding(a, sequence) + head(a)


def layer_forward(a: Design, seen: int) -> int:
    """Forward FLOPs of a token in a layer that attends to so many tokens."""
    return 2 * matrices(a) + 4 * seen * a.heads * a.head_dim


def forward(a: Design, context: int, *, causal: bool = False) -> int:
    total = 2 * a.vocab_size * a.d_model
    for count, seen in a.visible(context):
        scores = 4 * seen * a.heads * a.head_dim
        total += count * (2 * matrices(a) + (scores // 2 if causal else scores))
    return total


def training_flops_of_a_token(a: Design, training: Tables) -> int:
    sequence = training.get("sequence_length", 4096)
    passes = 4 if training.get("recompute") == "full" else 3
    convention = training.get("flops", "exact")
    if convention == "6ND":
        return passes * 2 * parameters(a, sequence)
    return passes * forward(a, sequence, causal=convention == "causal")


# Serving


def context_length(tables: Tables) -> int:
    default = tables.get("training", {}).get("sequence_length", 4096)
    return tables.get("serving", {}).get("context_length", default)


PARTS = ("attention", "ffn", "embedding", "head", "other")


def value_bytes(serving: Tables, kind: str, bits: int | None = None) -> Fraction:
    """Bytes of a value with its scale; `kind` is "weight" or "kv"."""
    bits = serving.get(f"{kind}_bits") if bits is None else bits
    if bits is None:
        return exact(serving.get(f"{kind}_bytes", 2))
    block = serving.get(f"{kind}_block", 128 if bits == 4 else None)
    scale = 0 if block is None or bits == 16 else exact(serving.get("scale_bytes", 2)) / block
    return Fraction(bits, 8) + scale


def weight_bytes(serving: Tables) -> dict[str, Fraction]:
    """Bytes of a weight of each part: of a dense design there are no experts."""
    for key, unit in (("weight_bytes", Fraction(1)), ("weight_bits", Fraction(1, 8))):
        if isinstance(serving.get(key), dict):
            given = {part: exact(value) * unit for part, value in serving[key].items()}
            given["head"] = given.get("head", given.get("embedding", Fraction(2)))
            return {part: given.get(part, Fraction(2)) for part in PARTS}
    matrix = value_bytes(serving, "weight")
    if "weight_bits" not in serving:
        return dict.fromkeys(PARTS, matrix)
    outer = value_bytes(serving, "weight", serving.get("embedding_bits", 16))
    of_layers = {"attention": matrix, "ffn": matrix}
    return of_layers | {"embedding": outer, "head": outer, "other": Fraction(2)}


def smallest_matrix(serving: Tables) -> Fraction:
    """Bytes of the smallest weight in matrices of the layers."""
    held = weight_bytes(serving)
    given = serving.get("weight_bits", serving.get("weight_bytes"))
    experts = given.get("experts") if isinstance(given, dict) else None
    bits = Fraction(1, 8) if isinstance(serving.get("weight_bits"), dict) else Fraction(1)
    found = [held["attention"], held["ffn"]]
    return min(found if experts is None else [*found, exact(experts) * bits])


def kv_values(a: Design) -> int:
    """Cached values of a token in a layer."""
    return 2 * a.kv_heads * a.head_dim


def kv_cache(a: Design, tables: Tables) -> Fraction:
    serving, context = tables.get("serving", {}), context_length(tables)
    shared = int(exact(serving.get("prefix_reuse", 0)) * context)

    def held(tokens: int) -> int:
        if serving.get("kv_policy") == "full":
            return a.layers * tokens
        return sum(count * seen for count, seen in a.visible(tokens)) if tokens else 0

    tokens = held(context - shared) * serving.get("batch_size", 1) + held(shared)
    return kv_values(a) * tokens * value_bytes(serving, "kv")


def served_weights(a: Design, tables: Tables) -> Fraction:
    held = weight_bytes(tables.get("serving", {}))
    sequence = tables.get("training", {}).get("sequence_length", 4096)
    attention, in_layers = a.layers * attention_matrices(a), a.layers * matrices(a)
    return (
        attention * held["attention"]
        + (in_layers - attention) * held["ffn"]
        + (non_embedding(a) - in_layers) * held["other"]
        + embedding(a, sequence) * held["embedding"]
        + head(a) * held["head"]
    )


def copies(a: Design, serving: Tables) -> int:
    """How often each kv head is held."""
    return ceil(Fraction(serving.get("tensor_parallel", 1), a.kv_heads))


def serving_devices(serving: Tables) -> int:
    return serving.get("accelerators", serving.get("tensor_parallel", 1))


def serving_memory(a: Design, tables: Tables) -> Fraction:
    serving = tables.get("serving", {})
    held = served_weights(a, tables) + copies(a, serving) * kv_cache(a, tables)
    return Fraction(held) / serving_devices(serving)


def serving_costs(a: Design, tables: Tables) -> dict[str, Fraction]:
    """All quantities that neither tokens nor layouts nor accelerators matter to."""
    sequence = tables.get("training", {}).get("sequence_length", 4096)
    each = a.layers * kv_values(a) * value_bytes(tables.get("serving", {}), "kv")
    found = {
        "layers": a.layers,
        "d_model": a.d_model,
        "parameters": parameters(a, sequence),
        "non_embedding_parameters": non_embedding(a),
        "active_parameters": parameters(a, sequence),
        "kv_cache": kv_cache(a, tables),
        "kv_bytes_per_token": each,
        "serving_memory": serving_memory(a, tables),
        "inference_flops_per_token": forward(a, context_length(tables)),
    }
    return {name: Fraction(value) for name, value in found.items()}
