"""Further published laws: some of N and D alone, others that ask for more.

Those of N and D are power laws, so that every proof holds for them, and are registered by name.
The others are functions: a problem file has no place for what they need, or their loss is not in
nats a token. `modelsizer.problems.laws.pages` says what is known of each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.laws import ParameterKind, PowerLaw, Range, TokenLaw

Coefficients = Mapping[str, float]

# Gadre et al. 2024, arXiv 2403.08540, eq. 4, by training set. Its table prints twice the exponent
# and, for C4, an a of 114: both miss the authors' own runs by half of their loss.
GADRE: Mapping[str, Coefficients] = MappingProxyType(
    {
        "c4": {"E": 1.51, "a": 141.0, "b": 190.0, "eta": 0.121},
        "redpajama": {"E": 1.84, "a": 212.0, "b": 367.0, "eta": 0.136},
        "refinedweb": {"E": 1.73, "a": 157.0, "b": 246.0, "eta": 0.127},
    }
)
GADRE_PRINTED: Coefficients = MappingProxyType({"E": 1.51, "a": 114.0, "b": 190.0, "eta": 0.242})
FLOPS_A_PARAMETER = 6.0
"""Training FLOPs a parameter and a token: C = 6ND, as Gadre et al. count them."""


def gadre_law(name: str, kept: Coefficients, source: str = "") -> PowerLaw:
    """``E + (a M^eta + b M^-eta) C^-eta`` of M = D/N and C = 6ND, as the power law that it is.

    ``(D/N)^eta (6ND)^-eta = 6^-eta N^(-2 eta)``, and likewise for the other term, so that it falls
    in N and in D everywhere.

    Parameters
    ----------
    name : str
    kept : mapping
        E, a, b and eta.
    """
    scale = FLOPS_A_PARAMETER ** -kept["eta"]
    return PowerLaw(
        name,
        E=kept["E"],
        A=kept["a"] * scale,
        alpha=2 * kept["eta"],
        B=kept["b"] * scale,
        beta=2 * kept["eta"],
        parameter_range=Range(0.011e9, 6.9e9),
        token_range=Range(0.2e9, 921e9),  # 20 tokens for each of 0.011B; 640 for each of 1.44B
        source=source,
        form="E + (a M^eta + b M^-eta) C^-eta, M = D/N, C = 6ND",
    )


_GADRE_SOURCE = (
    "Gadre et al. 2024, arXiv 2403.08540, eq. 4, with exponents corrected against the authors' runs"
)

# Ludziejewski et al. 2025, arXiv 2502.05172, table 3. The signs are wrong in copies.
LUDZIEJEWSKI: Coefficients = MappingProxyType(
    {"a": 35.91, "alpha": -0.1889, "delta": -0.2285, "gamma": 0.0098,
     "b": 35.98, "beta": -0.1775, "omega": 0.5529, "zeta": -0.0259, "c": 1.3637,
     "E_start": 2.0732, "E_max": 290.4521}
)  # fmt: skip


def effective_experts(experts: Floats, start: float, most: float) -> Floats:
    """Clark et al.'s saturating number of experts (2022, arXiv 2202.01169, eq. 1)."""
    shifted = np.subtract(experts, 1) + 1 / (1 / start - 1 / most)
    return 1 / (1 / shifted + 1 / most)


def ludziejewski_terms(experts: float) -> tuple[float, float, float, float]:
    """A, alpha, B and beta of ``A / N^alpha + B / D^beta + c`` at a number of experts."""
    k = LUDZIEJEWSKI
    effective = float(effective_experts(experts, k["E_start"], k["E_max"]))
    ln = math.log(effective)
    return (
        k["a"] * effective ** k["delta"],
        -(k["alpha"] + k["gamma"] * ln),
        k["b"] * effective ** k["omega"],
        -(k["beta"] + k["zeta"] * ln),
    )


def ludziejewski_loss(n_active: Floats, d: Floats, experts: float) -> Floats:
    """Loss of a mixture of `experts`, one active a token (arXiv 2502.05172, eq. 6)."""
    a, alpha, b, beta = ludziejewski_terms(experts)
    return a * np.power(n_active, -alpha) + b * np.power(d, -beta) + LUDZIEJEWSKI["c"]


