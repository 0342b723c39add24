"""What every kind of token mixer counts, mixers side by side, and layers without one.

A mixer lets tokens see each other: attention, or what stands in its place. Fields may be NumPy
integer arrays in place of integers (see `modelsizer.problems.architecture.architecture`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from modelsizer.problems.records import dataclass

Count = Any
"""A Python int, or an int64 array of them: the same formulas count one design or a table."""


def whole(values: Any, like: Any) -> Count:
    """Round doubles to whole numbers, in the integers of `like`.

    They are Python integers unless `like` is an array of int64, whose user bounds the result.
    """
    found = np.rint(values)
    if found.ndim == 0:
        return int(found)
    if np.asarray(like).dtype == object:
        return np.array([int(value) for value in found.ravel()], object).reshape(found.shape)
    return found.astype(np.int64)


def check_positive(owner: str, **values: Count) -> None:
    """Raise unless counts are positive whole numbers, or in arrays whole numbers from 0 on.

    A row of a table without such layers holds 0.

    Raises
    ------
    ValueError
        The message names the owner, the field and the value.
    """
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "iuO":
                raise ValueError(f"{owner}.{name} must be whole numbers, got {value.dtype}")
            if (value < 0).any():
                raise ValueError(f"{owner}.{name} must be at least 0, got {value.min()}")
            continue
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(f"{owner}.{name} must be a whole number, got {value!r}")
        if isinstance(value, int | float) and value < 1:
            raise ValueError(f"{owner}.{name} must be at least 1, got {value!r}")


class Mixer(Protocol):
    """Interface of all kinds of token mixer: counts for one layer."""

    @property
    def heads(self) -> Count:
        """Query heads; 0 without scores."""

    @property
    def kv_heads(self) -> Count:
        """Key and value heads that tensor parallelism can split; 0 without a cache."""

    @property
    def head_dim(self) -> Count:
        """Width of a head's query and key; 0 without scores."""

    def matmul_weights(self, d_model: Count) -> Count:
        """Weights that multiply each token."""

    def parameters(self, d_model: Count) -> Count:
        """All parameters except those of normalisations."""

    def norm_parameters(self) -> Count:
        """Parameters of normalisations inside the mixer."""

    def read_weights(self, d_model: Count) -> Count:
        """Weights that a step reads from memory, whatever its tokens."""

    def score_flops(self, context: int, *, masked: bool = False) -> Count:
        """FLOPs per token of scores and values over a visible context (full, not causal).

        With `masked`, selected contexts are ignored: all scores are computed and most are masked,
        as in eager kernels.
        """

    def cached_score_flops(self, context: int) -> Count:
        """`score_flops` of a decode step, over a visible context that is in the cache."""

    def state_flops(self) -> Count:
        """FLOPs per token of a convolution or recurrence, which no context changes."""

    def kv_values(self) -> Count:
        """Cached values per token."""

    def visible(self, context: int) -> Count:
        """Number of a context's tokens that a token may attend to, and that the cache must hold."""

    def read_values(self, context: int) -> Count:
        """Cached values of a sequence that a decode step reads."""

    def state_values(self) -> Count:
        """Values held per sequence, whatever its length."""

    def kept_values(self, *, repeated: bool) -> Count:
        """Values per token kept for the backward pass, excluding the layer's input and scores.

        With `repeated`, keys and values are kept once per query head.
        """


class WithoutScores:
    """Counts of mixers that compute no scores and cache nothing per token."""

    __slots__ = ()

    @abstractmethod
    def split_widths(self) -> Mapping[str, Count]:
        """Numbers of heads or channels that tensor parallelism splits."""

    @abstractmethod
    def state_values(self) -> Count:
        """Values held per sequence, whatever its length."""

    @property
    def _none(self) -> Count:
        return 0 * self.state_values()

    @property
    def heads(self) -> Count:
        """None."""
        return self._none

    @property
    def kv_heads(self) -> Count:
        """None."""
        return self._none

    @property
    def head_dim(self) -> Count:
        """None."""
        return self._none

    def score_flops(self, context: int, *, masked: bool = False) -> Count:  # noqa: ARG002
        """None."""
        return self._none

    def cached_score_flops(self, context: int) -> Count:  # noqa: ARG002
        """None."""
        return self._none

    def kv_values(self) -> Count:
        """None."""
        return self._none

    def visible(self, context: int) -> Count:  # noqa: ARG002
        """None: a token sees the past through the state."""
        return self._none

    def read_values(self, context: int) -> Count:  # noqa: ARG002
        """None."""
        return self._none


