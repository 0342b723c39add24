"""Read the name of a column: the unit it states, and the words around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from modelsizer.problems.records import dataclass

_DAY = 86_400
_SCALES: dict[str, float] = {
    word: factor
    for factor, words in {
        1e3: "k thousand thousands kilo",
        1e6: "m mn mio mil million millions mega",
        1e9: "b bn bil billion billions g giga",
        1e12: "t tn tril trillion trillions tera",
    }.items()
    for word in words.split()
}
"""Short-scale words for counts, and the letters of metric prefixes that mean the same."""
_METRIC: dict[str, float] = _SCALES | {
    word: factor
    for factor, words in {1e15: "p peta", 1e18: "e exa", 1e21: "z zetta", 1e24: "y yotta"}.items()
    for word in words.split()
}
"""And the metric prefixes that only FLOPs have."""
_LONG = tuple(word for word in _METRIC if len(word) > 3)

_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_SPELLINGS = (
    (re.compile(r"(?<![a-z])w/o(?![a-z])", re.I), " without "),
    # petaflop/s-days, PF-days, petaflop_s_days, pfdays: one word each
    (
        re.compile(
            r"(?<![a-z])(k|m|g|t|p|e|z|kilo|mega|giga|tera|peta|exa|zetta)[\s_-]*f(?:lops?)?"
            r"(?:[\s_-]*(?:/\s*|per[\s_]+)?(?:p?s|sec|second))?[\s_-]*days?(?![a-z])",
            re.I,
        ),
        r" \g<1>~days ",
    ),
    # 1e9, 10^9, 10**9, x1e9, /1e9, *1e-9: one word each
    (
        re.compile(
            r"[x\u00d7*\u00b7/\u00f7]?\s?(?<![\d.])(?:10\s*(?:\^|\*\*)|1e|(?<=[_\s(\[])e)[+-]?(\d+)(?!\d)",
            re.I,
        ),
        r" 1e\1 ",
    ),
)
_PREFIXED = re.compile(r"([kmbgt])(tokens?|toks?|params?)", re.I)  # Gtokens, mparams
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2,})")
_PATH = re.compile(r"[/:|>]+|\.(?=\S)")  # not the dot of "excl. embeddings"
_SCALE = re.compile(r"[KMBTGPEZ]|(?:thousand|million|billion|trillion)s?")
_LONGEST = 400  # characters of a name that is read
_LEAVES_OF_NOTHING = ("value",)  # of W&B's config.yaml: config.n_params.value


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a column's name, as written.

    Parameters
    ----------
    context : tuple of str
        What it is nested in: W&B's and TensorBoard's slashes, MLflow's and JSON's dots.
    leaf : tuple of str
        The name itself, without brackets.
    bracketed : tuple of str
        Words in its brackets.
    """

    context: tuple[str, ...]
    leaf: tuple[str, ...]
    bracketed: tuple[str, ...]

    @property
    def plain(self) -> str:
        """The leaf in lower case, joined by underscores."""
        return "_".join(self.leaf).lower()


@lru_cache(maxsize=4096)  # each name is read for every key
def words_of(name: str) -> Words:
    """Split a name into words: at signs, spaces and changes of case; none if it is too long.

    Examples
    --------
    >>> words_of("throughput/totalTokens (B)")
    Words(context=('throughput',), leaf=('total', 'Tokens'), bracketed=('B',))
    """
    if len(name) > _LONGEST:
        return Words((), (), ())
    for pattern, by in _SPELLINGS:
        name = pattern.sub(by, name)
    bracketed = tuple(word for part in _BRACKETS.findall(name) for word in _split(part))
    parts = [part for part in _PATH.split(_BRACKETS.sub(" ", name)) if part.strip()]
    if len(parts) > 1 and _SCALE.fullmatch(parts[-1].strip()):  # tokens/B
        bracketed += (parts.pop().strip(),)
    while len(parts) > 1 and parts[-1].strip().lower() in _LEAVES_OF_NOTHING:
        parts.pop()
    context = tuple(word for part in parts[:-1] for word in _split(part))
    return Words(context, tuple(_split(parts[-1])) if parts else (), bracketed)


def _split(text: str) -> list[str]:
    found: list[str] = []
    for part in re.split(r"[^\w~]+|_+", text):
        if prefixed := _PREFIXED.fullmatch(part):
            found += prefixed.groups()
        else:
            found += [part] if _is_flops(part.lower()) else _CAMEL.split(part)
    return [word for word in found if word]


def _is_flops(word: str) -> bool:
    return re.fullmatch(r"[kmgtpezy]?flo(ps?|s)", word) is not None


def unit_word(key: str, word: str) -> float | None:
    """Factor of a word that is a unit by itself, or None: M, billions, 1e18, GFLOPs, P~days.

    Parameters
    ----------
    key : {"N", "D", "C"}
    word : str
        In any case.
    """
    word = word.lower()
    if re.fullmatch(r"1e\d+", word):
        return float(word)
    if key != "C":
        return _SCALES.get(word)
    if word.endswith("~days"):
        return _METRIC[word.removesuffix("~days")] * _DAY
    if _is_flops(word):
        prefix = re.sub(r"flo(ps?|s)$", "", word)
        return _METRIC[prefix] if prefix else 1.0
    for long in _LONG:
        if word.startswith(long) and _is_flops(word.removeprefix(long)):
            return _METRIC[long]
    if re.fullmatch(r"[kmgtpezy]f", word):
        return _METRIC[word[0]]
    return _METRIC.get(word)


def stated_unit(key: str, words: Words) -> float | None:
    """Factor of the unit that a name states, whatever else it says; None if it states none.

    A single letter is a unit in brackets, or as a capital at the end: ``params_M``, not ``plan_b``.
    """
    found: list[float] = []
    for i, word in enumerate(words.leaf):
        if len(word) == 1 and not (word.isupper() and 0 < i == len(words.leaf) - 1):
            continue
        if (factor := unit_word(key, word)) is not None and factor != 1:
            found.append(factor)
    found += [f for word in words.bracketed if (f := unit_word(key, word)) not in (None, 1)]
    if not found:
        return None
    return _together(found)


def _together(factors: Sequence[float]) -> float:
    """One factor: ``GFLOPs (1e9)`` says the same twice; else they multiply."""
    different = dict.fromkeys(factors)
    product = 1.0
    for factor in different:
        product *= factor
    return product
