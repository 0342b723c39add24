"""Values as someone types them, which `modelsizer.problems.key_values.read_value` reads again."""

from __future__ import annotations

from modelsizer.problems.key_values import read_value, write_value


def typed(value: object) -> str:
    """The text of a plain value; of a text without quotes, unless it needs them.

    Examples
    --------
    >>> typed("80 GB"), typed([1, 2]), typed({"min": 1, "max": 2}), typed(True), typed("1")
    ('80 GB', '[1, 2]', '{min = 1, max = 2}', 'true', '"1"')
    """
    if isinstance(value, str) and value == value.strip() and read_value(value) == value:
        return value
    return write_value(value)
