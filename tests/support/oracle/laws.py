"""Loss laws as their papers print them, and the excess of a shape."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.oracle.ablations import unseen
from tests.support.oracle.counts import non_embedding, parameters
from tests.support.oracle.data import Tables, catalogue, exact
from tests.support.oracle.space import Design

ENDLESS = 1e200  # tokens without end
CATALOGUE = "laws/catalogue.toml"
DEFAULT_LAW, DEFAULT_SHAPE = "besiroglu-2024", "gemstones-2025"
_SHAPE = ("layers", "d_model", "aspect_ratio")


def features(a: Design) -> dict[str, Fraction]:
    """What a law's terms may name, besides parameters and tokens."""
    found = {
        name: Fraction(getattr(a, name))
        for name in ("layers", "d_model", "heads", "kv_heads", "head_dim", "d_ff", "vocab_size")
    }
    return found | {
        "aspect_ratio": Fraction(a.d_model, a.layers),
        "kv_group": Fraction(a.heads, a.kv_heads),
        "ffn_ratio": Fraction(a.d_ff, a.d_model),
    }


def kaplan(c: Tables, n: float, d: float, _: Tables) -> float:
    return ((c["Nc"] / n) ** (c["aN"] / c["aD"]) + c["Dc"] / d) ** c["aD"]


def chinchilla(c: Tables, n: float, d: float, _: Tables) -> float:
    inner = c["A"] / n ** c["alpha"] + c["B"] / d ** c["beta"]
    return c["E"] + inner ** c.get("outer", 1.0)


def gadre(c: Tables, n: float, d: float, _: Tables) -> float:
    m, flops = d / n, 6 * n * d
    return c["E"] + (c["a"] * m ** c["eta"] + c["b"] * m ** -c["eta"]) * flops ** -c["eta"]


def repeats(c: Tables, n: float, d: float, seen: Tables) -> float:
    unique = min(d, seen["unique_tokens"])
    best = unique * (c["A"] / c["B"]) ** (1 / c["alpha"])
    worth_d = _worth(d, unique, c["repeated_data"])
    worth_n = _worth(n, min(n, best), c["repeated_parameters"])
    return c["E"] + c["A"] / worth_n ** c["alpha"] + c["B"] / worth_d ** c["alpha"]


def _worth(amount: float, unique: float, rate: float) -> float:
    return unique + unique * rate * -math.expm1(-(amount / unique - 1) / rate)


def gemstones(c: Tables, n: float, d: float, seen: Tables) -> float:
    return (
        math.exp(c["ln_E"])
        + math.exp(c["ln_A"]) / seen["d_model"] ** c["a"]
        + math.exp(c["ln_B"]) / seen["layers"] ** c["b"]
        + math.exp(c["ln_G"]) / n ** c["g"]
        + math.exp(c["ln_T"]) / d ** c["t"]
    )


def bian(c: Tables, n: float, d: float, seen: Tables) -> float:
    power = c["alpha"]
    inner = c["E"] + c["A"] / n**power + c["B"] / d**power
    return inner * (1 + c["gamma"] * seen["aspect_ratio"] ** power)


def of_terms(c: Tables, n: float, d: float, seen: Tables) -> float:
    values = seen | {"parameters": n, "tokens": d}
    total = c["E"]
    for term in c["terms"]:
        product = term["coefficient"]
        for name, exponent in term.items():
            if name not in ("name", "coefficient"):
                product *= values[name] ** exponent
        total += product
    return total


def irreducible(form: str, c: Tables) -> float:
    """What no model and no data fall below, as the law states it."""
    if form == "kaplan":
        return 0.0
    if form == "gemstones":
        return math.exp(c["ln_E"])
    if form == "terms" and any(term["coefficient"] < 0 for term in c["terms"]):
        return 0.0
    return float(c["E"])


FORMS = {"kaplan": kaplan, "chinchilla": chinchilla, "gadre": gadre, "repeats": repeats,
         "gemstones": gemstones, "bian": bian, "terms": of_terms}  # fmt: skip


@cache
def least_shape(size: int) -> float:
    """Least A w^-a + B L^-b of all shapes with w^2 L = size, by golden section."""
    c = catalogue(CATALOGUE)[DEFAULT_SHAPE]["coefficients"]
    big_a, big_b = math.exp(c["ln_A"]), math.exp(c["ln_B"])

    def shape(ln_w: float) -> float:
        width = math.exp(ln_w)
        return big_a * width ** -c["a"] + big_b * (size / width**2) ** -c["b"]

    low, high = 0.0, 40.0
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(90):
        x, y = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, y) if shape(x) < shape(y) else (x, high)
    return shape((low + high) / 2)


