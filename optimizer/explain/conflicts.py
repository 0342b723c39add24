"""Every minimal conflict between the constraints of an infeasible problem.

A *minimal conflict* (irreducible infeasible subset) is a set of constraints that no design
satisfies together, while some design satisfies every proper subset. A conflict is shrunk to a
minimal one by the deletion filter (Chinneck and Dravnieks 1991, ORSA Journal on Computing 3(2),
157-168); all are enumerated by MARCO (Liffiton, Previti, Malik and Marques-Silva 2016, Constraints
21(2), 223-250), which looks for a set that no known conflict or feasible set decides until there is
none.

Each answer is a proof: a design found, evaluated in exact arithmetic, or a complete search.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import replace
from fractions import Fraction

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.constraints import RATIO, Constraint
from modelsizer.optimizer.explain.relaxer import Relaxer
from modelsizer.optimizer.search.bounding import BoundSolve
from modelsizer.optimizer.search.search import FEW_DESIGNS, Search
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.designs.evaluation import Evaluation, Evaluator
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import plain

SPACES_KEPT = 8
"""Spaces whose tables are kept: a few relaxed spaces are searched in turns."""

DESIGNS_KEPT = 16
"""Designs of a space that are looked at before it is searched: those found last."""

Keys = frozenset[str]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A minimal conflict.

    Parameters
    ----------
    limits : tuple of Constraint
        Budgets and tokens first.
    lead : Constraint
        The one that a sentence names first, as conflicting with the others.
    needs : Fraction or float or None
        The least of its quantity that designs within the others use (for a lower limit, the most);
        None where it is not known.
    """

    limits: tuple[Constraint, ...]
    lead: Constraint
    needs: Fraction | float | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of its limits."""
        return tuple(limit.key for limit in self.limits)

    @property
    def promised(self) -> tuple[str, ...]:
        """Keys of its budgets and token limits."""
        return tuple(limit.key for limit in self.limits if not limit.of_space)

    def to_dict(self) -> dict[str, object]:
        """The keys of the JSON contract, less the sentence that says it in words."""
        needs = self.needs
        return {
            "keys": list(self.keys),
            "lead": self.lead.key,
            "needs": needs if needs is None or isinstance(needs, float) else plain(needs),
            "unit": self.lead.dimension,
        }


class Oracle:
    """Whether a set of constraints is feasible, proven; answers are kept.

    Feasibility is monotone: subsets of a feasible set and supersets of an infeasible one are
    decided without a search. What is not decided within the time limit raises StoppedError.

    Parameters
    ----------
    problem : Problem
    progress : callable, optional
        Called with the number of conflicts known and of searches.
    clock : Clock, optional
        Of all searches together.

    Attributes
    ----------
    relaxer : Relaxer
    searches : int
        How many sets or problems were searched.
    """

    def __init__(
        self,
        problem: Problem,
        progress: Callable[[int, int], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.relaxer = Relaxer(problem)
        self.clock = Clock() if clock is None else clock
        self.searches = self.conflicts = 0
        self._progress = progress
        self._stores: OrderedDict[object, TableStore] = OrderedDict()
        self._designs: dict[Hashable, list[Architecture]] = {}
        self._kept: list[Keys] = []
        self._broken: list[Keys] = []

    def after(self, settings: Mapping[str, object]) -> Oracle:
        """An oracle of the problem with other settings, which shares tables, designs and clock.

        Raises
        ------
        ProblemError
            If the settings do not go with the rest.
        """
        found = Oracle(self.relaxer.origin.with_settings(settings), self._progress, self.clock)
        found._stores, found._designs = self._stores, self._designs
        found.searches, found.conflicts = self.searches, self.conflicts
        return found

    @property
    def all(self) -> Keys:
        """Keys of every limit."""
        return frozenset(self.relaxer.keys)

    def feasible(self, keys: Iterable[str]) -> bool:
        """Whether some design keeps these constraints, all others dropped."""
        asked = frozenset(keys)
        if any(asked <= known for known in self._kept):
            return True
        if any(asked >= known for known in self._broken):
            return False
        found = self.holds(self.relaxer.problem(asked))
        (self._kept if found else self._broken).append(asked)
        return found

    def holds(self, problem: Problem) -> bool:
        """Whether a problem is feasible."""
        self.clock.check()
        self.searches += 1
        if self._progress is not None:
            self._progress(self.conflicts, self.searches)
        known = self._designs.setdefault(_space_of(problem), [])
        if known:
            evaluator = Evaluator(problem)
            if any(evaluator.evaluate(design).feasible for design in known):
                return True
        found = any_design(problem, self.store(problem), self.clock)
        if found is not None:
            known.insert(0, found.architecture)
            del known[DESIGNS_KEPT:]
        return found is not None

    def best(self, keys: Collection[str], goal: tuple[str, str]) -> Evaluation | None:
        """The best design that keeps some limits; None if none does, or none is best."""
        try:
            problem = self.relaxer.problem(keys, goal=goal)
        except ProblemError:
            return None
        self.clock.check()
        model = Model(problem, self.store(problem))
        found = BoundSolve(model, self.clock, lambda _: 0.0, True, None).run()
        if found.stop != "proven":
            raise StoppedError(found.stop)
        return found.incumbent

    def store(self, problem: Problem) -> TableStore:
        """Tables of a problem's space."""
        space = _space_of(problem)
        if space not in self._stores and len(self._stores) >= SPACES_KEPT:
            self._stores.popitem(last=False)
        store = self._stores.setdefault(space, TableStore())
        self._stores.move_to_end(space)
        return store


