"""The catalogues: accelerators, published models and loss laws, as values with rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any

from modelsizer.problems.architecture.models import models as every_model
from modelsizer.problems.brief import counted
from modelsizer.problems.errors import ArgumentError, ProblemError, did_you_mean, short
from modelsizer.problems.hardware.accelerators import accelerator
from modelsizer.problems.laws.pages import LAW_PAGES
from modelsizer.problems.problem import Problem
from modelsizer.problems.reading import library as library_files
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Tabled

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue(Tabled):
    """Entries by name.

    ``catalogue[name]`` is the entry; iteration is over the names.

    Parameters
    ----------
    what : str
        ``"problems"``, ``"accelerators"``, ``"models"`` or ``"laws"``, the key of the JSON.
    rows : tuple of dict
        The rows of the JSON.
    entry : callable
        From a name to the entry; raises ValueError for a name that there is not.
    """

    what: str
    rows: tuple[Row, ...]
    entry: Callable[[str], Any] = field(repr=False)

    def _words(self) -> str:
        return f"of {counted(len(self.rows), self.what.removesuffix('s'))}"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[str]:
        return (row["name"] for row in self.rows)

    def __contains__(self, name: object) -> bool:
        return any(row["name"] == name for row in self.rows)

    def __getitem__(self, name: str) -> Any:
        try:
            return self.entry(name)
        except (ValueError, ProblemError) as error:
            raise ArgumentError("name", str(error)) from None

    def _ipython_key_completions_(self) -> list[str]:
        """Names, which notebooks complete inside the brackets."""
        return list(self)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {self.what: list(self.rows)}


def library() -> Catalogue:
    """List the problems that come with modelsizer, with their numbers of designs.

    Returns
    -------
    Catalogue

    Examples
    --------
    >>> from modelsizer import library
    >>> library()["phone-2gb"].count_designs()
    768
    """
    problems = ((name, Problem.load(name)) for name in library_files())
    rows = tuple(
        {"name": name, "about": problem.name, "designs": problem.count_designs()}
        for name, problem in problems
    )
    return Catalogue("problems", rows, Problem.load)


def accelerators() -> Catalogue:
    """List accelerators with the figures that a source was seen for.

    Returns
    -------
    Catalogue

    Examples
    --------
    >>> from modelsizer import accelerators
    >>> accelerators()["H100-SXM"].bf16_flops
    989000000000000
    """
    from modelsizer.text.accelerators import Selection, accelerator_rows

    return Catalogue("accelerators", tuple(accelerator_rows((), Selection(), None)), accelerator)


def models() -> Catalogue:
    """List published models, with counted parameters.

    Returns
    -------
    Catalogue

    Examples
    --------
    >>> from modelsizer import models
    >>> models()["llama-3-8b"].architecture.layers
    32
    """
    from modelsizer.text.models import model_rows

    return Catalogue("models", tuple(model_rows(None, "parameters")), _model)


def _model(name: str) -> Any:
    known = every_model()
    if name not in known:
        raise ValueError(f"{short(name)} is no published model{did_you_mean(name, known)}")
    return known[name]


def laws() -> Catalogue:
    """List published loss laws: form, range, what they see, and which can be solved with.

    Returns
    -------
    Catalogue

    Examples
    --------
    >>> from modelsizer import laws
    >>> laws()["besiroglu-2024"].coefficients["E"]
    1.8172
    """
    pages = tuple(page.to_dict() for page in LAW_PAGES.values())
    return Catalogue("laws", pages, LAW_PAGES.look_up)
