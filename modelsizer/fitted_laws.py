"""The file of a fitted law."""

from __future__ import annotations

from pathlib import Path

from modelsizer.optimizer.fitting.study import Study
from modelsizer.problems.errors import ArgumentError
from modelsizer.problems.files import write_text
from modelsizer.problems.laws.files import TERMS, law_text
from modelsizer.problems.laws.laws import ParameterKind
from modelsizer.problems.version import __version__


def save_law(
    found: Study,
    path: str | Path,
    *,
    parameters: ParameterKind | None = None,
    command: str = "",
) -> None:
    """Write a fitted law to a file that ``objective.law = "file:PATH"`` takes.

    Parameters
    ----------
    found : Study
    path : str or Path
        ``.toml``; the law takes its name from it.
    parameters : {"total", "non_embedding", "active"}, optional
        What N counts; by default what the form says, or the name of its column.
    command : str
        How the law was made, for its provenance.

    Raises
    ------
    ArgumentError
        If an exponent has the other sign than its form, so that no file of the form can hold it.
    ModelsizerError
        If the file cannot be written.
    """
    path = Path(path)
    provenance = {
        "runs": found.runs.source,
        "sha256": found.runs.sha256,
        "used": len(found.runs.labels),
        "dropped": len(found.dropped),
        "delta": found.fit.delta,
        "objective": found.fit.objective,
        "r2": found.r_squared,
        "standard_errors_from": found.errors_from,
        "modelsizer": __version__,
    }
    if command:
        provenance["command"] = command
    kind = parameters or found.form.counts or found.runs.counts
    law = found.law_file(path.stem, kind, provenance)
    if found.form.kind != TERMS and (turned := found.form.turned(law.coefficients)):
        reason = f"no file of {found.form.name} can hold it"
        raise ArgumentError("output", f"{', '.join(turned)} of the other sign: {reason}")
    write_text(path, law_text(law))
