"""``[lifetime]``: the inference that the model will serve, to budget its whole life.

Training and inference together cost ``D F + T f`` FLOPs: D training tokens of F FLOPs each, T
inference tokens of f (Sardana et al. 2024, arXiv 2401.00448, eq. 3). In money each kind of token
has its own utilisation (ibid., eq. 6). At a given loss, more inference favours smaller models
trained for longer.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from modelsizer.problems.errors import short
from modelsizer.problems.tables.tables import Dollars, ServedTokens, Share, Table, one_of, share
from modelsizer.problems.typed_keys import Kind
from modelsizer.problems.units import exact, parse_quantity
from modelsizer.problems.value_forms import Amount, Within

PREFILL_MFU, DECODE_MFU = 0.5, 0.01
"""Utilisation for input and output tokens assumed by Sardana et al., section 3."""
Throughput = Literal["mfu", "step"]


_SHARE = Amount("share", 0.75, range=Within(least=0, most=1))


def _read_prefill_share(value: object) -> float:
    number = parse_quantity(value, "count")
    if not _SHARE.range.holds(number):
        raise ValueError(f"{short(value)} is not a share; write a number from 0 to 1")
    return float(number)


class Lifetime(Table):
    """``[lifetime]``.

    Parameters
    ----------
    inference_tokens : tokens
        Total number of tokens served, prompts and answers.
    prefill_share : number
        Share of prompts in the tokens served; affects money only.
    prefill_mfu : number
        Share of the accelerator's peak reached for prompts.
    decode_mfu : number
        Share of the accelerator's peak reached for answers.
    price_per_hour : dollars
        Price of an hour of a serving accelerator; by default that of [prices], or of [training].
    throughput : {"mfu", "step"}
        Whether served tokens take the time that `prefill_mfu` and `decode_mfu` say, or that of the
        steps of [serving], with its batch, context and prompts.
    """

    inference_tokens: ServedTokens | None = None
    prefill_share: Annotated[float | None, Kind(_read_prefill_share, form=_SHARE)] = None
    prefill_mfu: Share = PREFILL_MFU
    decode_mfu: Annotated[int | float, share(0.02)] = DECODE_MFU
    price_per_hour: Dollars | None = None
    throughput: Annotated[Throughput, one_of("a throughput", ("mfu", "step"))] = "mfu"

    def _check(self) -> None:
        super()._check()
        given = [key for key in ("prefill_mfu", "decode_mfu") if key in self.model_fields_set]
        if self.throughput == "step" and given:
            raise ValueError(
                f'throughput = "step" takes the time of the steps of [serving]; leave out '
                f"{' and '.join(given)}"
            )

    @property
    def stepped(self) -> bool:
        """Whether served tokens take the time of the steps of [serving]."""
        return self.throughput == "step"

    @property
    def tokens(self) -> Fraction:
        """Inference tokens; zero if not set."""
        return Fraction(0) if self.inference_tokens is None else exact(self.inference_tokens)

    @property
    def work(self) -> Fraction:
        """Peak FLOPs of an accelerator for each inference FLOP, averaged over all tokens."""
        assert self.prefill_share is not None
        share = exact(self.prefill_share)
        return share / exact(self.prefill_mfu) + (1 - share) / exact(self.decode_mfu)
