"""A sizing problem: what may be built, what is promised, how quality is judged."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticSerializationError

from modelsizer.problems import checks, reading
from modelsizer.problems.costs.text_rates import text_rates
from modelsizer.problems.errors import ProblemError, require_type, short
from modelsizer.problems.laws.ablations import Ablations, unseen_by
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.leverage import DEFAULT_LEVERAGE_FLOPS
from modelsizer.problems.laws.own_terms import bands_of
from modelsizer.problems.laws.published import TOKEN_LAWS, token_law
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.laws.reading import PREFIX, law_named, laws_beside
from modelsizer.problems.laws.shapes import DEFAULT_SHAPE, ShapeLaw, shape_law
from modelsizer.problems.magnitudes import check_loss, check_magnitudes, most_parameters
from modelsizer.problems.plain_values import PlainValueError, check_plain
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import Settings
from modelsizer.problems.requirements import references
from modelsizer.problems.requirements.budgets import BudgetsTable, new_budgets
from modelsizer.problems.requirements.objective import BUDGET, LAW_KEYS, Objective
from modelsizer.problems.requirements.token_limits import TokenLimits, token_limits
from modelsizer.problems.space.counting import Counted, count_designs
from modelsizer.problems.space.empty import empty_space
from modelsizer.problems.space.layouts import Layout, layouts
from modelsizer.problems.space.options import options
from modelsizer.problems.space.splits import Split
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.own_laws import LawTable
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.space import Space
from modelsizer.problems.tables.tables import Table
from modelsizer.problems.tables.tokenizer import Tokenizer, in_tokens
from modelsizer.problems.tables.training import Training


class Problem(Table):
    """One sizing problem, frozen and validated.

    Parameters
    ----------
    name : str
        For people.
    space : Space
    training : Training
    serving : Serving
    lifetime : Lifetime
    budgets : Budgets
    objective : Objective
    tokenizer : Tokenizer or None
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

    name: str = ""
    space: Space
    training: Training = Field(default_factory=Training)
    serving: Serving = Field(default_factory=Serving)
    lifetime: Lifetime = Field(default_factory=Lifetime)
    budgets: BudgetsTable = Field(default_factory=new_budgets)
    objective: Objective = Field(default_factory=Objective)
    tokenizer: Tokenizer | None = None
    laws: dict[str, LawTable] = Field(default_factory=dict)
    scenarios: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("laws")
    @classmethod
    def _own_names(cls, laws: dict[str, LawTable]) -> dict[str, LawTable]:
        for name in laws:
            if name in TOKEN_LAWS:
                raise ValueError(f"{name!r} is the name of a law that comes with modelsizer")
        return laws

    @model_validator(mode="after")
    def _consistent(self) -> Problem:
        # The model is frozen, and what its space offers depends on the contexts.
        longest = max(self.training.sequence_length, self.context_length)
        self.__dict__["space"] = self.space.within(longest)
        self.__dict__.update(in_tokens(vars(self), self.tokenizer))
        checks.check_alternatives(self.space)
        checks.check_laws(self.objective, self.laws)
        checks.check_shape(self.objective, self.law)
        checks.check_reach(self.law, self.space)
        checks.check_experts(self.objective, self.law)
        checks.check_tokenizer(self.tokenizer, self.law, self.space)
        checks.check_inputs(self.settings, self.budgets, self.objective)
        layouts(self.training)
        for loss in (False, True):
            self.__dict__.update(references.resolved(self, loss=loss))
        limits = self.token_limits
        checks.check_tokens(limits, self.training, self.budgets, self.objective)
        check_magnitudes(self.settings, self.budgets)
        most = most_parameters(self.space, self.training.sequence_length)
        check_loss(self.law, limits, most)
        return self

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
        except ValidationError as error:
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
        asked = None if names is None else set(names)
        try:
            return self.model_dump(include=asked, exclude_unset=True, exclude_none=True)
        except PydanticSerializationError as error:
            # Ctrl-C in one of our own serializers comes back as an error of the library.
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise

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

    def with_settings(self, settings: Mapping[str, object]) -> Problem:
        """The same problem with other values under dotted keys.

        Raises
        ------
        ProblemError
            If a key is unknown or a value is wrong.
        """
        require_type("settings", settings, Mapping)
        return self._overlaid(settings)

    def without(self, *keys: str) -> Problem:
        """The same problem with limits left out.

        Parameters
        ----------
        *keys : str
            Dotted keys that the problem gives, such as ``"budgets.kv_cache"``.

        Raises
        ------
        ProblemError
            If it does not give one of them, or makes no sense without.
        """
        return self.from_tables(reading.lessened(self.to_dict(), keys), like=self)

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

    # What follows from the values

    @property
    def law(self) -> TokenLaw:
        """The token law, told of the data where it sees repeats."""
        unique = self.training.unique_tokens
        law = self._law_called(self.objective.law)
        law = law.on_data(None if unique is None else float(unique))
        return law.on_sequences(self.training.sequence_length)

    def _law_called(self, name: str) -> TokenLaw:
        if name.startswith(PREFIX):
            return law_named(name)
        return self.laws[name].law(name) if name in self.laws else token_law(name)

    def under_law(self, name: str) -> dict[str, object]:
        """Settings that judge designs by another law, and by no shape law where it is one.

        Parameters
        ----------
        name : str
            As `objective.law` takes it; `with_settings` refuses one that there is not.
        """
        found: dict[str, object] = {"objective.law": name}
        try:
            law = self._law_called(name)
        except (ValueError, ProblemError):
            return found
        return found | ({"objective.shape": "none"} if law.sees_shape else {})

    @property
    def shape(self) -> ShapeLaw:
        """The shape law; that of `objective.law` itself where it prices width or depth."""
        if (given := self.objective.shape) is not None:
            return shape_law(given)
        return shape_law("none" if self.law.sees_shape else DEFAULT_SHAPE)

    @property
    def quality(self) -> Quality:
        """The law, what it cannot see and the shape law together."""
        law = self.law
        return Quality(law, self.shape, self._ablations(law))

    def _ablations(self, law: TokenLaw) -> Ablations | None:
        if (found := bands_of(self.objective.ablations)) is None:
            return None
        bands, end = found
        return Ablations(end, self.training.sequence_length, unseen_by(law), bands)

    @property
    def context_length(self) -> int:
        """Serving context, with the default filled in."""
        return self.serving.context_length or self.training.sequence_length

    @property
    def settings(self) -> Settings:
        """What quantities are computed from, beside architecture and layout."""
        return Settings(
            self.training,
            self.serving,
            self.lifetime,
            self.context_length,
            self.law.parameter_kind,
            self.law.experts or self.objective.experts,
            self.leverage_flops,
            text_rates(self.tokenizer, self.space.vocab_size.numbers),
        )

    @property
    def leverage_flops(self) -> float:
        """Training FLOPs at which the leverage of experts is taken.

        With `objective.leverage_flops = "budget"` the most that the problem allows; the default
        where it allows endlessly many, which `checks.check_leverage` refuses.
        """
        asked = self.objective.leverage_flops
        if asked != BUDGET:
            return float(asked)
        most = self.token_limits.most_flops
        return DEFAULT_LEVERAGE_FLOPS if most is None else float(most)

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Parallel layouts to choose from, the preferred ones first."""
        return layouts(self.training)

    @property
    def splits(self) -> tuple[Split, ...]:
        """What each layout asks of an architecture: ways that divide its widths and its depth."""
        return tuple(self.split(layout) for layout in self.layouts)

    def split(self, layout: Layout) -> Split:
        """What a layout asks of an architecture."""
        ways = {layout.tensor_parallel, self.serving.tensor_parallel} - {1}
        stretches = self.training.interleave if layout.pipeline_parallel > 1 else 1
        return Split(tuple(sorted(ways)), layout.pipeline_parallel * stretches)

    def lacks(self, quantity: str) -> str:
        """What the file must say for a quantity to be computed, and does not; empty if nothing."""
        return lacking(self.settings, quantity)

    @property
    def token_limits(self) -> TokenLimits:
        """Limits on tokens from [training] and [budgets] together."""
        # No limit on tokens depends on what a law counts.
        settings = Settings(
            self.training, self.serving, self.lifetime, self.context_length, "total"
        )
        return token_limits(settings, self.budgets)

    def options(self, rows_at_once: int = 200_000) -> Iterator[tuple[Layout, Options]]:
        """Tables of every width option that the space and its rules allow, under each layout."""
        for layout in self.layouts:
            for table in options(self.space, self.split(layout), rows_at_once):
                yield layout, table

    def count_designs(self) -> int:
        """How many distinct architectures the space holds under one layout or another."""
        return self.counted.designs

    @property
    def counted(self) -> Counted:
        """Designs of the space, and pairs of a design and a layout that can split it."""
        return count_designs(self.space, self.splits)

    @property
    def least_loss(self) -> float | None:
        """The law's limit of endless size and data; None for a law that sees more than these."""
        return None if self.law.features else float(self.law.loss(math.inf, math.inf))
