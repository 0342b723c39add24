"""Shape laws: the excess loss of a poor ratio of width to depth, which laws of N and D omit.

Without a shape law the loss does not depend on depth, and the optimum for a large budget has a few
very wide layers.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from modelsizer.problems.laws.catalogue import coefficients_of, law_rows, range_of
from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import ANYWHERE, PowerTerm, Range
from modelsizer.problems.records import dataclass
from modelsizer.problems.registry import Registry


class ShapeLaw(ABC):
    """Loss in nats a token in excess of that of the ideal shape of the same size; not negative."""

    name: str
    d_model_range: Range = ANYWHERE
    layers_range: Range = ANYWHERE
    source: str = ""

    @abstractmethod
    def excess(self, d_model: Floats, layers: Floats) -> Floats:
        """Excess loss; arguments broadcast."""

    @property
    def terms(self) -> tuple[PowerTerm, ...] | None:
        """Power terms in d_model and layers whose sum is the excess; None if it is no such sum."""
        return None

    def least_excess(
        self, d_low: Floats, d_high: Floats, layers_low: Floats, layers_high: Floats
    ) -> Floats:
        """Lower bound on the excess within these ranges; zero by default."""
        return 0.0 * (d_low + d_high + layers_low + layers_high)


class NoShape(ShapeLaw):
    """No excess for any shape."""

    name = "none"

    def excess(self, d_model: Floats, layers: Floats) -> Floats:
        """Zero."""
        return np.multiply(d_model, 0.0) * np.multiply(layers, 0.0)

    @property
    def terms(self) -> tuple[PowerTerm, ...]:
        """No terms."""
        return ()


@dataclass(frozen=True)
class WidthDepthShape(ShapeLaw):
    """Excess of ``S(w, L) = A w^-a + B L^-b`` over its minimum at the same ``w^2 L``.

    For constant ``P = w^2 L`` and real w', L', dS/dw' = 0 at
    ``w'^(a + 2b) = a A P^b / (2 b B)``, so the minimum is a single power of P:
    ``K P^-g`` with ``g = a b / (a + 2 b)``.
    """

    name: str
    a: float
    ln_A: float  # noqa: N815 - the paper's symbol
    b: float
    ln_B: float  # noqa: N815 - the paper's symbol
    d_model_range: Range = ANYWHERE
    layers_range: Range = ANYWHERE
    source: str = ""

    @property
    def _least(self) -> tuple[float, float]:
        """K and g of the minimum."""
        big_a, big_b = math.exp(self.ln_A), math.exp(self.ln_B)
        power = self.a + 2 * self.b
        width = (self.a * big_a / (2 * self.b * big_b)) ** (1 / power)  # of P = 1
        return big_a * width**-self.a + big_b * width ** (2 * self.b), self.a * self.b / power

    @property
    def terms(self) -> tuple[PowerTerm, ...]:
        """Width and depth terms, less the minimum."""
        k, g = self._least
        return (
            PowerTerm(math.exp(self.ln_A), {"d_model": -self.a}),
            PowerTerm(math.exp(self.ln_B), {"layers": -self.b}),
            PowerTerm(-k, {"d_model": -2 * g, "layers": -g}),
        )

    def excess(self, d_model: Floats, layers: Floats) -> Floats:
        """Excess loss in nats a token, zero at the ideal shape."""
        k, g = self._least
        shape = math.exp(self.ln_A) * np.power(d_model, -self.a)
        shape = shape + math.exp(self.ln_B) * np.power(layers, -self.b)
        size = np.multiply(np.multiply(d_model, d_model), layers)
        # At the ideal shape the difference is a rounding error of either sign.
        return np.maximum(shape - k * np.power(size, -g), 0.0)

    def least_excess(
        self, d_low: Floats, d_high: Floats, layers_low: Floats, layers_high: Floats
    ) -> Floats:
        """Minimum of the excess over a rectangle of shapes, exactly.

        At constant L the excess increases with w above the ideal width of the same size and
        decreases below it: by the envelope theorem w dE/dw = a A (w'^-a - w^-a). The same holds in
        L. The ideal shapes form an increasing curve, so a rectangle that the curve does not cross
        lies on one side of it, and the minimum is at the corner next to the curve.
        """
        wide = self._side(d_low, layers_high) > 0  # even the narrowest and deepest is too wide
        narrow = self._side(d_high, layers_low) < 0
        at_wide = self.excess(d_low, layers_high)
        at_narrow = self.excess(d_high, layers_low)
        return np.where(wide, at_wide, np.where(narrow, at_narrow, 0.0))

    def _side(self, d_model: Floats, layers: Floats) -> Floats:
        """Positive if a shape is wider than the ideal of the same size, negative if narrower."""
        a, b = self.a, self.b
        depth = math.log(2 * b) + self.ln_B - b * np.log(layers)
        return depth - (math.log(a) + self.ln_A - a * np.log(d_model))

    def ideal(self, d_model: float, layers: float) -> tuple[float, float]:
        """Real-valued width and depth that minimise S at the same ``w^2 L``."""
        big_a, big_b = math.exp(self.ln_A), math.exp(self.ln_B)
        size = d_model * d_model * layers
        width = (self.a * big_a * size**self.b / (2 * self.b * big_b)) ** (
            1 / (self.a + 2 * self.b)
        )
        return width, size / width**2


def _published(name: str, row: Mapping[str, Any]) -> WidthDepthShape:
    c = coefficients_of(row)
    return WidthDepthShape(
        name,
        a=c["a"],
        ln_A=c["ln_A"],
        b=c["b"],
        ln_B=c["ln_B"],
        d_model_range=range_of(row["ranges"], "d_model"),
        layers_range=range_of(row["ranges"], "layers"),
        source=row["shape_source"],
    )


DEFAULT_SHAPE = "gemstones-2025"

SHAPE_LAWS: Registry[ShapeLaw] = Registry(
    "shape law",
    [
        NoShape(),
        *(_published(name, row) for name, row in law_rows().items() if "shape_source" in row),
    ],
)
"""Every registered shape law by name."""


def register_shape(law: ShapeLaw) -> None:
    """Make a shape law available by its name in problem files.

    Raises
    ------
    TypeError
        If it is no shape law.
    ValueError
        If the name is empty or in use, or its excess is negative, no finite number, or below
        `ShapeLaw.least_excess` at one of the random shapes tried.
    """
    if not isinstance(law, ShapeLaw):
        raise TypeError(f"a shape law must be a ShapeLaw, got {law!r:.60}")
    _check_shape(law)
    SHAPE_LAWS.register(law)


def _check_shape(law: ShapeLaw) -> None:
    """Reject a shape law whose bound is above its excess: the proofs would be wrong."""
    random = np.random.default_rng(0)
    low = [np.exp(random.uniform(np.log(a), np.log(b), 512)) for a, b in ((128, 2e4), (2, 200))]
    high = [value * np.exp(random.exponential(0.5, 512)) for value in low]
    here = [a * (b / a) ** random.random(512) for a, b in zip(low, high, strict=True)]
    excess = np.asarray(law.excess(*here), float)
    least = np.asarray(law.least_excess(low[0], high[0], low[1], high[1]), float)
    if excess.shape != (512,) or not np.isfinite(excess).all():
        raise ValueError(f"{law.name}: its excess must be a finite number for arrays of shapes")
    for wrong, words in (
        (excess < 0, "its excess is negative"),
        (~(least <= excess + 1e-9), "its bound is above the excess"),
    ):
        if wrong.any():
            d_model, layers = (value[wrong.argmax()] for value in here)
            raise ValueError(
                f"{law.name}: {words} at d_model = {d_model:.4g}, layers = {layers:.4g}"
            )


def shape_law(name: str) -> ShapeLaw:
    """Look up a registered shape law.

    Raises
    ------
    ValueError
        If no shape law has this name; the message lists the known ones.
    """
    return SHAPE_LAWS.look_up(name)