def _ludziejewski_dense() -> PowerLaw:
    a, alpha, b, beta = ludziejewski_terms(1)
    return PowerLaw(
        "ludziejewski-2025-dense",
        E=LUDZIEJEWSKI["c"],
        A=a,
        alpha=alpha,
        B=b,
        beta=beta,
        parameter_range=Range(None, 2.7e9),  # where the least was is not known here
        source="Ludziejewski et al. 2025, arXiv 2502.05172, eq. 6 and table 3 at one expert",
    )


# Krajewski et al. 2024, arXiv 2402.07871, table 1.
KRAJEWSKI: Coefficients = MappingProxyType(
    {"a": 18.1, "alpha": 0.115, "b": 30.8, "beta": 0.147, "g": 2.1, "gamma": 0.58, "c": 0.47}
)

MORE_LAWS: tuple[TokenLaw, ...] = (
    PowerLaw(
        "sardana-2024",
        E=1.45,
        A=33.66,
        alpha=0.18,
        B=138.9,
        beta=0.24,
        parameter_range=Range(150e6, 6e9),
        token_range=Range(1.5e9, 1.5e12),  # 10 and 10,000 tokens for each of 150M parameters
        source="Sardana et al. 2024, arXiv 2401.00448, table 1, fitted on all runs",
    ),
    gadre_law("gadre-2024-c4", GADRE["c4"], _GADRE_SOURCE),
    gadre_law("gadre-2024-redpajama", GADRE["redpajama"], _GADRE_SOURCE),
    gadre_law("gadre-2024-refinedweb", GADRE["refinedweb"], _GADRE_SOURCE),
    PowerLaw(
        "krajewski-2024-dense",
        E=0.47,
        A=16.3,
        alpha=0.126,
        B=26.7,
        beta=0.127,
        parameter_kind="non_embedding",
        parameter_range=Range(129e6, 3.7e9),
        token_range=Range(16e9, 130e9),
        source="Krajewski et al. 2024, arXiv 2402.07871, eq. 1 and table 1",
    ),
    _ludziejewski_dense(),
)
"""Laws of N and D that `modelsizer.problems.laws.published` registers."""


def krajewski_loss(n: Floats, d: Floats, granularity: Floats) -> Floats:
    """Loss of a mixture of 64 experts (arXiv 2402.07871, eq. 9); N counts all of them."""
    k = KRAJEWSKI
    a = k["g"] / np.power(granularity, k["gamma"]) + k["a"]
    return k["c"] + a / np.power(n, k["alpha"]) + k["b"] / np.power(d, k["beta"])


# Abnar et al. 2025, arXiv 2501.12370, eq. 6 and table 3.
ABNAR: Coefficients = MappingProxyType(
    {"a": 16612.5, "alpha": 0.5962, "b": 5455.67, "beta": 0.3954, "c": 0.4598, "lambda": -0.1666,
     "d": 17.26, "delta": 0.1603, "gamma": 0.1595, "e": 0.94}
)  # fmt: skip


def abnar_loss(n: Floats, d: Floats, sparsity: Floats) -> Floats:
    """Loss of a mixture whose inactive share of experts is `sparsity`; N counts all of them."""
    k, active = ABNAR, 1 - np.asarray(sparsity, float)
    return (
        k["a"] / np.power(n, k["alpha"])
        + k["b"] / np.power(d, k["beta"])
        + k["c"] / np.power(active, k["lambda"])
        + k["d"] / (np.power(active, k["delta"]) * np.power(n, k["gamma"]))
        + k["e"]
    )


# Clark et al. 2022, arXiv 2202.01169, table 3, by way of routing. D is 130B, all logarithms to 10.
CLARK: Mapping[str, Coefficients] = MappingProxyType(
    {
        "s-base": {"a": -0.082, "b": -0.108, "c": 0.009, "d": 1.104,
                   "E_start": 1.847, "E_max": 314.478},
        "rl-r": {"a": -0.083, "b": -0.126, "c": 0.012, "d": 1.111,
                 "E_start": 1.88, "E_max": 469.982},
        "hash": {"a": -0.087, "b": -0.136, "c": 0.012, "d": 1.157,
                 "E_start": 4.175, "E_max": 477.741},
    }
)  # fmt: skip


def clark_loss(n_dense: Floats, experts: Floats, routing: str = "s-base") -> Floats:
    """Loss of a routed model whose tokens each meet `n_dense` parameters, after 130B tokens."""
    k = CLARK[routing]
    n, e = np.log10(n_dense), np.log10(effective_experts(experts, k["E_start"], k["E_max"]))
    return np.power(10.0, k["a"] * n + k["b"] * e + k["c"] * n * e + k["d"])


