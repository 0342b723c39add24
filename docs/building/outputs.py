"""Shown outputs: in the site each has the command that prints it for a title."""

from __future__ import annotations

import re

_OUTPUT = re.compile(r"(?P<before>(?:^    .*\n)*\n?)<!-- output: (?P<command>.+?) -->\n```\n", re.M)
_MARKS = re.compile(r"<!-- (?:prints|file: .*|outputs run in: .*) -->\n")


def titled(markdown: str) -> str:
    """The page with commands as titles of their outputs, where they do not stand just above."""

    def replaced(match: re.Match[str]) -> str:
        before, command = match["before"], match["command"]
        if " ".join(before.replace("\\\n", " ").split()) == command:
            return f"{before}```text\n"
        return f'{before}```text title="{command.replace(chr(34), "&quot;")}"\n'

    return _MARKS.sub("", _OUTPUT.sub(replaced, markdown))
