"""Count the parameters of a model that has no reader here by the classes of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.separate import SeparateError, run_separate
from modelsizer.problems.errors import MissingExtraError
from modelsizer.problems.records import dataclass
from modelsizer.problems.visible import shortened

SECONDS = 300
"""Time limit; importing torch and transformers takes most of it."""
OFFER = "; `modelsizer describe --with-transformers` counts its total by transformers"
"""What a refusal says where the library is installed."""
_NEEDED = ("transformers", "torch")
_SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
}  # it asks neither the network nor an accelerator


@dataclass(frozen=True, slots=True)
class LibraryCount:
    """Parameters of a model as transformers holds them; nothing else of it is known.

    Parameters
    ----------
    total : int
        All parameters, tied ones once.
    active : int or None
        Without idle experts; None where it is not certain which these are.
    name : str
        The class that was built.
    version : str
        Of transformers.
    """

    total: int
    active: int | None
    name: str
    version: str

    @property
    def label(self) -> str:
        """By what it was counted, and what is not known."""
        return f"counted by {self.name} of transformers {self.version}; totals only, no costs"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "architecture": None,
            "parameters": {"total": self.total, "active": self.active},
            "counted_by": {
                "library": "transformers", "version": self.version, "class": self.name,
            },
        }  # fmt: skip


def missing() -> str | None:
    """The first package that the count needs and that is not installed."""
    return next((name for name in _NEEDED if find_spec(name) is None), None)


def count_config(config: Mapping[str, Any]) -> LibraryCount:
    """Count a Hugging Face configuration, in another process; no code of the model is run.

    Raises
    ------
    MissingExtraError
        If transformers or torch is not installed.
    SourceError
        If the library does not accept the configuration either, or takes too long.
    """
    if (lacks := missing()) is not None:
        raise MissingExtraError("counting by transformers", lacks, "transformers")
    try:
        answer = run_separate("count_on_meta.py", dict(config), SECONDS, _SETTINGS)
    except SeparateError as error:
        raise SourceError(f"counting by transformers {error}") from None
    if "error" in answer:
        why = shortened(str(answer["error"]), 300)
        raise SourceError(f"transformers {answer.get('version')} does not count it: {why}")
    return LibraryCount(
        answer["total"], answer["active"], str(answer["class"]), str(answer["version"])
    )
