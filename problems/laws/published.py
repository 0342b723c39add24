"""The published loss laws by name, built from `catalogue.toml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.laws.catalogue import (
    coefficients_of,
    law_rows,
    range_of,
    without_logarithms,
)
from modelsizer.problems.laws.checks import check_law
from modelsizer.problems.laws.experts import LudziejewskiLaw
from modelsizer.problems.laws.laws import PowerLaw, PowerTerm, TokenLaw
from modelsizer.problems.laws.repeats import RepeatedDataLaw
from modelsizer.problems.laws.terms import TermLaw, bian_terms, gemstones_terms
from modelsizer.problems.registry import Registry

FLOPS_A_PARAMETER = 6.0
"""Training FLOPs a parameter and a token: C = 6ND, as Gadre et al. count them."""

# Each form takes the coefficients of a table and the other arguments of its class.


def _chinchilla(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    return PowerLaw(**c, **given)


def _outer(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    return PowerLaw(form="E + (A/N^alpha + B/D^beta)^outer", **c, **given)


def _kaplan(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    alpha = c["aN"] / c["aD"]
    return PowerLaw(
        E=0.0,
        A=c["Nc"] ** alpha,
        alpha=alpha,
        B=c["Dc"],
        beta=1.0,
        outer=c["aD"],
        form="[(Nc/N)^(aN/aD) + Dc/D]^aD",
        **given,
    )


def _gadre(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    """The formula as the power law that it is, which falls in N and in D everywhere.

    ``(D/N)^eta (6ND)^-eta = 6^-eta N^(-2 eta)``, and likewise for the other term.
    """
    scale = FLOPS_A_PARAMETER ** -c["eta"]
    return PowerLaw(
        E=c["E"],
        A=c["a"] * scale,
        alpha=2 * c["eta"],
        B=c["b"] * scale,
        beta=2 * c["eta"],
        form="E + (a M^eta + b M^-eta) C^-eta, M = D/N, C = 6ND",
        **given,
    )


def _repeats(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    return RepeatedDataLaw(**c, **given)


def _ludziejewski(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    return LudziejewskiLaw(coefficients=dict(c), **given)


def _gemstones(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    constant, terms = gemstones_terms(without_logarithms(c))
    form = "e^ln_E + A w^-a + B L^-b + G N^-g + T D^-t"
    return TermLaw(E=constant, terms=terms, form=form, **given)


def _bian(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    constant, terms = bian_terms(c)
    form = "(E + A/N^alpha + B/D^alpha) (1 + gamma (d_model/layers)^alpha)"
    return TermLaw(E=constant, terms=terms, form=form, **given)


def _krajewski(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    """The formula with G as it is here, half of the paper's: 2 d_model over an expert's width."""
    terms = (
        PowerTerm(
            c["g"] * 2 ** -c["gamma"],
            {"granularity": -c["gamma"], "parameters": -c["alpha"]},
            "g",
        ),
        PowerTerm(c["a"], {"parameters": -c["alpha"]}, "a"),
        PowerTerm(c["b"], {"tokens": -c["beta"]}, "b"),
    )
    form = "c + (g/G^gamma + a)/N^alpha + b/D^beta"
    return TermLaw(E=c["c"], terms=terms, form=form, **given)


def _abnar(c: Mapping[str, Any], given: Mapping[str, Any]) -> TokenLaw:
    terms = (
        PowerTerm(c["a"], {"parameters": -c["alpha"]}, "a"),
        PowerTerm(c["b"], {"tokens": -c["beta"]}, "b"),
        PowerTerm(c["c"], {"activation": -c["lambda"]}, "c"),
        PowerTerm(c["d"], {"activation": -c["delta"], "parameters": -c["gamma"]}, "d"),
    )
    form = "a/N^alpha + b/D^beta + c/(1-S)^lambda + d/((1-S)^delta N^gamma) + e"
    return TermLaw(E=c["e"], terms=terms, form=form, **given)


LAW_FORMS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], TokenLaw]] = (
    MappingProxyType(
        {
            "chinchilla": _chinchilla,
            "chinchilla-outer": _outer,
            "kaplan": _kaplan,
            "gadre": _gadre,
            "repeats": _repeats,
            "ludziejewski": _ludziejewski,
            "gemstones": _gemstones,
            "bian": _bian,
            "krajewski": _krajewski,
            "abnar": _abnar,
        }
    )
)
"""Forms of the laws of the catalogue: functions of the coefficients and the other arguments."""


def _law(name: str, row: Mapping[str, Any]) -> TokenLaw:
    given = {
        "name": name,
        "parameter_kind": row.get("parameters", "total"),
        "parameter_range": range_of(row, "parameter_range"),
        "token_range": range_of(row, "token_range"),
        "source": row["source"],
    }
    given |= {key: row[key] for key in ("caution", "most_epochs", "rms", "experts") if key in row}
    if "ranges" in row:
        given["ranges"] = {feature: range_of(row["ranges"], feature) for feature in row["ranges"]}
    return LAW_FORMS[row["form"]](coefficients_of(row), given)


TOKEN_LAWS: Registry[TokenLaw] = Registry(
    "law", [_law(name, row) for name, row in law_rows().items()]
)
"""Every registered law by name."""


def register_law(law: TokenLaw) -> None:
    """Make a law available by its name in problem files.

    Raises
    ------
    ValueError
        If the name is empty or taken by another law, or the law violates one of the properties
        that `modelsizer.problems.laws.checks.check_law` tests.
    """
    check_law(law)
    TOKEN_LAWS.register(law)


def token_law(name: str) -> TokenLaw:
    """Look up a registered law.

    Raises
    ------
    ValueError
        If no law has this name; the message lists the known ones.
    """
    return TOKEN_LAWS.look_up(name)
