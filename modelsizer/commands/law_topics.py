"""What `modelsizer laws` shows besides laws of the loss: terms of ablations, hyperparameters."""

from __future__ import annotations

from typing import Any

from modelsizer.commands.output import emit

ABLATIONS, HYPERPARAMETERS = "ablations", "hyperparameters"


def topics() -> tuple[str, ...]:
    """Names that `modelsizer laws` takes besides those of laws."""
    from modelsizer.problems.laws.bands import TERMS

    return (ABLATIONS, *TERMS, HYPERPARAMETERS)


def show_topic(name: str, json_: str | None) -> None:
    """Print one of `topics`, or write it as JSON."""
    if name == HYPERPARAMETERS:
        _show_hyperparameters(json_)
        return
    from modelsizer.problems.laws.ablation_rows import term_pages
    from modelsizer.text.law_topics import print_terms

    pages = [page for page in term_pages().values() if name in (ABLATIONS, page.name)]
    found = {"terms": [page.to_dict() for page in pages]}
    emit(found, json_, lambda console: print_terms(console, pages))


def _show_hyperparameters(json_: str | None) -> None:
    from modelsizer.problems.laws.hyperparameters import hyperparameter_laws
    from modelsizer.text.law_topics import print_hyperparameters

    laws, trained = hyperparameter_laws(), trained_rows()
    found = {"hyperparameter_laws": [law.to_dict() for law in laws], "trained": trained}
    emit(found, json_, lambda console: print_hyperparameters(console, laws, trained))


def trained_rows() -> list[dict[str, Any]]:
    """How published models were trained, and what each law says of them.

    Returns
    -------
    list of dict
        ``model``, ``tokens``, ``batch_size`` (None where it is not stated), ``learning_rate``,
        ``source``, and ``laws``: of each the name, batch size and learning rate.
    """
    from modelsizer.problems.architecture.sources import load_architecture
    from modelsizer.problems.designs.hyperparameters import suggested
    from modelsizer.problems.laws.hyperparameters import BATCH_SIZE, trained_models

    found = []
    for model, row in trained_models().items():
        laws: dict[str, dict[str, Any]] = {}
        for each in suggested(load_architecture(model, lambda _: None), row["tokens"], 4096):
            laws.setdefault(each.law, {"law": each.law})[each.name] = each.value
        found.append(
            {"model": model, BATCH_SIZE: None, **row, "laws": list(laws.values())},
        )
    return found
