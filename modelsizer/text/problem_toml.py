"""A problem as TOML for people."""

from __future__ import annotations

import re

from modelsizer.problems.problem import Problem

_ARRAY = re.compile(r"\[\n((?: +.*,\n)+)\]")


def problem_toml(problem: Problem) -> str:
    """Write the problem as TOML, with each list on one line."""

    def line(match: re.Match[str]) -> str:
        return f"[{', '.join(item.strip().rstrip(',') for item in match[1].splitlines())}]"

    return _ARRAY.sub(line, problem.to_toml()).strip()
