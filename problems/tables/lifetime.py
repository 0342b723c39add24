"""``[lifetime]``: what the model will be served, so that its whole life can be budgeted.

Training and inference together cost ``D F + T f`` FLOPs: D training tokens of F FLOPs each, T
inference tokens of f (Sardana et al. 2024, arXiv 2401.00448, eq. 3). In money each kind of token
has its own utilisation (ibid., eq. 6). For a given loss, the more is served the smaller a model is
best, and the longer it is trained.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from modelsizer.problems.tables.tables import Dollars, Share, Table, Tokens
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import exact, parse_quantity
from pydantic import BeforeValidator

PREFILL_MFU, DECODE_MFU = 0.5, 0.01
"""Utilisation of input and output tokens that Sardana et al. reckon with, section 3."""
_SECONDS_AN_HOUR = 3600


def _read_prefill_share(value: object) -> float:
    number = parse_quantity(value, "count")
    if not 0 <= number <= 1:
        raise ValueError(f"{value!r} is not a share; write a number from 0 to 1")
    return float(number)


class Lifetime(Table):
    """``[lifetime]``.

    Parameters
    ----------
    inference_tokens : tokens
        Served in all, prompts and answers together.
    prefill_share : number
        Share of them that are prompts; of money only.
    prefill_mfu, decode_mfu : number
        Share of the accelerator's peak that prompts and answers reach.
    price_per_hour : dollars
        Of an accelerator that serves; that of [training] by default.
    """

    inference_tokens: Tokens | None = None
    prefill_share: Annotated[float | None, BeforeValidator(_read_prefill_share)] = None
    prefill_mfu: Share = PREFILL_MFU
    decode_mfu: Share = DECODE_MFU
    price_per_hour: Dollars | None = None

    @property
    def tokens(self) -> Fraction:
        """Inference tokens; zero where none are given."""
        return Fraction(0) if self.inference_tokens is None else exact(self.inference_tokens)

    def dollars_a_flop(self, training: Training, peak: Fraction) -> Fraction:
        """What an inference FLOP costs, prompts and answers mixed.

        Parameters
        ----------
        training : Training
            Whose price is taken where there is no other.
        peak : Fraction
            FLOP/s of an accelerator that serves.
        """
        price = self.price_per_hour if self.price_per_hour is not None else training.price_per_hour
        assert price is not None
        assert self.prefill_share is not None
        share = exact(self.prefill_share)
        work = share / exact(self.prefill_mfu) + (1 - share) / exact(self.decode_mfu)
        return work / peak / _SECONDS_AN_HOUR * exact(price)
