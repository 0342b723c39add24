"""Count the models of the catalogue by the library.

``python -m tests.support.library.published`` prints the rows of
``tests/reference/catalogue_components.jsonl``: those that it holds already are kept, others are
counted. ``--again`` counts all of them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from modelsizer.problems.architecture.models import models
from tests.support.library.counting import count_config

STORED = Path(__file__).parents[2] / "reference" / "catalogue_components.jsonl"


def stored_rows() -> dict[str, dict[str, Any]]:
    """Stored counts by the library, by name of the model."""
    lines = STORED.read_text().splitlines() if STORED.exists() else []
    return {row["name"]: row for row in map(json.loads, lines)}


def library_row(name: str) -> dict[str, Any]:
    """Counts by component of the library's model of a configuration of the catalogue."""
    config = dict(models()[name].config)
    return {"name": name, "parameters": count_config(config).to_dict()}


def main() -> None:
    """Print a row for each model, in the order of the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", action="store_true", help="count every model again")
    known = {} if parser.parse_args().again else stored_rows()
    for name in models():
        print(json.dumps(known.get(name) or library_row(name)), flush=True)


if __name__ == "__main__":
    main()
