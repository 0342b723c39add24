"""A problem in figures: its size, its goal, its limits and the work of enumerating it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.device_limits import device_memories, unknown_memories
from modelsizer.problems.space.counting import count_by_structure
from modelsizer.problems.space.dropped import dropped
from modelsizer.problems.tables.repeated import repeated

DESIGNS_PER_SECOND = 2e6
"""Designs that enumeration evaluates on one core, measured; only the order of magnitude matters."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A valid problem in figures.

    Parameters
    ----------
    problem : Problem
    width_options : int
        Combinations of all choices but the number of layers.
    designs : int
    layouts : int
        Parallel layouts of training.
    exhaustive_seconds : float
        An estimate.
    by_kind : mapping of str to int
        Designs of each kind of stack, in words.
    dropped : tuple of str
        Sentences on menu entries that divisibility leaves out.
    repeated : tuple of str
        Sentences on values that a menu lists more than once.
    """

    problem: Problem
    width_options: int
    designs: int
    layouts: int
    exhaustive_seconds: float
    by_kind: Mapping[str, int]
    dropped: tuple[str, ...]
    repeated: tuple[str, ...] = ()

    @property
    def default_limits(self) -> tuple[tuple[str, str, int], ...]:
        """Quantity, accelerator and bytes of each limit that an accelerator sets by itself."""
        said = self.problem.budgets.said
        return tuple(
            dict.fromkeys(
                (name, memory.device, memory.most)
                for setup in self.problem.setups
                for name, memory in device_memories(setup.settings).items()
                if name not in said
            )
        )

    @property
    def unknown_memories(self) -> tuple[tuple[str, str], ...]:
        """Quantities that nothing limits as the memory of an accelerator is not known."""
        budgets = self.problem.budgets
        found = (unknown_memories(setup.settings, budgets) for setup in self.problem.setups)
        return tuple(dict.fromkeys(each for some in found for each in some))

    @property
    def goal(self) -> str:
        """The objective in words, such as ``minimize loss``."""
        return f"{self.problem.objective.sense} {self.problem.objective.quantity}"

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        problem = self.problem
        own = [
            {"name": name, "fits": device, "limit": most, "unit": "bytes"}
            for name, device, most in self.default_limits
        ]
        return {
            "name": problem.name,
            "valid": True,
            "width_options": self.width_options,
            "designs": self.designs,
            "by_kind": dict(self.by_kind),
            "dropped": list(self.dropped),
            "repeated": list(self.repeated),
            "layouts": self.layouts,
            "exhaustive_seconds": self.exhaustive_seconds,
            "objective": self.goal,
            "law": problem.law.name,
            "shape": problem.shape.name,
            "limits": list(problem.limits),
            "scenarios": list(problem.scenarios),
        } | ({"default_limits": own} if own else {})


def summarize(problem: Problem) -> Summary:
    """Count the designs of a problem and estimate the work of enumerating them.

    Parameters
    ----------
    problem : Problem
    """
    counted = problem.counted
    by_kind: dict[str, int] = {}
    for structure, part in count_by_structure(problem.space, problem.splits).items():
        by_kind[structure.words] = by_kind.get(structure.words, 0) + part.designs
    return Summary(
        problem,
        counted.options,
        counted.designs,
        problem.layouts_each,
        round(counted.pairs / DESIGNS_PER_SECOND, 3),
        {words: designs for words, designs in by_kind.items() if designs},
        tuple(dropped(problem.space, problem.splits)),
        tuple(repeated(problem.to_dict())),
    )
