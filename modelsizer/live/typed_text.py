"""Values as someone types them, which `modelsizer.problems.key_values.read_value` reads again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from modelsizer.problems.key_values import read_value


def typed(value: object) -> str:
    """The text of a plain value.

    Examples
    --------
    >>> typed("80 GB"), typed([1, 2]), typed({"min": 1, "max": 2}), typed(True), typed("1")
    ('80 GB', '[1, 2]', '{min = 1, max = 2}', 'true', '"1"')
    """
    if isinstance(value, str):
        return value if read_value(value) == value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(k)} = {_inside(v)}' for k, v in value.items())}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_inside, value))}]"
    return repr(value)


def _inside(value: object) -> str:
    """A value within a list or a table, where text needs quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else typed(value)


def _key(key: object) -> str:
    text = str(key)
    bare = text.isascii() and text.replace("_", "").replace("-", "").isalnum()
    return text if bare else json.dumps(text, ensure_ascii=False)
