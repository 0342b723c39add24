"""One problem in several cases, and what each design has and gives up in each of them.

Cases are scenarios, loss laws, draws of a law or readings of the evidence: in each of them every
design has another value of the objective, and another design may be the best. What is given up by
choosing a design is its *regret* in a case: its value there above the least of that case (below the
most, where the objective is maximised).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import architecture_dict, design_architecture
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number

Value = Number | None


@dataclass(frozen=True, slots=True)
class Case:
    """A case and its own answer.

    Parameters
    ----------
    name : str
    status : {"optimal", "infeasible", "limit"}
    best : Number or None
        Value of the proven optimum; None where there is none.
    """

    name: str
    status: str
    best: Value


@dataclass(frozen=True, slots=True)
class CaseDesign:
    """A design that is judged in every case.

    Parameters
    ----------
    name : str
        That of the first case which it is the best of, or of what else it is.
    architecture : Architecture
    parameters : int
    best_in : tuple of str
        Cases of which it is the optimum.
    """

    name: str
    architecture: Architecture
    parameters: int
    best_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cases:
    """Values of designs in cases.

    Parameters
    ----------
    of : {"scenario", "law", "draw"}
        What a case is.
    quantity : str
        What is valued: that of the objective.
    sense : {"minimize", "maximize"}
    cases : tuple of Case
    designs : tuple of CaseDesign
    values : tuple of tuple
        Of each case the value of each design, with as many tokens as fit; None where the design
        breaks a limit of the case.
    """

    of: str
    quantity: str
    sense: str
    cases: tuple[Case, ...]
    designs: tuple[CaseDesign, ...]
    values: tuple[tuple[Value, ...], ...]

    def regret(self, case: int, design: int) -> Value:
        """What a design gives up in a case; None where that is not known."""
        value, best = self.values[case][design], self.cases[case].best
        if value is None or best is None or not math.isfinite(value):
            return None
        return max(value - best if self.sense == "minimize" else best - value, 0)

    def regrets(self, design: int) -> tuple[Value, ...]:
        """What a design gives up in each case."""
        return tuple(self.regret(case, design) for case in range(len(self.cases)))

    def breaks(self, design: int) -> tuple[str, ...]:
        """Cases of which a design breaks a limit."""
        rows = zip(self.cases, self.values, strict=True)
        return tuple(
            case.name for case, row in rows if case.best is not None and row[design] is None
        )

    def worst(self, design: int) -> tuple[Number, str] | None:
        """The most that a design gives up, and where; None where it breaks a limit of some case."""
        if self.breaks(design):
            return None
        known = [(r, c.name) for r, c in zip(self.regrets(design), self.cases, strict=True)
                 if r is not None]  # fmt: skip
        return max(known, key=lambda each: each[0]) if known else None

    @property
    def safest(self) -> int | None:
        """Of the designs that keep the limits of every case the one of least greatest regret."""
        worst = {i: found for i in range(len(self.designs)) if (found := self.worst(i))}
        return min(worst, key=lambda i: worst[i][0]) if worst else None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract; a row of values or regrets is of a case."""
        cases, designs = range(len(self.cases)), range(len(self.designs))
        safest = self.safest
        return {
            "of": self.of,
            "quantity": self.quantity,
            "cases": [
                {"name": case.name, "status": case.status, "best": _plain(case.best)}
                for case in self.cases
            ],
            "designs": [self._design(j) for j in designs],
            "safest": None if safest is None else self.designs[safest].name,
            "values": [[_plain(self.values[i][j]) for j in designs] for i in cases],
            "regrets": [[_plain(self.regret(i, j)) for j in designs] for i in cases],
        }

    def _design(self, number: int) -> dict[str, Any]:
        one, worst = self.designs[number], self.worst(number)
        return {
            "name": one.name,
            "best_in": list(one.best_in),
            "architecture": design_architecture(one.architecture),
            "parameters": one.parameters,
            "breaks": list(self.breaks(number)),
            "worst": None if worst is None else {"regret": worst[0], "case": worst[1]},
        }

    def rows(self) -> list[dict[str, Any]]:
        """A line of each case, with its best design and what each design gives up."""
        best = {name: one for one in self.designs for name in one.best_in}
        found = []
        for i, case in enumerate(self.cases):
            row: dict[str, Any] = {"name": case.name, "status": case.status}
            row[self.quantity] = _plain(case.best)
            if (one := best.get(case.name)) is not None:
                row |= {"design": one.name, **architecture_dict(one.architecture)}
                row["parameters"] = one.parameters
            found.append(row | self.regret_columns(i))
        return found

    def regret_columns(self, case: int) -> dict[str, Value]:
        """What each design gives up in a case, by column of a table."""
        return {
            f"regret of {one.name}": _plain(self.regret(case, j))
            for j, one in enumerate(self.designs)
        }


def designs_of(
    optima: Iterable[tuple[str, Evaluation | None]],
    others: Mapping[str, tuple[Architecture, int]] | None = None,
) -> tuple[CaseDesign, ...]:
    """The distinct optima of cases, in order, and other designs after them.

    Parameters
    ----------
    optima : iterable of (str, Evaluation or None)
        Name of each case, and its optimum.
    others : mapping of str to (Architecture, int), optional
        Further designs with their parameters, by name.
    """
    best: dict[Architecture, list[str]] = {}
    sizes: dict[Architecture, int] = {}
    for name, design in optima:
        if design is not None:
            best.setdefault(design.architecture, []).append(name)
            sizes[design.architecture] = design.parameters.total
    found = [CaseDesign(names[0], a, sizes[a], tuple(names)) for a, names in best.items()]
    found += [
        CaseDesign(name, architecture, parameters)
        for name, (architecture, parameters) in (others or {}).items()
        if architecture not in best
    ]
    return tuple(found)


def named_apart(names: Sequence[str]) -> list[str]:
    """Names with a number where one comes twice."""
    return [
        name if names.count(name) == 1 else f"{name} #{names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]


def _plain(value: Value) -> Value:
    return value if value is None or math.isfinite(value) else None
