"""All hostile inputs."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.hostile import configs, files, laws, options, problems, runs
from tests.support.hostile.case import Case


def cases() -> Iterator[Case]:
    """Generate the cases of every door."""
    for generate in (
        problems.numbers_in_problems,
        problems.words_in_problems,
        problems.tables_in_problems,
        problems.scenarios_in_problems,
        files.whole_problem_files,
        files.names_of_sources,
        configs.sizes_in_configs,
        configs.whole_configs,
        configs.answers,
        laws.laws,
        runs.tables_of_runs,
        options.options,
    ):
        yield from generate()