@dataclass(frozen=True, slots=True)
class NoAttention(WithoutScores):
    """No token mixer: the layer is a feed-forward alone (Nemotron-H)."""

    def split_widths(self) -> Mapping[str, Count]:
        """None."""
        return {}

    def matmul_weights(self, d_model: Count) -> Count:
        """None."""
        return 0 * d_model

    def parameters(self, d_model: Count) -> Count:
        """None."""
        return 0 * d_model

    def norm_parameters(self) -> Count:
        """None."""
        return 0

    def read_weights(self, d_model: Count) -> Count:
        """None."""
        return 0 * d_model

    def state_flops(self) -> Count:
        """None."""
        return 0

    def state_values(self) -> Count:
        """None."""
        return 0

    def kept_values(self, *, repeated: bool) -> Count:  # noqa: ARG002
        """None."""
        return 0


@dataclass(frozen=True, slots=True)
class Several:
    """Two or more mixers in one layer, in parallel (Falcon-H1) or one after another.

    Parameters
    ----------
    parts : tuple of Mixer
        Their counts add; `heads`, `kv_heads` and `head_dim` are those of the first that has any.
    """

    parts: tuple[Mixer, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError(f"attention.parts must be at least two, got {len(self.parts)}")

    def _first(self, name: str) -> Count:
        found: Count = 0
        for part in reversed(self.parts):
            mine = getattr(part, name)
            if isinstance(mine, np.ndarray) or isinstance(found, np.ndarray):
                found = np.where(np.asarray(mine) > 0, mine, found)
            else:
                found = mine or found
        return found

    @property
    def heads(self) -> Count:
        """Query heads of the first part that has any."""
        return self._first("heads")

    @property
    def kv_heads(self) -> Count:
        """Key and value heads of the first part that has any."""
        return self._first("kv_heads")

    @property
    def head_dim(self) -> Count:
        """Width of a head of the first part that has any."""
        return self._first("head_dim")

    def matmul_weights(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.matmul_weights(d_model) for part in self.parts)

    def parameters(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.parameters(d_model) for part in self.parts)

    def norm_parameters(self) -> Count:
        """Sum over the parts."""
        return sum(part.norm_parameters() for part in self.parts)

    def read_weights(self, d_model: Count) -> Count:
        """Sum over the parts."""
        return sum(part.read_weights(d_model) for part in self.parts)

    def score_flops(self, context: int, *, masked: bool = False) -> Count:
        """Sum over the parts, each at the context that it sees."""
        return sum(
            part.score_flops(context if masked else part.visible(context), masked=masked)
            for part in self.parts
        )

    def cached_score_flops(self, context: int) -> Count:
        """Sum over the parts, each at the context that it sees."""
        return sum(part.cached_score_flops(part.visible(context)) for part in self.parts)

    def state_flops(self) -> Count:
        """Sum over the parts."""
        return sum(part.state_flops() for part in self.parts)

    def kv_values(self) -> Count:
        """Sum over the parts."""
        return sum(part.kv_values() for part in self.parts)

    def visible(self, context: int) -> Count:
        """The whole context; each part has its own, see `mixers`."""
        return context

    def read_values(self, context: int) -> Count:
        """Sum over the parts."""
        return sum(part.read_values(context) for part in self.parts)

    def state_values(self) -> Count:
        """Sum over the parts."""
        return sum(part.state_values() for part in self.parts)

    def kept_values(self, *, repeated: bool) -> Count:
        """Sum over the parts."""
        return sum(part.kept_values(repeated=repeated) for part in self.parts)


def mixers(mixer: Mixer) -> Iterator[Mixer]:
    """The mixers of a layer that hold a cache of their own: its parts, or itself."""
    if isinstance(mixer, Several):
        for part in mixer.parts:
            yield from mixers(part)
    else:
        yield mixer
