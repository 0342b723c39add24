"""The tables of a sizing problem together: limits, setups and parallel layouts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Self, cast

from modelsizer.problems import checks
from modelsizer.problems.costs.text_rates import text_rates
from modelsizer.problems.given import Given
from modelsizer.problems.laws.leverage import DEFAULT_LEVERAGE_FLOPS
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.magnitudes import check_loss, check_magnitudes, most_parameters
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import Reads, Settings
from modelsizer.problems.requirements import references
from modelsizer.problems.requirements.ceilings import ceilings, least_requests
from modelsizer.problems.requirements.device_limits import (
    DeviceMemory,
    check_offered_devices,
    device_limits,
    device_memories,
)
from modelsizer.problems.requirements.objective import BUDGET
from modelsizer.problems.requirements.setups import (
    Setup,
    classes,
    distinct,
    first_of_tables,
    setups,
)
from modelsizer.problems.requirements.token_limits import TokenLimits, loosest, token_limits
from modelsizer.problems.space.counting import Counted, count_designs
from modelsizer.problems.space.layouts import Layout, LayoutArrays, layouts
from modelsizer.problems.space.options import options
from modelsizer.problems.space.splits import Split, served, splits
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.tables import Table
from modelsizer.problems.tables.tokenizer import in_tokens


class Statement(Given):
    """What may be built, what is promised and how quality is judged, frozen and validated.

    `modelsizer.problems.problem.Problem` reads, writes and changes it, and has its parameters.
    """

    def _check(self) -> None:
        for name in self.laws:
            if name in TOKEN_LAWS:
                raise ValueError(f"@laws {name!r} is the name of a law that comes with modelsizer")
        # The model is frozen, and what its space offers depends on the contexts.
        longest = max(self.contexts)
        self.__dict__["space"] = self.space.within(longest)
        self.__dict__.update(in_tokens(vars(self), self.tokenizer))
        self.prices.check(self.devices)
        checks.check_alternatives(self.space)
        checks.check_laws(self.objective, self.laws)
        checks.check_shape(self.objective, self.law)
        checks.check_reach(self.law, self.space)
        checks.check_experts(self.objective, self.law)
        checks.check_tokenizer(self.tokenizer, self.law, self.space)
        if self.menus:
            self._check_menus()
        else:
            self._check_single()
        limits = self.token_limits
        checks.check_tokens(limits, self.training, self.limits, self.objective)
        most = most_parameters(self.space, self.training.sequence_length)
        check_loss(self.law, limits, most)

    def _check_single(self) -> None:
        """Check settings of single values, and fill in what limits refer to."""
        checks.check_inputs(self.settings, self.limits, self.objective)
        layouts(self.training)
        for later in (False, True):
            self.__dict__.update(references.resolved(self, later=later))
        for setup in self.setups:
            check_magnitudes(setup.settings, self.budgets)

    def _check_menus(self) -> None:
        """Check the setups that menus offer; limits shown are those of the first."""
        check_offered_devices(self.training, self.serving, self.budgets)
        for number in {setup.token_limits: setup.number for setup in self._choices}.values():
            check_magnitudes(self._choices[number].settings, self.budgets)
        self.__dict__.update(self._resolved(self._choices[0].settings))

    @property
    def _plain_settings(self) -> Settings:
        """Settings without what a law counts, on which no limit on tokens depends."""
        return Settings(
            self.training,
            self.serving,
            self.lifetime,
            self.context_length,
            "total",
            prices=self.prices,
            mixture=bool(self.mixture),
        )

    @property
    def _choices(self) -> tuple[Setup, ...]:
        """The setups as far as no law matters."""
        asked = {f"budgets.{name}": name for name in self.budgets.limits}
        asked[f"objective.{self.objective.sense}"] = self.objective.quantity
        found: tuple[Setup, ...] = self._once(
            "choices",
            lambda: setups(self._plain_settings, self._limits_under, asked, self.mixtures),
        )
        return found

    def _resolved(self, settings: Settings) -> dict[str, Any]:
        """Tables in which limits that refer to models have their numbers under some settings."""
        one = self.model_copy({"training": settings.training, "serving": settings.serving})
        one = one.of_kind(mixture=settings.mixture)
        found: dict[str, Any] = {}
        for later in (False, True):
            found |= references.resolved(one, later=later)
            one.__dict__.update(found)
        # Tokens that a model has are the same under every setup.
        if "training" in found:
            found["training"] = self.training.model_copy({"tokens": found["training"].tokens})
        return found

    def _limits_under(self, settings: Settings) -> dict[str, Interval]:
        """Limits of a problem with menus under single-valued settings."""
        budgets = self.budgets
        if any(limit.min_as or limit.max_as for limit in budgets.limits.values()):
            budgets = self._resolved(settings).get("budgets", budgets)
        return budgets.limits | device_limits(settings, budgets)

    @property
    def limits(self) -> dict[str, Interval]:
        """Limits by quantity: the budgets, and what fits the accelerators (`device_limits`).

        Of a problem with menus those of accelerators are those of the first setup that has them.
        """
        return self.budgets.limits | self.device_limits

    @property
    def device_limits(self) -> dict[str, Interval]:
        """Limits that accelerators set by themselves, where the budgets say nothing.

        Of a problem with menus those under the first setup that has them.
        """
        found: dict[str, Interval] = self._once("device limits", self._device_limits)
        return found

    def _device_limits(self) -> dict[str, Interval]:
        if not self.menus:
            return device_limits(self._plain_settings, self.budgets)
        found: dict[str, Interval] = {}
        for setup in first_of_tables(self._choices):
            found = device_limits(setup.settings, self.budgets) | found
        return found

    @property
    def device_memories(self) -> dict[str, DeviceMemory]:
        """Memory of the named accelerators, by the quantity that it limits.

        Of a problem with menus that of the first setup in which it is known.
        """
        if not self.menus:
            return device_memories(self._plain_settings)
        found: dict[str, DeviceMemory] = {}
        for setup in first_of_tables(self._choices):
            found = device_memories(setup.settings) | found
        return found

    @property
    def setups(self) -> tuple[Setup, ...]:
        """The single-valued settings that menus offer, the preferred ones first."""
        found: tuple[Setup, ...] = self._once("setups", self._setups)
        return found

    def _setups(self) -> tuple[Setup, ...]:
        settings = self.settings
        if not self.several:
            return (Setup(0, settings, self.limits, self.token_limits),)
        return tuple(
            replace(
                one,
                settings=replace(
                    settings,
                    training=one.training,
                    serving=one.serving,
                    mixture=one.settings.mixture,
                    ceilings=ceilings(one.serving, one.limits),
                    requests=least_requests(one.limits),
                ),
            )
            for one in self._choices
        )

    def setup_of(self, layout: Layout) -> Setup:
        """The setup of a layout; of a problem of one setup that one, whatever the layout says."""
        return self.setups[layout.setup if self.several else 0]

    def setup_classes(self, reads: Reads) -> list[int]:
        """Numbers of setups, equal where some settings are; see `setups.classes`."""
        found: list[int] = self._once(f"classes {reads}", lambda: classes(self.setups, reads))
        return found

    def under(self, layout: Layout) -> Self:
        """The problem with the settings of single values that were chosen with a layout."""
        if not self.several:
            return self
        return cast("Self", self._once(f"under {layout.setup}", lambda: self._under(layout.setup)))

    def machine(self, layout: Layout) -> dict[str, dict[str, Any]]:
        """What a layout has of settings that offer several values, by table, as plain values."""
        found: dict[str, dict[str, Any]] = {}
        setup = self._choices[layout.setup]
        for key in self.menus:
            name, _, field = key.partition(".")
            table: Table = getattr(setup, name)
            found.setdefault(name, {}).update(table.written([field]))
        return found

    def _under(self, number: int) -> Self:
        setup = self._choices[number]
        settings = {"training": setup.training, "serving": setup.serving}
        one = self.model_copy(settings | self._resolved(setup.settings))
        return one.of_kind(mixture=setup.settings.mixture)

    @property
    def settings(self) -> Settings:
        """What quantities are computed from, beside architecture and layout.

        Where settings offer several values, those of `setups` are what costs are computed from.
        """
        return Settings(
            self.training,
            self.serving,
            self.lifetime,
            self.context_length,
            self.law.parameter_kind,
            self.law.experts or self.objective.experts,
            self.leverage_flops,
            text_rates(self.tokenizer, self.space.vocab_size.numbers),
            self.prices,
            bool(self.mixture),
            () if self.several else ceilings(self.serving, self.limits),
            least_requests(self.limits),
        )

    def of_kind(self, *, mixture: bool) -> Self:
        """The problem for designs with, or without, layers of experts, whatever its space offers.

        These train at another MFU.
        """
        one = self.model_copy()
        one._once("mixture", lambda: mixture)
        return one

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
        """Parallel layouts of all setups to choose from, the preferred ones first."""
        if not self.several:
            return layouts(self.training)
        found: tuple[Layout, ...] = self._once("layouts", self._layouts)
        return found

    def _layouts(self) -> tuple[Layout, ...]:
        return tuple(
            Layout(one.data_parallel, one.tensor_parallel, one.pipeline_parallel, number)
            for number, setup in enumerate(self._choices)
            for one in layouts(setup.training)
        )

    @property
    def layout_arrays(self) -> LayoutArrays:
        """The layouts as arrays."""
        found: LayoutArrays = self._once("arrays", lambda: LayoutArrays.of(self.layouts))
        return found

    @property
    def layouts_each(self) -> int:
        """Layouts that a design may have: those of its kind, with experts or without."""
        return len(self.layouts) // len(self.mixtures)

    @property
    def splits(self) -> tuple[Split, ...]:
        """What each layout asks of an architecture: ways that divide its widths and its depth."""
        if not self.several:
            return self._splits_of(self.layouts, self._plain_settings)
        found: tuple[Split, ...] = self._once(
            "splits",
            lambda: tuple(
                split
                for setup in self._choices
                for split in self._splits_of(layouts(setup.training), setup.settings)
            ),
        )
        return found

    @property
    def split_of(self) -> Mapping[Layout, Split]:
        """What each layout asks, by layout."""
        found: Mapping[Layout, Split] = self._once(
            "split_of", lambda: dict(zip(self.layouts, self.splits, strict=True))
        )
        return found

    def split(self, layout: Layout) -> Split:
        """What a layout asks of an architecture."""
        setup = self._choices[layout.setup].settings if self.several else self._plain_settings
        return self._splits_of((replace(layout, setup=0),), setup)[0]

    def _splits_of(self, layouts: tuple[Layout, ...], settings: Settings) -> tuple[Split, ...]:
        training = settings.training
        experts = training.expert_parallel, training.expert_tensor_parallel
        found = splits(layouts, served(settings.serving), training.interleave, *experts)
        if len(self.mixtures) == 1:
            return found
        return tuple(replace(split, mixture=settings.mixture) for split in found)

    def lacks(self, quantity: str) -> str:
        """What the file must say for a quantity to be computed, and does not; empty if nothing."""
        if not self.menus:
            return lacking(self.settings, quantity)
        reasons = (lacking(setup.settings, quantity) for setup in self._choices)
        return next(filter(None, reasons), "")

    @property
    def token_limits(self) -> TokenLimits:
        """Limits on tokens from [training] and [budgets] together, the loosest of any setup."""
        # No limit on tokens depends on what a law counts.
        if self.several:
            return loosest(distinct(self._choices))
        return token_limits(self._plain_settings, self.limits)

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
        if not self.several:
            return count_designs(self.space, self.splits)
        times = Counter(self.splits)
        pairs = sum(n * count_designs(self.space, (one,)).pairs for one, n in times.items())
        return replace(count_designs(self.space, tuple(times)), pairs=pairs)
