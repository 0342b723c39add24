"""The published loss laws, by name."""

from __future__ import annotations

import math

from modelsizer.problems.laws.checks import check_law
from modelsizer.problems.laws.laws import PowerLaw, Range, TokenLaw
from modelsizer.problems.laws.more_laws import BIAN, GEMSTONES, MORE_LAWS
from modelsizer.problems.laws.repeats import RepeatedDataLaw
from modelsizer.problems.laws.shapes import GEMSTONES_SHAPE
from modelsizer.problems.laws.terms import TermLaw, bian_terms, gemstones_terms
from modelsizer.problems.registry import Registry

# Kaplan et al. 2020, arXiv 2001.08361, table 2 (the joint fit, not the single laws of eq. 1.1-1.2).
_KAPLAN = {"alpha_n": 0.076, "alpha_d": 0.103, "n_c": 6.4e13, "d_c": 1.8e13}

_HOFFMANN_RANGE = Range(70e6, 16e9)  # arXiv 2203.15556, abstract: "70 million to over 16 billion"
_HOFFMANN_TOKENS = Range(5e9, 500e9)  # ibid.: "5 to 500 billion tokens"

_PUBLISHED: tuple[TokenLaw, ...] = (
    PowerLaw(
        "kaplan-2020",
        E=0.0,
        A=_KAPLAN["n_c"] ** (_KAPLAN["alpha_n"] / _KAPLAN["alpha_d"]),
        alpha=_KAPLAN["alpha_n"] / _KAPLAN["alpha_d"],
        B=_KAPLAN["d_c"],
        beta=1.0,
        outer=_KAPLAN["alpha_d"],
        parameter_kind="non_embedding",
        parameter_range=Range(768, 1.5e9),
        token_range=Range(22e6, 23e9),
        source="Kaplan et al. 2020, arXiv 2001.08361, eq. 1.5 and table 2",
        form="[(Nc/N)^(aN/aD) + Dc/D]^aD",
    ),
    PowerLaw(
        "hoffmann-2022",
        E=1.6934,
        A=406.4,
        alpha=0.3392,
        B=410.7,
        beta=0.2849,
        parameter_range=_HOFFMANN_RANGE,
        token_range=_HOFFMANN_TOKENS,
        source="Hoffmann et al. 2022, arXiv 2203.15556, eq. 10, unrounded",
    ),
    PowerLaw(
        "hoffmann-2022-rounded",
        E=1.69,
        A=406.4,
        alpha=0.34,
        B=410.7,
        beta=0.28,
        parameter_range=_HOFFMANN_RANGE,
        token_range=_HOFFMANN_TOKENS,
        source="Hoffmann et al. 2022, arXiv 2203.15556, eq. 10 as printed: "
        "rounding shifts its data term by 13 %",
    ),
    PowerLaw(
        "besiroglu-2024",
        E=1.8172,
        A=482.01,
        alpha=0.3478,
        B=2085.43,
        beta=0.3658,
        parameter_range=_HOFFMANN_RANGE,
        token_range=_HOFFMANN_TOKENS,
        source="Besiroglu et al. 2024, arXiv 2404.10102, refit of Hoffmann's figure 4",
    ),
    RepeatedDataLaw(
        "muennighoff-2023",
        E=math.exp(0.6254804),
        A=math.exp(6.255414),
        B=math.exp(7.3049974),
        alpha=0.3526596,
        repeated_data=15.387756,
        repeated_parameters=5.309743,
        parameter_range=Range(7e6, 9e9),
        most_epochs=44,
        source="Muennighoff et al. 2023, arXiv 2305.16264, eq. 17, fitted on C4",
    ),
    *MORE_LAWS,
    TermLaw(
        "gemstones-2025",
        *gemstones_terms(
            {
                key.removeprefix("ln_"): math.exp(value) if "ln_" in key else value
                for key, value in GEMSTONES.items()
            }
        ),
        parameter_range=Range(48e6, 2.1e9),
        token_range=Range(100e9, 350e9),
        source="McLeish et al. 2025, arXiv 2502.06857, the four-term law",
        form="e^ln_E + A w^-a + B L^-b + G N^-g + T D^-t",
        ranges={"d_model": GEMSTONES_SHAPE.d_model_range, "layers": GEMSTONES_SHAPE.layers_range},
        caution="its term of tokens is a guess outside 100B to 350B",
    ),
    TermLaw(
        "bian-2025",
        *bian_terms(BIAN),
        parameter_range=Range(80e6, 1e9),
        source="Bian et al. 2025, arXiv 2501.18107",
        form="(E + A/N^alpha + B/D^alpha) (1 + gamma (d_model/layers)^alpha)",
        caution="it takes the deepest model without end",
    ),
)

TOKEN_LAWS: Registry[TokenLaw] = Registry("law", _PUBLISHED)
"""Every registered law by name."""


def register_law(law: TokenLaw) -> None:
    """Make a law usable by its name in problem files.

    Raises
    ------
    ValueError
        If the name is empty or taken by another law, or the law breaks one of its promises; see
        `modelsizer.problems.laws.checks.check_law`.
    """
    check_law(law)
    TOKEN_LAWS.register(law)


def token_law(name: str) -> TokenLaw:
    """Look up a registered law.

    Raises
    ------
    ValueError
        If there is none of that name; the message lists what there is.
    """
    return TOKEN_LAWS.look_up(name)
