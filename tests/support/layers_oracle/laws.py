"""Loss laws in N and D: published ones, ones of the problem's own, and the excess of a shape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support.layers_oracle.space import Dense, Design, Experts, Grouped
from tests.support.layers_oracle.tables import Tables

CHINCHILLA = {  # arXiv 2404.10102 and 2203.15556
    "besiroglu-2024": {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658},
    "hoffmann-2022": {"E": 1.6934, "A": 406.4, "alpha": 0.3392, "B": 410.7, "beta": 0.2849},
}
PESSIMIST = "ludziejewski-2025"
SHAPE = (math.exp(1.082043835), 0.2195783536, math.exp(-0.2186969889), 0.4758917337)


@dataclass(frozen=True)
class Loss:
    """E + (1 + q) (of_n + B / D^beta)^outer + excess, of one design."""

    e: float
    of_n: float
    big_b: float
    beta: float
    outer: float
    q: float
    shape: float

    def reducible(self, tokens: float) -> float:
        """law(N, D) - E"""
        return (self.of_n + self.big_b / tokens**self.beta) ** self.outer

    def __call__(self, tokens: float) -> float:
        return self.e + (1 + self.q) * self.reducible(tokens) + self.shape

    def tokens_for(self, loss: float) -> float:
        """Tokens at which the loss is this; infinite if it never is."""
        left = (loss - self.shape - self.e) / (1 + self.q)
        left = left ** (1 / self.outer) - self.of_n if left > 0 else 0.0
        return (self.big_b / left) ** (1 / self.beta) if left > 0 else math.inf


class Law:
    """The law of a problem.

    Attributes
    ----------
    counts : str
        What N is: total, non_embedding or active.
    drops : set of str
        Terms of evidence that the law has seen itself.
    """

    def __init__(self, tables: Tables) -> None:
        self.name = tables.get("objective", {}).get("law", "besiroglu-2024")
        self._own: Tables = tables.get("laws", {}).get(self.name) or CHINCHILLA.get(self.name, {})
        self._terms: list[dict[str, Any]] = self._own.get("terms", [])
        self.counts = "active" if self.name == PESSIMIST else self._own.get("parameters", "total")
        seen = {name for term in self._terms for name in term}
        self.drops = {"kv_heads"} if seen & {"kv_heads", "kv_group"} else set()
        self.drops |= {"ffn"} if seen & {"d_ff", "ffn_ratio"} else set()

    def at(self, a: Design, n: float, q: float, shape: float) -> Loss:
        """Loss of a design of N parameters."""
        if self.name == PESSIMIST:
            return _pessimist(a, n, q, shape)
        c = self._own
        if not self._terms:
            of_n = c["A"] / n ** c["alpha"]
            return Loss(c["E"], of_n, c["B"], c["beta"], c.get("outer", 1.0), q, shape)
        values, of_n, data = _features(a) | {"parameters": n}, 0.0, (0.0, 1.0)
        for term in self._terms:
            if "tokens" in term:
                data = term["coefficient"], -term["tokens"]
                continue
            product = term["coefficient"]
            for name, power in term.items():
                product *= values[name] ** power if name not in ("name", "coefficient") else 1
            of_n += product
        return Loss(c["E"], of_n, *data, 1.0, q, shape)


def _features(a: Design) -> dict[str, float]:
    found = {"d_model": a.d_model, "layers": a.layers}
    grouped, dense = a.first(Grouped), a.first(Dense)
    if grouped:
        found |= {"kv_heads": grouped.kv_heads, "kv_group": grouped.heads / grouped.kv_heads}
    return found | ({"d_ff": dense.d_ff, "ffn_ratio": dense.d_ff / a.d_model} if dense else {})


def _pessimist(a: Design, n: float, q: float, shape: float) -> Loss:
    """Ludziejewski et al. 2025 (arXiv 2502.05172, equation 6 and table 3) at E = 1 / A.

    E is the mean over layers, 1 for dense ones.
    """
    count = sum(g.count / activation(g.ffn) for g in a.groups) / a.layers
    start, most = 2.0732, 290.4521
    log = -math.log(1 / (count - 1 + 1 / (1 / start - 1 / most)) + 1 / most)
    of_n = 35.91 * math.exp(-0.2285 * log) * n ** (-0.1889 + 0.0098 * log)
    of_d = 35.98 * math.exp(0.5529 * log)
    return Loss(1.3637, of_n, of_d, 0.1775 + 0.0259 * log, 1.0, q, shape)


def activation(ffn: Dense | Experts) -> float:
    """Share of the experts that a token uses; 1 where there are none."""
    if isinstance(ffn, Dense):
        return 1.0
    return (ffn.active + ffn.shared) / (ffn.routed + ffn.shared)


@cache
def excess(d_model: int, layers: int) -> float:
    """Loss of a shape above the best of its size w^2 L (arXiv 2502.06857)."""
    a_big, a, b_big, b = SHAPE
    size = d_model**2 * layers
    width = (a * a_big * size**b / (2 * b * b_big)) ** (1 / (a + 2 * b))

    def loss(w: float, n: float) -> float:
        return a_big * w**-a + b_big * n**-b

    return max(loss(d_model, layers) - loss(width, size / width**2), 0.0)
