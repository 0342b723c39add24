"""An independent reference: formulas written again in plain Python, designs in plain loops.

It shares no code with the package: it reads the tables of a problem file and returns the best
design. Slow, for small problems only.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

LAWS = {
    "hoffmann-2022": (1.6934, 406.4, 0.3392, 410.7, 0.2849, 1.0),
    "hoffmann-2022-rounded": (1.69, 406.4, 0.34, 410.7, 0.28, 1.0),
    "besiroglu-2024": (1.8172, 482.01, 0.3478, 2085.43, 0.3658, 1.0),
    "kaplan-2020": (0.0, 6.4e13 ** (0.076 / 0.103), 0.076 / 0.103, 1.8e13, 1.0, 0.103),
}


def menu(value: Any, step: int = 1) -> list[Any]:
    """Values of a number, a list or a range."""
    if isinstance(value, dict):
        return list(range(value["min"], value["max"] + 1, value.get("step", step)))
    return sorted(set(value)) if isinstance(value, list) else [value]


def designs(tables: dict[str, Any]) -> list[dict[str, Any]]:
    """Every distinct architecture of a space."""
    space = tables["space"]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for block in menu(space.get("block", "llama")):
        gated = block not in ("gpt2", "gpt-neox")
        for d in menu(space["d_model"], 128):
            for heads, head_dim in _heads(space, d):
                for kv in _kv(space, heads):
                    for d_ff in _ffn(space, d, gated):
                        for vocab in menu(space["vocab_size"]):
                            for tied in menu(space.get("tied_embeddings", False)):
                                for layers in menu(space["layers"]):
                                    ways = [
                                        tables.get(t, {}).get("tensor_parallel", 1)
                                        for t in ("training", "serving")
                                    ]
                                    if not all(
                                        heads % t == 0
                                        and (kv % t == 0 or t % kv == 0)
                                        and d_ff % t == 0
                                        and vocab % t == 0
                                        for t in ways
                                    ):
                                        continue
                                    if not _aspect(space.get("aspect_ratio"), d, layers):
                                        continue
                                    key = (block, d, heads, head_dim, kv, d_ff, vocab, tied, layers)
                                    names = ("block", "d", "h", "hd", "kv", "ff", "v", "tied", "l")
                                    found[key] = dict(zip(names, key, strict=True))
    return list(found.values())


def _heads(space: dict[str, Any], d: int) -> list[tuple[int, int]]:
    if "heads" in space and "head_dim" in space:
        return [(h, k) for h in menu(space["heads"]) for k in menu(space["head_dim"])]
    if "heads" in space:
        return [(h, d // h) for h in menu(space["heads"]) if d % h == 0]
    return [(d // k, k) for k in menu(space.get("head_dim", 128)) if d % k == 0]


def _kv(space: dict[str, Any], heads: int) -> list[int]:
    if "kv_heads" in space:
        return [k for k in menu(space["kv_heads"]) if heads % k == 0]
    if "kv_group" in space:
        return [heads // g for g in menu(space["kv_group"]) if heads % g == 0]
    return [heads]


def _ffn(space: dict[str, Any], d: int, gated: bool) -> list[int]:
    if "d_ff" in space:
        return menu(space["d_ff"])
    default = Fraction(8, 3) if gated else Fraction(4)
    ratios = (
        [Fraction(str(r)) for r in menu(space["ffn_ratio"])] if "ffn_ratio" in space else [default]
    )
    return [
        w
        for r in ratios
        for m in menu(space.get("ffn_multiple", 256))
        if (w := math.floor(r * d / m + Fraction(1, 2)) * m) > 0
    ]


def _aspect(rule: Any, d: int, layers: int) -> bool:
    if rule is None:
        return True
    ratio = Fraction(d, layers)
    if isinstance(rule, list):
        return ratio in [Fraction(str(r)) for r in rule]
    return ratio >= rule.get("min", 0) and ratio <= rule.get("max", 10**9)


def parameters(a: dict[str, Any], sequence: int) -> tuple[int, int]:
    """Total and non-embedding parameters."""
    d, h, k, kv, ff, n = a["d"], a["h"], a["hd"], a["kv"], a["ff"], a["l"]
    gpt2 = a["block"] == "gpt2"
    layer = d * h * k + 2 * d * kv * k + h * k * d
    layer += 2 * d * ff if gpt2 else 3 * d * ff
    if gpt2:
        layer += h * k + 2 * kv * k + d + ff + d + 4 * d
    elif a["block"] == "gemma2":
        layer += 4 * d
    else:
        layer += 2 * d + (2 * k if a["block"] == "qwen3" else 0)
    inner = n * layer + (2 * d if gpt2 else d)
    outer = a["v"] * d * (1 if a["tied"] else 2) + (sequence * d if gpt2 else 0)
    return inner + outer, inner


def forward(a: dict[str, Any], context: int, causal: bool = False) -> int:
    """Forward FLOPs for each token."""
    d, h, k, kv, ff = a["d"], a["h"], a["hd"], a["kv"], a["ff"]
    weights = 2 * d * (h + kv) * k + (2 if a["block"] == "gpt2" else 3) * d * ff
    scores = 4 * context * h * k // (2 if causal else 1)
    return a["l"] * (2 * weights + scores) + 2 * d * a["v"]


S = (0.2195783536, math.exp(1.082043835), 0.4758917337, math.exp(-0.2186969889))


def excess(w: float, layers: float) -> float:
    """Shape excess, its least value found by golden section instead of a formula."""
    a, big_a, b, big_b = S
    size = w * w * layers

    def shape(ln_w: float) -> float:
        width = math.exp(ln_w)
        return big_a * width**-a + big_b * (size / width**2) ** -b

    low, high = 0.0, 40.0
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(200):
        x, y = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, y) if shape(x) < shape(y) else (x, high)
    return max(shape(math.log(w)) - shape((low + high) / 2), 0.0)


def limits(value: Any) -> tuple[float, float]:
    """Ends of a budget."""
    if isinstance(value, dict):
        return float(value.get("min", 0)), float(value.get("max", math.inf))
    return 0.0, float(value)


def best(tables: dict[str, Any]) -> tuple[float, tuple[int, ...]] | None:
    """Objective and tie key of the best design, or None if none is feasible."""
    training, serving = tables.get("training", {}), tables.get("serving", {})
    budgets, objective = tables.get("budgets", {}), tables.get("objective", {})
    sequence = training.get("sequence_length", 4096)
    context = serving.get("context_length", sequence)
    law = objective.get("law", "besiroglu-2024")
    own = tables.get("laws", {}).get(law)
    e, big_a, alpha, big_b, beta, outer = (
        (own["E"], own["A"], own["alpha"], own["B"], own["beta"], own["outer"])
        if own
        else LAWS[law]
    )
    inner_n = law == "kaplan-2020" or (own or {}).get("parameters") == "non_embedding"
    sign = -1.0 if "maximize" in objective else 1.0
    name = objective.get("maximize") or objective.get("minimize", "loss")
    least, most = 0.0, math.inf
    if "tokens" in training:
        fixed = training["tokens"]
        least, most = limits(fixed) if isinstance(fixed, dict) else (float(fixed), float(fixed))
    low_t, high_t = limits(budgets.get("tokens", {}))
    least, most = max(least, low_t), min(most, high_t)
    low_c, high_c = limits(budgets.get("training_flops", {}))
    low_loss, high_loss = limits(budgets.get("loss", {}))
    found = None
    for a in designs(tables):
        total, inner = parameters(a, sequence)
        convention = training.get("flops", "exact")
        each = (
            6 * total if convention == "6ND" else 3 * forward(a, sequence, convention == "causal")
        )
        kv = 2 * a["kv"] * a["hd"] * a["l"] * serving.get("kv_bytes", 2)
        cache = kv * serving.get("batch_size", 1) * context
        copies = max(1, serving.get("tensor_parallel", 1) // a["kv"])
        ways = serving.get("accelerators", 1)
        quantities = {
            "parameters": total,
            "non_embedding_parameters": inner,
            "kv_bytes_per_token": kv,
            "kv_cache": cache,
            "serving_memory": (total * serving.get("weight_bytes", 2) + cache * copies) / ways,
            "inference_flops_per_token": forward(a, context),
        }
        if any(
            not low <= quantities[q] <= high
            for q, (low, high) in ((q, limits(v)) for q, v in budgets.items() if q in quantities)
        ):
            continue
        n = inner if inner_n else total
        shape = excess(a["d"], a["l"]) if objective.get("shape") != "none" else 0.0

        def loss(tokens: float, n: int = n, shape: float = shape) -> float:
            return e + (big_a * n**-alpha + big_b * tokens**-beta) ** outer + shape

        def inverse(target: float, n: int = n, shape: float = shape) -> float:
            left = max(target - shape - e, 0.0) ** (1 / outer) - big_a * n**-alpha
            return math.inf if left <= 0 else (big_b / left) ** (1 / beta)

        low, high = max(least, low_c / each), min(most, high_c / each)
        if low_loss > 0:
            high = min(high, inverse(low_loss))
        if high_loss < math.inf:
            low = max(low, inverse(high_loss))
        if low > high * (1 + 1e-12):
            continue
        few = sign > 0 and name in ("tokens", "training_flops")
        tokens = low if few else high
        quantities |= {"tokens": tokens, "training_flops": tokens * each}
        value = loss(tokens) if name == "loss" else quantities[name]
        key = (total, a["l"], a["d"], a["hd"], a["kv"], a["ff"], a["h"], a["v"], int(a["tied"]))
        if found is None or _before(sign * value, key, found):
            found = (sign * value, key)
    return None if found is None else (sign * found[0], found[1])


def _before(value: float, key: tuple[int, ...], found: tuple[float, tuple[int, ...]]) -> bool:
    near = abs(value - found[0]) <= 1e-12 * abs(found[0])
    return key < found[1] if near else value < found[0]