# Kumar et al. 2024, arXiv 2411.04330, table 2; of each part gamma and the offset n of the fit.
KUMAR: Coefficients = MappingProxyType(
    {"A": 4299.0, "alpha": 0.4965, "B": 18060.0, "E": 2.7648,
     "gamma_w": 2.6745, "n_w": 0.3037, "gamma_a": 2.2102, "n_a": 1.4072,
     "gamma_kv": 0.9578, "n_kv": 2.4185,
     "C_T": 0.0598, "gamma_D": 0.5068, "gamma_N": 0.3439, "gamma_post": 0.5907}
)  # fmt: skip


def kumar_share(weights: Floats, activations: Floats, kv: Floats, offset: bool = True) -> Floats:
    """Effective share of the parameters at so many bits; 0 where a part has too few.

    Parameters
    ----------
    weights, activations, kv : float or array
        Bits of each while training.
    offset : bool
        Whether the offset of the fit is used, which the printed formula leaves out.
    """
    share: Floats = 1.0
    for bits, part in ((weights, "w"), (activations, "a"), (kv, "kv")):
        power = -np.asarray(bits, float) / KUMAR[f"gamma_{part}"]
        share = share * np.maximum(-np.expm1(power + (KUMAR[f"n_{part}"] if offset else 0.0)), 0.0)
    return share


def kumar_law(weights: float, activations: float, kv: float) -> PowerLaw:
    """The law of N and D at fixed bits, for `register_law`; it falls in both.

    Raises
    ------
    ValueError
        If the bits leave no effective parameter.
    """
    share = float(kumar_share(weights, activations, kv))
    if share <= 0:
        raise ValueError(f"no parameter is effective at {weights}, {activations} and {kv} bits")
    return PowerLaw(
        f"kumar-2024-w{weights:g}a{activations:g}kv{kv:g}",
        E=KUMAR["E"],
        A=KUMAR["A"] * share ** -KUMAR["alpha"],
        alpha=KUMAR["alpha"],
        B=KUMAR["B"],
        beta=KUMAR["alpha"],
        parameter_kind="non_embedding",
        parameter_range=Range(30e6, 1.7e9),
        token_range=Range(1.5e9, 26e9),
        source="Kumar et al. 2024, arXiv 2411.04330, table 2, with the offset of its fit",
    )


def kumar_after_training(n: Floats, d: Floats, bits: Floats) -> Floats:
    """What quantising the weights to `bits` after training adds to the loss."""
    k = KUMAR
    fragile = np.power(d, k["gamma_D"]) / np.power(n, k["gamma_N"])
    return k["C_T"] * fragile * np.exp(-np.asarray(bits, float) / k["gamma_post"])


# Tao et al. 2024, arXiv 2407.13623, fit of the authors' approach3_isoloss.py, and the tokens of
# so many characters of its utils.py.
TAO: Coefficients = MappingProxyType(
    {"E": 5.533, "A1": 1.831, "alpha1": 0.447, "A2": 0.196, "alpha2": 0.671, "B": 2.124,
     "beta": 0.447, "f2": 0.00639222, "f1": -0.15811069, "f0": 1.20470122}
)  # fmt: skip
_MILLION, _BILLION, _THOUSAND = 1e6, 1e9, 1e3


def tao_loss(non_vocab: Floats, vocab: Floats, d_model: Floats, characters: Floats) -> Floats:
    """Loss over that of unigrams, negative; not nats a token.

    Units are the authors': parameters in millions, characters in billions, and the vocabulary
    in thousands even where characters become tokens, which only their code shows.
    """
    k, thousands = TAO, np.asarray(vocab, float) / _THOUSAND
    ln = np.log(thousands)
    tokens = np.divide(characters, _BILLION) * (k["f2"] * ln * ln + k["f1"] * ln + k["f0"])
    rows = thousands * np.divide(d_model, _THOUSAND)
    return (
        -k["E"]
        + k["A1"] / np.power(np.divide(non_vocab, _MILLION), k["alpha1"])
        + k["A2"] / np.power(rows, k["alpha2"])
        + k["B"] / np.power(tokens, k["beta"])
    )


# Bian et al. 2025, arXiv 2501.18107, from the authors' code; one exponent for all three.
BIAN: Coefficients = MappingProxyType(
    {"E": 2.44751, "A": 54754.0, "B": 778346.0, "alpha": 0.614573, "gamma": 0.00114621}
)


