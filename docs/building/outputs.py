"""Shown outputs: in the site each has the command that prints it for a title."""

from __future__ import annotations

import re

_OUTPUT = re.compile(r"(?P<before>(?:^    .*\n\n)?)<!-- output: (?P<command>.+?) -->\n```\n", re.M)
_PROGRAM = re.compile(r"<!-- prints -->\n")


def titled(markdown: str) -> str:
    """The page with commands as titles of their outputs, where they do not stand just above."""

    def replaced(match: re.Match[str]) -> str:
        before, command = match["before"], match["command"]
        if before.strip() == command:
            return f"{before}```text\n"
        return f'{before}```text title="{command.replace(chr(34), "&quot;")}"\n'

    return _PROGRAM.sub("", _OUTPUT.sub(replaced, markdown))
