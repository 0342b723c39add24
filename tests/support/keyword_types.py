"""The file of the types of keyword settings, written from the tables: run it to write it anew."""

from __future__ import annotations

from modelsizer.problems.problem import Problem
from modelsizer.problems.reading import table_keys
from tests.support.shared import ROOT

PATH = ROOT / "problems/keyword_types.py"
HEAD = '''"""Types of the keywords of `Problem.edit`, written by `python -m tests.support.keyword_types`."""

from __future__ import annotations

from typing import TypedDict
'''
WIDTH = 100


def text() -> str:
    """A TypedDict for each table, whose keys take any value: the reader checks them."""
    parts = [HEAD]
    for name, keys in table_keys(Problem).items():
        lines = "".join(f"    {key}: object\n" for key in keys)
        parts.append(
            f"\n\nclass {name.capitalize()}Keys(TypedDict, total=False):\n"
            f'    """Keys of ``[{name}]``."""\n\n{lines}'
        )
    return "".join(parts)


if __name__ == "__main__":
    PATH.write_text(text())
