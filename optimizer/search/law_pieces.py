"""Lower bounds on the loss over boxes, by pieces of their ranges of N.

More parameters lower the loss, but cost FLOPs and so tokens. In a piece ``a <= N <= b`` a design
has at most the law's quality at b and at most the tokens that a pays for. For a sum of powers there
is a second bound: ``A / N^alpha`` is convex in N, so it lies above its tangent, and ``B / D^beta``
at D = C / F with F linear in N is concave, so it lies above its secant. Their sum is linear and
least at an end; it misses the least loss of the piece by the square of its length only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.law_bounds import TokenCaps
from modelsizer.optimizer.bounds.relaxation import ROUNDING
from modelsizer.optimizer.search.law_sizes import LawSizes
from modelsizer.problems.laws.features import Features, beyond_doubles
from modelsizer.problems.laws.laws import PowerLaw, TokenLaw
from modelsizer.problems.laws.quality import Judged, Quality
from modelsizer.problems.records import dataclass

Floats = NDArray[np.float64]

PIECES = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """Boxes with N in one part of their range.

    Parameters
    ----------
    judged : Judged
        Lower bound on the loss of the boxes.
    most : array of shape (B,)
        The most parameters.
    flops : array of shape (B,)
        The least training FLOPs per token.
    loss : array of shape (B,)
        The least loss.
    """

    judged: Judged
    most: Floats
    flops: Floats
    loss: Floats

    def tokens_for(self, loss: float) -> Floats:
        """Return the least tokens that reach a loss."""
        return np.asarray(self.judged.tokens_for(self.most, loss), dtype=float)


def pieces(
    quality: Quality,
    sizes: LawSizes,
    seen: tuple[Features, Features],
    flops_low: Floats,
    caps: TokenCaps,
) -> Iterator[Piece]:
    """Yield the pieces of boxes, each of all boxes.

    Parameters
    ----------
    quality : Quality
    sizes : LawSizes
    seen : (features, features)
        Ranges of the features of the law.
    flops_low : array of shape (B,)
        The least training FLOPs per token of each box.
    caps : TokenCaps
    """
    ratio = np.maximum(sizes.high / sizes.low, 1.0)
    edges = [sizes.low * ratio ** (piece / PIECES) for piece in range(PIECES)] + [sizes.high]
    tied = [tuple(f * (1 - 10 * ROUNDING) for f in sizes.flops(edge)) for edge in edges]
    simple = type(quality.law).over is TokenLaw.over  # a law of N and D alone
    judged = quality.over_shapes(*seen) if simple else None
    tangents = _Tangents.of(quality.law, edges, tied, caps)
    for piece in range(PIECES):
        flops = np.maximum(flops_low, np.maximum(*tied[piece]))
        tokens = caps.tokens(flops)
        here = quality.over(edges[piece], edges[piece + 1], *seen) if judged is None else judged
        if tangents is not None:
            tokens = np.minimum(tokens, tangents.tokens(piece))
        loss = np.asarray(here.loss(edges[piece + 1], tokens), dtype=float)
        yield Piece(here, edges[piece + 1], flops, loss)


@dataclass(frozen=True, slots=True)
class _Tangents:
    """Terms of a sum of powers at the edges of pieces; that in D for both bounds on F."""

    law: PowerLaw
    edges: list[Floats]
    of_size: list[Floats]
    of_tokens: list[tuple[Floats, ...]]

    @classmethod
    def of(
        cls,
        law: TokenLaw,
        edges: list[Floats],
        flops: list[tuple[Floats, ...]],
        caps: TokenCaps,
    ) -> _Tangents | None:
        """Return the terms; None under another law, or if its term in D is not concave in F."""
        if not isinstance(law, PowerLaw) or law.beta > 1 or not np.isfinite(caps.most_flops).all():
            return None
        with beyond_doubles():
            of_size = [law.A * np.power(edge, -law.alpha) for edge in edges]
            of_tokens = [
                tuple(
                    law.B * np.power(np.maximum(each, 0.0) / caps.most_flops, law.beta)
                    for each in both
                )
                for both in flops
            ]
        return cls(law, edges, of_size, of_tokens)

    def tokens(self, piece: int) -> Floats:
        """Return tokens with which the most parameters of a piece are no worse than any design."""
        law, a, b = self.law, self.edges[piece], self.edges[piece + 1]
        with beyond_doubles():
            middle = np.sqrt(a * b)
            at = law.A * np.power(middle, -law.alpha)
            sizes = [at * (1.0 - law.alpha * (edge - middle) / middle) for edge in (a, b)]
            inner: Floats = np.zeros(())
            for first, last in zip(*self.of_tokens[piece : piece + 2], strict=True):
                # FLOPs that are none at an end are not linear between: nothing is said of tokens.
                sure = np.where(first > 0, last, 0.0)
                inner = np.maximum(inner, np.minimum(sizes[0] + first, sizes[1] + sure))
            left = inner * (1.0 - 10 * ROUNDING) - self.of_size[piece + 1]
            found = np.power(law.B / np.maximum(left, 0.0), 1.0 / law.beta)
        return np.where(left > 0, found, np.inf)
