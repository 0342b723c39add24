"""Read answers on users and on the model from text such as ``"16 users at 8k"``, ``"30B-A3B"``."""

from __future__ import annotations

import re

from modelsizer.first_file.answers import Kind, Load, Model
from modelsizer.first_file.devices import read_count
from modelsizer.first_file.reading import positive
from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.units import MAX_COUNT, UNSIGNED, parse_quantity

_SPEED = re.compile(
    rf"(?P<speed>-?{UNSIGNED})\s*"
    r"(?:(?:tokens?|tok|t)?\s*(?:/|\bper\s+|\ba\s+)\s*s(?:ec(?:ond)?)?|tps)\b",
    re.I,
)
_EACH = re.compile(r"(?:\b(?:per|for\s+each|of\s+each|each)\s+|/)(?:user|request|sequence)\b", re.I)
_USERS = re.compile(
    r"(?P<users>[^\s;]+)\s+(?:(?:concurrent|simultaneous)\s+)?(?:users?|requests?|sequences?)\b",
    re.I,
)
_NUMBER = re.compile(
    rf"(?<![\w.-])(?P<number>{UNSIGNED}(?:e[0-9]+)?)\s*(?P<scale>[KMBT]i?)?(?![\w.])", re.I
)
_JOINING = re.compile(
    r"(?:\b(?:tokens?|context|length|long|window|of|for|at|with|has|have|having|each|and|in|by|once"
    r"|an?|x)\b|[\s,;:])+",
    re.I,
)
_BINARY = {"k": 2**10, "ki": 2**10, "m": 2**20, "mi": 2**20}
"""A context of 8k tokens is one of 8,192."""
_LEAST_SIZE = 1e6
_SIZE = r"[0-9][0-9.,_]*\s*[KMBT]?(?![a-z])"
_ACTIVE = re.compile(
    rf"-A(?P<short>[0-9.]+[KMBT])\b|(?P<before>{_SIZE})\s*active\b|\bactive\s+(?P<after>{_SIZE})",
    re.I,
)
_SIZED = re.compile(rf"(?<![\w.]){_SIZE}", re.I)
_FILLERS = {
    *("a", "about", "active", "an", "and", "approximately", "around", "at", "experts", "for"),
    *("llm", "model", "most", "of", "on", "parameter", "parameters", "params", "roughly", "some"),
    *("the", "to", "total", "up", "with"),
}
_KINDS: dict[str, Kind] = {
    "dense": "dense",
    **dict.fromkeys(("mixture", "moe"), "mixture"),
    **dict.fromkeys(("small", "phone", "device", "edge", "mobile"), "small"),
}
_LAYERS = frozenset(
    ("hybrid", "linear", "latent", "latents", "mamba", "mamba2", "mla", "window", "windows")
)
_LONGEST = 200  # characters of an answer


def read_load(text: str) -> Load:
    """Read the context, the users and the speed that each user sees.

    Examples
    --------
    >>> load = read_load("8192 tokens for 16 users at 20 tokens/s")
    >>> load.context, load.users, load.speed
    (8192, 16, 20)
    >>> read_load("1,000 users with 8k each").said
    '8k'
    """
    rest, speed, users = _brief(text), None, None
    if match := _SPEED.search(rest):
        speed = positive(match["speed"], "tokens/s")
        rest = f"{rest[: match.start()]} {rest[match.end() :]}"
    rest = _EACH.sub(" ", rest)
    if match := _USERS.search(rest):
        users = read_count(match["users"], "users")
        rest = f"{rest[: match.start()]} {rest[match.end() :]}"
    found = list(_NUMBER.finditer(rest))
    left = _JOINING.sub(" ", _NUMBER.sub(" ", rest)).strip()
    if not found:
        if left and users is None and speed is None:
            parse_quantity(left, "tokens")  # which says what would be one
        raise ValueError(f"{short(text)} has no number of tokens of context, such as 8192")
    if left or len(found) > (1 if users else 2):
        raise ValueError(
            f"{short(left or text)} is not understood; write '8192 tokens for 16 users at 20 "
            "tokens/s', or a part of it"
        )
    context, said = _context(found[0])
    if len(found) > 1:
        users = read_count(found[1][0], "users")
    return Load(context, users or 1, speed, said)


def _brief(text: str) -> str:
    """The text, if it is not too long for an answer."""
    if len(text) > _LONGEST:
        raise ValueError(f"{short(text)} is too long for an answer")
    return text.strip()


def _context(match: re.Match[str]) -> tuple[int, str]:
    """Tokens of context, and the text if its unit was taken for a power of two."""
    scale = (match["scale"] or "").lower()
    whole = match[0] if scale not in _BINARY else match["number"]
    context = parse_quantity(whole, "tokens") * _BINARY.get(scale, 1)
    if context != int(context) or not 1 <= context <= MAX_COUNT:
        raise ValueError(f"{short(match[0])} is not a number of tokens of context, such as 8192")
    return int(context), match[0] if scale in ("k", "m") else ""


def read_model(text: str) -> Model:
    """Read the kind of model and its size.

    Examples
    --------
    >>> read_model("mixture of 30B with 3B active")
    Model(kind='mixture', size='30B', active='3B')
    """
    rest, active = _brief(text), ""
    if match := _ACTIVE.search(rest):
        active = next(part for part in match.groups() if part).strip().upper()
        rest = f"{rest[: match.start()]} active {rest[match.end() :]}"
    sizes = [size.strip().upper() for size in _SIZED.findall(rest)]
    words = re.findall(r"[^\W_]+", _SIZED.sub(" ", rest).lower())
    kinds = list(dict.fromkeys(_KINDS[word] for word in words if word in _KINDS))
    strange = [word for word in words if word not in _FILLERS and word not in _KINDS]
    if _LAYERS.intersection(strange):
        raise ValueError(
            f"{short(text)}: windows, latents and linear attention are choices of the file; begin "
            "with one that has them, such as `modelsizer problems hybrid-1m-tokens --copy`"
        )
    usual: Kind = "mixture" if active or "experts" in words else "dense"
    if strange or not words + sizes or len(sizes) > 1 or len(kinds) > 1:
        hint = did_you_mean((strange or [text])[0], ("dense", "mixture", "small"))
        raise ValueError(
            f"{short(text)} is no kind of model{hint}; write dense, mixture or small, and perhaps "
            "its size ('mixture of 30B with 3B active')"
        )
    kind = kinds[0] if kinds else usual
    if active and kind != "mixture":
        raise ValueError(f"{short(text)}: active parameters are of a mixture")
    size = sizes[0] if sizes else ""
    for given in filter(None, (size, active)):
        if positive(given, "parameters") < _LEAST_SIZE:
            raise ValueError(f"{short(text)}: {given} are few parameters: write {given}B")
    return Model(kind, size, active)
