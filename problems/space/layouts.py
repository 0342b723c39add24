"""Parallel layouts: how training is split over accelerators.

Of the layouts with the same tensor and pipeline parallelism the one of most data parallelism is
never worse: no accelerator holds more (arXiv 1910.02054, section 5), training takes no longer, and
its cost does not depend on it. So one for each pair is enough, and a proof over them is a proof
over all.
"""

from __future__ import annotations

from dataclasses import dataclass

from modelsizer.problems.tables.menus import Choice
from modelsizer.problems.tables.training import Training


@dataclass(frozen=True, slots=True)
class Layout:
    """Ways to split: data, tensor and pipeline parallelism."""

    data_parallel: int = 1
    tensor_parallel: int = 1
    pipeline_parallel: int = 1

    @property
    def accelerators(self) -> int:
        """Accelerators that work."""
        return self.data_parallel * self.tensor_parallel * self.pipeline_parallel

    @property
    def rank(self) -> tuple[int, ...]:
        """Order of preference among layouts that do as well: fast first, then simple."""
        return (-self.accelerators, self.pipeline_parallel, self.tensor_parallel)


def _ways(choice: Choice | None) -> list[int]:
    return [1] if choice is None else [int(n) for n in choice.numbers]


def layouts(training: Training) -> tuple[Layout, ...]:
    """The layouts to choose from, the preferred ones first.

    Raises
    ------
    ValueError
        ``"@key message"``, if the accelerators are too few for any.
    """
    most = training.accelerators
    found = []
    for tensor in _ways(training.tensor_parallel):
        for pipeline in _ways(training.pipeline_parallel):
            if training.data_parallel is None:
                data = 1 if most is None else most // (tensor * pipeline)
            else:
                fits = [
                    n for n in _ways(training.data_parallel)
                    if most is None or n * tensor * pipeline <= most
                ]  # fmt: skip
                data = max(fits, default=0)
            if data:
                found.append(Layout(data, tensor, pipeline))
    if not found:
        least = (
            min(_ways(training.data_parallel))
            * min(_ways(training.tensor_parallel))
            * min(_ways(training.pipeline_parallel))
        )
        raise ValueError(
            f"@training.accelerators {most} accelerators are too few: the smallest product of "
            f"data, tensor and pipeline parallel is {least}"
        )
    return tuple(sorted(found, key=lambda layout: layout.rank))
