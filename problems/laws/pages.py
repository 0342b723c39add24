"""The catalogue of published laws: what is known of each, as data.

A page says what a law sees and whether it can be solved with. Pages of laws that can take name,
ranges, source and coefficients from `modelsizer.problems.laws.published`, so that they are written
once; the others are in `modelsizer.problems.laws.listed_laws`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelsizer.problems.laws import more_laws as more
from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import PowerLaw, TokenLaw
from modelsizer.problems.laws.listed_laws import LISTED
from modelsizer.problems.laws.page import CODE, NOTES, PAPER, LawPage
from modelsizer.problems.laws.published import token_law
from modelsizer.problems.registry import Registry

_SHORT = "E + n + d"  # n and d: a power of N, and one of D


_SHAPED: dict[str, Any] = {
    "parameters": "all, embeddings too",
    "sees": ("N", "D", "shape"),
}
_HELD = {"d_model": 2048.0, "layers": 24.0, "aspect_ratio": 64.0}
"""A shape at which laws that see it are drawn."""


def _held(name: str) -> Callable[[Floats, Floats], Floats]:
    """Such a law at that shape."""
    law = token_law(name)
    return law.of({feature: _HELD[feature] for feature in law.features}).loss


def _coefficients(law: TokenLaw) -> dict[str, float]:
    keys = ["E", "A", "alpha", "B", "beta"]
    if not isinstance(law, PowerLaw):
        keys = ["E", "A", "B", "alpha", "repeated_data", "repeated_parameters"]
    return {key: getattr(law, key) for key in keys}


def _usable(name: str, words: str, **more_of_it: Any) -> LawPage:
    """A page of a registered law of N and D."""
    law = token_law(name)
    kinds = {"total": "all, embeddings too", "non_embedding": "all but embeddings"}
    given: dict[str, Any] = {
        "short": _SHORT,
        "form": law.form,
        "coefficients": more_of_it.get("coefficients") or _coefficients(law),
        "parameters": kinds[law.parameter_kind],
        "kind": {"total": "total", "non_embedding": "no emb."}[law.parameter_kind],
        "source": law.source,
        "sees": ("N", "D"),
        "use": "law",
        "curve": law.loss,
    }
    return LawPage(
        name=name,
        words=words,
        parameter_range=law.parameter_range,
        token_range=law.token_range,
        **(given | more_of_it),
    )


_SUM = "a floor, a term that falls in the parameters and one that falls in the tokens"
_UNSEEN = "tokenizer not seen stated"
_MASSIVE = f"MassiveText; {_UNSEEN}"
_GADRE: dict[str, Any] = {
    "words": "Chinchilla's sum with one exponent, written in C = 6ND and M = D/N",
    "seen": f"{PAPER}; {CODE}",
    "warnings": (
        "The paper prints eta = 0.242 and, for C4, a = 114, which miss the authors' own runs by "
        "about half of their loss. These values (for C4 a = 141; half of each eta) are corrected.",
    ),
}


def _gadre(data: str, checked: str) -> LawPage:
    name = f"gadre-2024-{data.lower()}"
    return _usable(
        name,
        **_GADRE,
        coefficients=dict(more.GADRE[data.lower()]),
        data=f"{data}; 20 to 640 tokens a parameter; {_UNSEEN}",
        checked=checked,
    )


_USABLE = (
    _usable(
        "besiroglu-2024",
        _SUM,
        data="240 points read off Hoffmann's figure 4 (MassiveText)",
        seen=f"{NOTES}; {CODE}",
        warnings=("Standard errors: E 0.03, A 124.6, B 1293, alpha 0.02, beta 0.02.",),
        checked="18 tokens a parameter at 5.76e23 FLOPs, where Chinchilla had 20.",
    ),
    _usable(
        "hoffmann-2022",
        _SUM,
        data=_MASSIVE,
        seen=f"{NOTES}; {CODE}",
        checked="At 5.76e23 FLOPs the optimum is 40.3B parameters and 2.38T tokens, as published.",
    ),
    _usable(
        "hoffmann-2022-rounded",
        _SUM,
        data=_MASSIVE,
        seen=NOTES,
        warnings=("As printed it misses its own optimum: use hoffmann-2022.",),
        checked="Rounding shifts the data term by 13 %.",
    ),
    _usable(
        "kaplan-2020",
        "the sum of a term of the parameters and one of the tokens, to a small power; no floor",
        short="(n + d)^aD",
        coefficients={"aN": 0.076, "aD": 0.103, "Nc": 6.4e13, "Dc": 1.8e13},
        data=f"WebText2; {_UNSEEN}",
        seen=NOTES,
        warnings=(
            "D is the size of the data set, trained to early stopping.",
            "Its laws of N or D alone have other constants (Nc 8.8e13; aD 0.095, Dc 5.4e13).",
        ),
        checked="With endless data it is (Nc/N)^aN, with endless parameters (Dc/D)^aD.",
    ),
    _usable(
        "muennighoff-2023",
        "Chinchilla's sum with one exponent, of what repeated tokens and parameters are worth",
        short="E + n' + d'",
        form="E + A/N'^alpha + B/D'^alpha; D' = U + U r (1 - e^(-R/r)) of U unique tokens, "
        "R = D/U - 1 repeats, r = repeated_data; N' likewise of the U' = min(N, the best for U), "
        "R' = N/U' - 1, r' = repeated_parameters",
        data=f"C4, up to 500 epochs; {_UNSEEN}",
        seen=PAPER,
        sees=("N", "D", "repeats"),
        warnings=(
            "Repeats plateau and never harm, which is not right past about 44 epochs.",
            "No range of tokens was seen stated, so none is warned of.",
        ),
        checked="Four epochs are worth 3.73 of new data; endless repeats are worth 16.4.",
    ),
    _usable(
        "sardana-2024",
        _SUM,
        data=f"web text and code, MPT models; 10 to 10,000 tokens a parameter; {_UNSEEN}",
        seen=NOTES,
        warnings=(
            "Refits move with the longest runs: alpha, beta, E are 0.08, 0.13, 0.17 up to 100 "
            "tokens a parameter and 0.18, 0.24, 1.45 on all. No refit meets the long 150M runs.",
            "N is read as all parameters; the paper says only how many there are.",
        ),
        checked="150M at 1.5T tokens: 2.75; refits up to 100 and 250 tokens a parameter promise "
        "2.45 and 2.66, too much from more tokens, as the paper says.",
    ),
    _gadre(
        "C4",
        "Three runs of the authors, 10M to 6.9B: within 0.4 to 4.1 %; as printed, 37 to 65 % off.",
    ),
    _gadre("RedPajama", "A run of the authors, 1.4B on 921B tokens: 1.1 % off."),
    _gadre("RefinedWeb", "A run of the authors, 0.41B on 8.2B tokens: 1.3 % off."),
    _usable(
        "krajewski-2024-dense",
        _SUM,
        data=f"C4; {_UNSEEN}",
        seen=PAPER,
        warnings=(
            "The floor of 0.47 was taken over from the fit of the mixtures.",
            "The range is that of all the paper's models; dense ones alone were not seen listed.",
        ),
        checked="The coefficients are those of its table 1, read.",
    ),
    _usable(
        "ludziejewski-2025-dense",
        _SUM + ": the joint law of ludziejewski-2025 at one expert",
        data="FineWeb-Edu, GPT-2 tokenizer",
        seen=PAPER,
        warnings=("No range of tokens was seen stated, so none is warned of.",),
        checked="Its table prints 30.36, -0.1817, 53.98, -0.1965 at one expert: met within 0.3 %.",
    ),
    _usable(
        "gemstones-2025",
        "a floor and a power of each of width, depth, parameters and tokens",
        **_SHAPED,
        short="E + n + d + s",
        coefficients=more.GEMSTONES,
        data="22 shapes, runs of 100B tokens and more; a vocabulary of 50,304",
        seen=CODE,
        use="law, shape",
        why_not="objective.shape adds its width and depth terms, less their least, to a law of N "
        "and D; objective.law takes it whole",
        warnings=(
            "Far from 100B to 350B tokens its term of tokens is a guess: the fit saw no fewer. "
            "Take the shape from it, and tokens from another law.",
        ),
        checked="Against the DCLM losses of its runs it is 4.4 % low, all but alike for every run.",
        curve=_held("gemstones-2025"),
        held="width 2048 and depth 24, whatever the parameters",
    ),
    _usable(
        "bian-2025",
        "Chinchilla's sum times a factor that grows with width over depth",
        **_SHAPED,
        short="(E + n + d) s",
        coefficients=more.BIAN,
        data="DCLM; tokenizer not seen stated",
        seen=f"{CODE}; refitted",
        warnings=(
            "The deeper the better without end: limit aspect_ratio, or it takes the deepest.",
            "The standard error of A is about 75 %; without over-trained runs A turns negative.",
        ),
        checked="At a width over depth of 128 the factor costs 2.3 % of the loss.",
        curve=_held("bian-2025"),
        held="width over depth 64",
    ),
)

LAW_PAGES: Registry[LawPage] = Registry("law", (*_USABLE, *LISTED))
"""Every page by the name of its law; those that `objective.law` takes come first."""

LEFT_OUT: tuple[tuple[str, str], ...] = (
    ("Bian et al. 2025, arXiv 2510.18245", "width, and feed-forward over attention parameters"),
    ("Chen et al. 2025, arXiv 2503.09579", "query and kv heads"),
    ("Porian et al. 2024, arXiv 2406.19146", "the exponent of the best size, and no loss"),
    ("Li et al. 2025 (StepLaw), arXiv 2503.04715", "learning rate and batch, and no loss"),
)
"""Publications that have no page, since no coefficients of a loss were found in what could be
opened of them; each with what it is about."""
