"""Rows out of what `modelsizer.live.packed` writes, as the script of the page unpacks them."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from typing import Any


def unpacked(text: str) -> list[Any]:
    found = json.loads(zlib.decompress(b64decode(text)))
    return rows(found["of"], found["n"])


def rows(column: dict[str, Any], count: int) -> list[Any]:
    if "k" in column:
        return [column["k"]] * count
    if "u" in column:
        return [column["u"][index] for index in column["i"]]
    if "l" in column:
        return [list(row) for row in zip(*(rows(c, count) for c in column["l"]), strict=True)]
    if "d" in column:
        parts = {key: rows(c, count) for key, c in column["d"].items()}
        return [{key: values[i] for key, values in parts.items()} for i in range(count)]
    sizes = [column["g"].count(number) for number in range(len(column["of"]))]
    groups = [iter(rows(c, size)) for c, size in zip(column["of"], sizes, strict=True)]
    return [next(groups[number]) for number in column["g"]]