def _space_of(problem: Problem) -> Hashable:
    """What the tables of a problem's space depend on."""
    blocks = problem.space.block
    names = (blocks,) if isinstance(blocks, str) else blocks
    learned = any(BLOCKS[name].learned_positions for name in names)  # as many as a sequence has
    sequence = problem.training.sequence_length if learned else 0
    space = repr(problem.space.written(type(problem.space).model_fields))
    return space, tuple(problem.splits), tuple(problem.layouts), sequence


def any_design(
    problem: Problem, store: TableStore | None = None, clock: Clock | None = None
) -> Evaluation | None:
    """Some feasible design; None is a proof that there is none.

    Parameters
    ----------
    problem : Problem
        Its objective only affects the speed of the search: best loss where that is limited, an
        affine quantity otherwise.
    store : TableStore, optional
    clock : Clock, optional

    Raises
    ------
    StoppedError
        If a limit came before either was found.
    """
    clock = Clock() if clock is None else clock
    search = Search(Model(problem, store), clock, enough=math.inf)
    search.open()
    read = search.stopped is None
    while search.incumbent is None and len(search.boxes) and not clock.out_of_time:
        if search.boxes.single.all() or search.boxes.designs <= FEW_DESIGNS:
            read = search.compare() and read
            break
        search.halve()
    else:
        read = read and not len(search.boxes)
    if search.incumbent is None and not read:
        raise StoppedError(search.stopped or clock.stop)
    return search.incumbent


# All minimal conflicts


def minimal_conflicts(
    elements: Sequence[str],
    feasible: Callable[[Keys], bool],
    check: Callable[[], None] = lambda: None,
) -> Iterator[Keys]:
    """Yield every minimal set of elements that is not feasible.

    Parameters
    ----------
    elements : sequence of str
        Of two minimal sets, that with the later elements is found first.
    feasible : callable
        Monotone: a part of a feasible set is feasible.
    check : callable, optional
        Called within long steps of its own; may raise to end them.
    """
    conflicts: list[Keys] = []
    corrections: list[Keys] = []
    while (seed := _unexplained(elements, conflicts, corrections, check)) is not None:
        if not feasible(seed):
            conflicts.append(_shrunk(elements, seed, feasible))
            yield conflicts[-1]
            continue
        largest = seed
        for element in elements:
            if element not in largest and feasible(largest | {element}):
                largest |= {element}
        corrections.append(frozenset(elements) - largest)


