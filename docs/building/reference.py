"""Lists of the reference that are made of the program itself: commands, functions, keys.

A page has ``<!-- generated: NAME -->`` where a list belongs, and ``<!-- end -->`` after what
readers of the repository find in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from docs.building import commands, functions, keys

LISTS: Mapping[str, Callable[[], str]] = {
    "commands": commands.sections,
    "functions": functions.sections,
    "keys": keys.sections,
}
_MARK = re.compile(r"<!-- generated: ([\w-]+) -->.*?<!-- end -->", re.DOTALL)


def filled(markdown: str) -> str:
    """A page with its lists.

    Raises
    ------
    KeyError
        If a page asks for a list that there is not.
    """
    return _MARK.sub(lambda mark: LISTS[mark[1]](), markdown)
