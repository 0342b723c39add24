"""What questions take, in counts that do not depend on the machine, is as in the committed table."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import counts


@pytest.mark.timeout(300)  # five seconds of work, on machines that have other work too
def test_nothing_takes_more_than_the_table_says() -> None:
    # In a process of its own: what other tests have cached would not be counted.
    command = [sys.executable, "-m", "benchmarks.counts", "--json"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    said = counts.faults(json.loads(answer.stdout), counts.table())
    assert not said, "\n" + "\n".join(said)


def test_a_fault_names_what_it_was_is_and_how_to_accept_it() -> None:
    kept = {"solve": {"boxes": 100, "searches": 5}, "--help": {"modules": 10}}
    assert counts.faults(kept, kept) == []
    assert counts.faults({**kept, "solve": {"boxes": 105, "searches": 4}}, kept) == []
    grown, fallen, loaded = counts.faults(
        {"solve": {"boxes": 106, "searches": 3}, "--help": {"modules": 10, "numpy": 1}}, kept
    )
    for said in (grown, fallen, loaded):
        assert said.endswith("`python -m benchmarks.counts --write` and commit the table")
    assert grown.startswith("solve: boxes: was 100, is 106 (slower)")
    assert fallen.startswith("solve: searches: was 5, is 3 (faster)")
    assert loaded.startswith("--help: numpy: was 0, is 1 (slower)")


def test_a_question_that_is_gone_or_new_is_a_fault() -> None:
    kept = {"solve": {"boxes": 100}}
    (gone,) = counts.faults({}, kept)
    (new,) = counts.faults({"solve": {"boxes": 100}, "rank": {"boxes": 1}}, kept)
    assert gone.startswith("solve: boxes: was 100, is 0")
    assert new.startswith("rank: boxes: was 0, is 1")