@cache
def excess(d_model: int, layers: int) -> float:
    """Loss of a shape above that of the best shape of its size."""
    c = catalogue(CATALOGUE)[DEFAULT_SHAPE]["coefficients"]
    here = math.exp(c["ln_A"]) * d_model ** -c["a"] + math.exp(c["ln_B"]) * layers ** -c["b"]
    return max(here - least_shape(d_model**2 * layers), 0.0)


@dataclass(frozen=True)
class Law:
    """The law of a problem together with its shape law."""

    form: Any
    coefficients: Tables
    counts: str  # what N is
    sees: tuple[str, ...]
    shape: bool
    unique_tokens: float
    irreducible: float
    ablations: str
    trained: int

    @classmethod
    def of(cls, tables: Tables) -> Law:
        objective, training = tables.get("objective", {}), tables.get("training", {})
        name = objective.get("law", DEFAULT_LAW)
        own = tables.get("laws", {}).get(name)
        if name.startswith("file:"):
            own = tomllib.loads(Path(name.removeprefix("file:")).read_text("utf-8"))["law"]
        sees: tuple[str, ...] = ()
        if own is not None:
            row, c = own, own
            form = "terms" if "terms" in own else "chinchilla"
            if form == "terms":
                every = {key for term in own["terms"] for key in term}
                sees = tuple(every - {"name", "coefficient", "parameters", "tokens"})
        else:
            row = catalogue(CATALOGUE)[name]
            form, c = row["form"], row["coefficients"]
            sees = {"gemstones": ("d_model", "layers"), "bian": ("aspect_ratio",)}.get(form, ())
        prices_shape = any(name in _SHAPE for name in sees)
        shape = objective.get("shape", "none" if prices_shape else DEFAULT_SHAPE)
        unique = float(exact(training.get("unique_tokens", 0))) or math.inf
        counts, least = row.get("parameters", "total"), irreducible(form, c)
        rest = objective.get("ablations", "middle"), training.get("sequence_length", 4096)
        return cls(FORMS[form], c, counts, sees, shape != "none", unique, least, *rest)

    def of_design(self, a: Design, sequence: int, vocab_size: int) -> DesignLoss:
        """The loss of a design, whose N has the embeddings of a vocabulary."""
        counted = replace(a, vocab_size=vocab_size)
        total = parameters(counted, sequence)
        return DesignLoss(self, a, non_embedding(a) if self.counts == "non_embedding" else total)


class DesignLoss:
    """Loss of a design as a function of its tokens.

    Attributes
    ----------
    n : int
        Parameters as the law counts them.
    same : tuple
        N and all else of the design that the loss depends on.
    """

    def __init__(self, law: Law, a: Design, n: int) -> None:
        every = features(a)
        self.n, self._law = n, law
        self._seen: Tables = {name: float(value) for name, value in every.items()}
        self._seen["unique_tokens"] = law.unique_tokens
        self._added = excess(a.d_model, a.layers) if law.shape else 0.0
        shape = (a.d_model, a.layers) if law.shape else ()
        given = law.ablations != "none"
        self._q = unseen(a, law.ablations, law.trained, law.sees) if given else 0.0
        self.same = (n, *(every[name] for name in sorted(law.sees)), *shape, self._q)
        self._tokens: dict[float, float] = {}

    def at(self, tokens: float) -> float:
        if tokens <= 0:
            return math.inf
        law = self._law
        loss = law.form(law.coefficients, float(self.n), min(tokens, ENDLESS), self._seen)
        return loss + self._q * max(loss - law.irreducible, 0.0) + self._added

    def tokens_for(self, loss: float) -> float:
        """The tokens at which the loss falls to this value, by bisection; infinite if none."""
        if loss not in self._tokens:
            self._tokens[loss] = self._bisected(loss)
        return self._tokens[loss]

    def _bisected(self, loss: float) -> float:
        low, high = 0.0, math.log(ENDLESS)
        if self.at(math.exp(high)) > loss:
            return math.inf
        for _ in range(64):
            middle = (low + high) / 2
            if self.at(math.exp(middle)) <= loss:
                high = middle
            else:
                low = middle
        return math.exp(high)