def bian_loss(n: Floats, d: Floats, d_model: Floats, layers: Floats) -> Floats:
    """Loss with a factor of the shape: the deeper at the same N, the less."""
    k = BIAN
    token = k["E"] + k["A"] / np.power(n, k["alpha"]) + k["B"] / np.power(d, k["alpha"])
    return token * (1 + k["gamma"] * np.power(np.divide(d_model, layers), k["alpha"]))


# McLeish et al. 2025, arXiv 2502.06857, four-term law; a, b and their factors as in `shapes`
GEMSTONES: Coefficients = MappingProxyType(
    {"ln_E": 0.4282, "ln_A": 1.082043835, "a": 0.2195783536, "ln_B": -0.2186969889,
     "b": 0.4758917337, "ln_G": 6.0902, "g": 0.3636, "ln_T": 10.4720, "t": 0.4935}
)  # fmt: skip


def gemstones_loss(d_model: Floats, layers: Floats, n: Floats, d: Floats) -> Floats:
    """Loss in width, depth, parameters and tokens."""
    k = GEMSTONES
    terms = ((d_model, "A", "a"), (layers, "B", "b"), (n, "G", "g"), (d, "T", "t"))
    found: Floats = math.exp(k["ln_E"])
    for value, factor, power in terms:
        found = found + math.exp(k[f"ln_{factor}"]) * np.power(value, -k[power])
    return found


# Li et al. 2025, arXiv 2506.10972, eq. 15.
FARSEER: Coefficients = MappingProxyType(
    {"e1": -0.021, "p1": 0.169, "c1": -0.091, "e2": 88.01, "p2": -0.1, "c2": -6.287,
     "e3": -0.124, "p3": 0.123, "c3": 0.424}
)  # fmt: skip
_FARSEER_MOST = 6.4e9
FARSEER_PARAMETERS = Range(0.2e9, _FARSEER_MOST)


def farseer_bits(n: Floats, d: Floats) -> Floats:
    """Bits a character, without limits: above 6.4B parameters it runs away."""
    k = FARSEER
    floor = np.exp(k["e1"] * np.power(n, k["p1"]) + k["c1"])
    factor = np.exp(k["e2"] * np.power(n, k["p2"]) + k["c2"])
    return floor + factor * np.power(d, -np.exp(k["e3"] * np.power(n, k["p3"]) + k["c3"]))


@dataclass(frozen=True)
class FarseerLaw(TokenLaw):
    """Farseer held to where it was fitted: no parameter above 6.4B lowers the loss.

    Parameters
    ----------
    characters_per_token : float
        Of the tokenizer, to turn bits a character into nats a token.

    Raises
    ------
    ValueError
        If it is not a positive number.
    """

    characters_per_token: float
    name: str = "farseer-2025"
    parameter_kind: ParameterKind = "non_embedding"
    parameter_range: Range = FARSEER_PARAMETERS
    source: str = "Li et al. 2025, arXiv 2506.10972, eq. 15, N held to at most 6.4B"
    form: str = "e^(e1 N^p1 + c1) + e^(e2 N^p2 + c2) / D^(e^(e3 N^p3 + c3))"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.characters_per_token) and self.characters_per_token > 0):
            raise ValueError(
                f"characters_per_token must be a positive number, got {self.characters_per_token!r}"
            )

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token."""
        bits = farseer_bits(np.minimum(n, _FARSEER_MOST), d)
        return math.log(2) * self.characters_per_token * bits


# Optimum alone: no loss is known.
DEEPSEEK: Coefficients = MappingProxyType(
    {"M_base": 0.1715, "a": 0.5243, "D_base": 5.8316, "b": 0.4757}
)
LLAMA3: Coefficients = MappingProxyType({"A": 0.299, "alpha": 0.537})


def deepseek_optimum(flops: Floats) -> tuple[Floats, Floats]:
    """FLOPs a token and tokens of least loss (DeepSeek 2024, arXiv 2401.02954, eq. 4)."""
    k = DEEPSEEK
    return k["M_base"] * np.power(flops, k["a"]), k["D_base"] * np.power(flops, k["b"])


def llama3_tokens(flops: Floats) -> Floats:
    """Tokens of least loss (Llama 3 2024, arXiv 2407.21783, figure 3)."""
    return LLAMA3["A"] * np.power(flops, LLAMA3["alpha"])