def _shrunk(elements: Sequence[str], conflict: Keys, feasible: Callable[[Keys], bool]) -> Keys:
    """A minimal conflict within one, by the deletion filter."""
    for element in elements:
        if element in conflict and not feasible(conflict - {element}):
            conflict -= {element}
    return conflict


def _unexplained(
    elements: Sequence[str],
    conflicts: Sequence[Keys],
    corrections: Sequence[Keys],
    check: Callable[[], None],
) -> Keys | None:
    """A maximal set that contains no known conflict and is in no known feasible set.

    Parameters
    ----------
    elements : sequence of str
    conflicts : sequence of frozenset of str
    corrections : sequence of frozenset of str
        Complements of the known feasible sets: an undecided set has an element of each.
    check : callable
    """

    def chosen(taken: Keys, left_out: Keys) -> Keys | None:
        check()
        open_ = [c for c in corrections if not c & taken]
        if not open_:
            return taken
        out = left_out
        for element in sorted(min(open_, key=len) - left_out, key=elements.index):
            more = taken | {element}
            if not any(conflict <= more for conflict in conflicts):
                found = chosen(more, out)
                if found is not None:
                    return found
            out |= {element}
        return None

    found = chosen(frozenset(), frozenset())
    if found is None or any(conflict <= found for conflict in conflicts):
        return None
    for element in elements:
        more = found | {element}
        if not any(conflict <= more for conflict in conflicts):
            found = more
    return found


def promised_conflicts(oracle: Oracle) -> Iterator[Keys]:
    """Minimal conflicts among budgets and token limits, with the space as it is."""
    limits = oracle.relaxer.limits
    space = frozenset(limit.key for limit in limits if limit.of_space)
    promised = [limit.key for limit in limits if not limit.of_space]
    return minimal_conflicts(
        promised, lambda keys: oracle.feasible(keys | space), oracle.clock.check
    )


def all_conflicts(oracle: Oracle) -> Iterator[Keys]:
    """Minimal conflicts among all constraints, those of the space too."""
    ends = sorted(oracle.relaxer.limits, key=lambda limit: limit.of_space)
    keys = [limit.key for limit in ends]
    return minimal_conflicts(keys, oracle.feasible, oracle.clock.check)


# The least that a conflict needs


_LEADS = ("affine", "inverse", "batch", "loss", "lifetime", "flops", "tokens")
"""Forms of the quantities in the order in which a sentence begins with them."""


def unmeasured(every: Sequence[Constraint], keys: Collection[str]) -> Conflict:
    """A conflict of some of the constraints, without what its leading one would have to allow."""
    limits = tuple(limit for limit in every if limit.key in keys)

    def rank(limit: Constraint) -> tuple[bool, int]:
        form = QUANTITIES[limit.quantity].form
        return limit.side == "min" and form not in ("inverse", "batch"), _LEADS.index(form)

    return Conflict(limits, min((limit for limit in limits if not limit.of_space), key=rank))


def measured(oracle: Oracle, conflict: Conflict) -> Conflict:
    """A minimal conflict, with what its leading constraint would have to allow."""
    lead = conflict.lead
    return replace(conflict, needs=reached(oracle, lead, {*conflict.keys} - {lead.key}))


def reached(oracle: Oracle, limit: Constraint, kept: Collection[str]) -> Fraction | float | None:
    """The least of a constraint's quantity (for a lower limit, the most) within other constraints.

    None where no solve gives it: for an equality, for d_model / layers, and for the most loss or
    FLOPs.
    """
    if limit.equality or limit.quantity == RATIO:
        return None
    row = QUANTITIES[limit.quantity]
    if row.form == "inverse":
        found = oracle.best(kept, ("minimize", row.base))
        return None if found is None else Fraction(found.exact[limit.quantity])
    if limit.side == "min" and row.form in ("loss", "flops", "lifetime"):
        return None
    found = oracle.best(kept, ("minimize" if limit.side == "max" else "maximize", limit.quantity))
    if found is None:
        return None
    value = found.exact[limit.quantity]
    return value if isinstance(value, float) else Fraction(value)
