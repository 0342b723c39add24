"""A sizing problem: what may be built, what is promised, how quality is judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from modelsizer.problems import checks, reading
from modelsizer.problems.brief import named
from modelsizer.problems.errors import ProblemError, require_type, short
from modelsizer.problems.laws.reading import laws_beside
from modelsizer.problems.plain_values import PlainValueError, check_plain
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements import references
from modelsizer.problems.requirements.objective import LAW_KEYS
from modelsizer.problems.shown import Shown
from modelsizer.problems.space.empty import empty_space
from modelsizer.problems.statement import Statement
from modelsizer.problems.typed_keys import TableError
from modelsizer.problems.typed_tables import Table
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from modelsizer.problems.keyword_types import (
        BudgetsKeys,
        LifetimeKeys,
        ObjectiveKeys,
        ServingKeys,
        SpaceKeys,
        TokenizerKeys,
        TrainingKeys,
    )

Keys = Mapping[str, object] | None
"""New values of keys of a table."""
_SHOWN = 4  # limits in the repr of a problem


class Unchanged:
    """The default of a keyword that changes nothing."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Any = Unchanged()


class Problem(Shown, Statement):
    """One sizing problem, frozen and validated.

    `load` reads one, and tables of keys and values make one: ``Problem(space={...}, ...)``.

    Parameters
    ----------
    name : str
        What the problem is, for people.
    space : Space
        What may be built: values to choose from for depth, widths, heads and kinds of layer.
    training : Training
        How the model is trained: sequences, data, accelerators and how the work is split.
    serving : Serving
        How the model is served: accelerators, load, context and number formats.
    lifetime : Lifetime
        Inference that the model will do in its life, for limits on all of it.
    prices : Prices
        Dollars for an hour of an accelerator, by its name.
    budgets : Budgets
        Hard limits that every design must keep; a number is the most, ``{min, max}`` both ends.
    objective : Objective
        What is optimised, and the laws that predict the loss.
    tokenizer : Tokenizer or None
        Bytes of text in a token, with which vocabularies and losses compare by the byte.
    laws : dict of LawTable
        Laws of the problem's own, usable by name in `objective.law`.
    scenarios : dict
        Named overlays ``{table: {key: value}}``, each checked as a problem of its own.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> problem = Problem.load("one-h100-1e24")
    >>> problem.with_settings({"budgets.training_flops": 2e24}).budgets.training_flops.max
    2000000000000000000000000
    """

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            space: SpaceKeys | Keys,
            name: str = "",
            training: TrainingKeys | Keys = ...,
            serving: ServingKeys | Keys = ...,
            lifetime: LifetimeKeys | Keys = ...,
            prices: Keys = ...,
            budgets: BudgetsKeys | Keys = ...,
            objective: ObjectiveKeys | Keys = ...,
            tokenizer: TokenizerKeys | Keys = ...,
            laws: Keys = ...,
            scenarios: Keys = ...,
        ) -> None: ...

    else:

        def __init__(self, /, **tables: Any) -> None:
            known = {key: value for key, value in tables.items() if value is not None}
            plain = {k: v.given() if isinstance(v, Table) else v for k, v in known.items()}
            made = self._validated(plain)
            self._filled(made.__dict__, made.model_fields_set)

    @classmethod
    def model_validate(cls, given: object) -> Problem:
        """Read the tables alone, as `Table` does; `from_tables` checks what they say together."""
        if isinstance(given, cls):
            return given
        made = cls.__new__(cls)
        Statement.__init__(made, **cast("Mapping[str, Any]", given))
        return made

    def _words(self) -> str:
        limits = [
            f"{name} {sign} {format_quantity(end, QUANTITIES[name].dimension)}"
            for name, limit in self.limits.items()
            for sign, end in (("<=", limit.max), (">=", limit.min))
            if end is not None
        ]
        more = [f"and {len(limits) - _SHOWN} more"] if len(limits) > _SHOWN else []
        said = ", ".join(limits[:_SHOWN] + more) or "tokens only"
        goal = f"{self.objective.sense} {self.objective.quantity}"
        return f"{named(self.name)}: {goal}, with {said}"

    # Reading and writing

    @classmethod
    def load(cls, source: str | Path, settings: Mapping[str, object] | None = None) -> Problem:
        """Read a problem file, or a problem of the library by its name.

        Parameters
        ----------
        source : str or Path
            Path of a TOML file, or a name that `modelsizer problems` lists.
        settings : mapping, optional
            Dotted keys to set over the file's, for example
            ``{"budgets.training_flops": "2e24"}``.

        Raises
        ------
        ProblemError
            If there is no such file, or anything in it is wrong; every fault found is listed
            with its key.
        """
        require_type("source", source, str | Path)
        text, label = reading.read_source(source)
        return cls.parse(text, label, settings, folder=Path(source).parent)

    @classmethod
    def parse(
        cls,
        text: str,
        source: str = "",
        settings: Mapping[str, object] | None = None,
        *,
        folder: Path | None = None,
    ) -> Problem:
        """Read a problem from TOML text, whose laws may be files in a folder; see `load`."""
        require_type("text", text, str)
        require_type("settings", settings or {}, Mapping)
        raw = reading.parse_toml(text, source)
        raw = raw if folder is None else references.beside(laws_beside(raw, folder), folder)
        raw = reading.overlaid(raw, settings or {})
        try:
            return cls._validated(raw, source, text)
        except ProblemError as error:
            raise error.without_lines(settings or {}) from None

    @classmethod
    def _validated(
        cls,
        raw: Mapping[str, Any],
        source: str = "",
        text: str = "",
        like: Problem | None = None,
        kept: Mapping[str, Any] | None = None,
    ) -> Problem:
        """Read and check plain tables, beside tables of another problem that need no reading."""
        try:
            check_plain(raw)
        except PlainValueError as error:
            raise ProblemError.of(error.key, error.message, source) from None
        faults = reading.unknown_keys(cls, raw, text)
        if faults:
            raise ProblemError(faults, source)
        try:
            problem = cls.model_validate({**kept, **raw} if kept else raw)
        except TableError as error:
            raise ProblemError(reading.faults_of(error, text), source) from None
        known = like is not None and (problem.space, problem.splits) == (like.space, like.splits)
        if not known:
            faults = checks.check_size(problem.space) or empty_space(problem.space, problem.splits)
            if faults:
                raise ProblemError(faults, source)
        for name in problem.scenarios:
            try:
                problem.scenario(name)
            except ProblemError as error:
                raise ProblemError(reading.relocated(error, text), source) from None
        return problem

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any], like: Problem | None = None) -> Problem:
        """A problem from plain tables, as `to_dict` gives them.

        Parameters
        ----------
        tables : mapping
        like : Problem, optional
            One whose space need not be looked at again where the tables have the same.

        Raises
        ------
        ProblemError
            If anything in them is wrong.
        """
        require_type("tables", tables, Mapping)
        return cls._validated(tables, like=like)

    def to_dict(self, names: Collection[str] | None = None) -> dict[str, Any]:
        """What was given, as plain tables: `parse` of its TOML gives the same problem.

        Parameters
        ----------
        names : collection of str, optional
            Tables to give, those that there are; all by default.
        """
        given = self.model_fields_set
        return self.written(given if names is None else given.intersection(names))

    def with_tables(self, changed: Mapping[str, Any], *, without: Collection[str] = ()) -> Problem:
        """The same problem with other tables in place of some of its own.

        What does not change is neither written nor read again, unlike with `from_tables`.

        Parameters
        ----------
        changed : mapping
            Plain tables, whole ones.
        without : collection of str
            Names of tables to leave out.

        Raises
        ------
        ProblemError
            If anything in them is wrong.
        """
        out = {*changed, *without}
        kept = {name: getattr(self, name) for name in self.model_fields_set - out}
        return self._validated(changed, like=self, kept=kept)

    def _overlaid(
        self, settings: Mapping[str, object], *, without: Collection[str] = ()
    ) -> Problem:
        names = {key.partition(".")[0] for key in settings if isinstance(key, str)}
        raw = self.to_dict(names.difference(without))
        return self.with_tables(reading.overlaid(raw, settings), without=without)

    def without_scenarios(self) -> Problem:
        """The problem by itself."""
        return self.with_tables({}, without=["scenarios"])

    def bare(self) -> dict[str, Any]:
        """Its tables for another question: no scenarios, and of the objective only the laws."""
        found = {k: v for k, v in self.to_dict().items() if k != "scenarios"}
        sought = found.get("objective", {})
        found["objective"] = {k: v for k, v in sought.items() if k in LAW_KEYS}
        return found

    def to_toml(self) -> str:
        """The problem as a TOML file."""
        return reading.write_toml(self.to_dict())

    def edit(
        self,
        *,
        name: str = UNCHANGED,
        space: SpaceKeys | Keys = UNCHANGED,
        training: TrainingKeys | Keys = UNCHANGED,
        serving: ServingKeys | Keys = UNCHANGED,
        lifetime: LifetimeKeys | Keys = UNCHANGED,
        prices: Keys = UNCHANGED,
        budgets: BudgetsKeys | Keys = UNCHANGED,
        objective: ObjectiveKeys | Keys = UNCHANGED,
        tokenizer: TokenizerKeys | Keys = UNCHANGED,
        laws: Keys = UNCHANGED,
        scenarios: Keys = UNCHANGED,
        **limits: Unpack[BudgetsKeys],
    ) -> Problem:
        """The same problem with other values.

        Parameters
        ----------
        name : str
        space, training, serving, lifetime, prices, budgets, objective : mapping or None
            New values of some keys of the table; its other keys stay. A value of None leaves the
            key out, and None for the table leaves the whole table out: defaults hold.
        tokenizer, laws, scenarios : mapping or None
            The same.
        **limits
            Limits by name, as keys of `budgets`: ``training_flops=2e24``; None lifts a limit.

        Raises
        ------
        ArgumentError
            If a keyword is neither a table nor a limit.
        ProblemError
            If a key is unknown or a value is wrong.

        Examples
        --------
        >>> from modelsizer import Problem
        >>> problem = Problem.load("one-h100-1e24")
        >>> more = problem.edit(training_flops="2e24 FLOPs", serving={"batch_size": 8})
        >>> more.budgets.training_flops.max, more.serving.batch_size
        (2000000000000000000000000, 8)
        """
        keywords = {
            "name": name, "space": space, "training": training, "serving": serving,
            "lifetime": lifetime, "prices": prices, "budgets": budgets, "objective": objective,
            "tokenizer": tokenizer, "laws": laws, "scenarios": scenarios,
        }  # fmt: skip
        from modelsizer.problems.edits import edited

        keywords = {key: value for key, value in keywords.items() if value is not UNCHANGED}
        known, lifted = reading.table_keys(type(self)), self.device_memories
        changed = edited(self.to_dict(), keywords, limits, known, lifted)
        kept = {key: value for key, value in changed.items() if value is not None}
        return self.with_tables(kept, without=changed.keys() - kept.keys())

    def with_settings(self, settings: Mapping[str, object]) -> Problem:
        """The same problem with other values under dotted keys; see `edit` for keywords.

        Raises
        ------
        ProblemError
            If a key is unknown or a value is wrong.
        """
        require_type("settings", settings, Mapping)
        return self._overlaid(settings)

    def without(self, *keys: str) -> Problem:
        """The same problem with limits left out.

        A limit on the memory of a named accelerator, which holds by itself, is lifted: the file
        then says ``serving_memory = "none"``.

        Parameters
        ----------
        *keys : str
            Dotted keys of limits, such as ``"budgets.kv_cache"``.

        Raises
        ------
        ProblemError
            If it has not one of them, or makes no sense without.
        """
        lifted = [f"budgets.{name}" for name in self.device_memories]
        return self.from_tables(reading.lessened(self.to_dict(), keys, lifted), like=self)

    def scenario(self, name: str) -> Problem:
        """The problem with a scenario's values over its own.

        Raises
        ------
        ProblemError
            If there is no such scenario, or its values are wrong.
        """
        if not isinstance(name, str) or name not in self.scenarios:
            known = ", ".join(self.scenarios) or "none"
            raise ProblemError.of("scenarios", f"no scenario {short(name)}; known: {known}")
        settings = reading.flattened(self.scenarios[name])
        reading.check_scenario(name, settings)
        try:
            return self._overlaid(settings, without=["scenarios"])
        except ProblemError as error:
            raise ProblemError(reading.under(f"scenarios.{name}", error)) from None
