"""``python -m modelsizer``, and the script ``modelsizer``: handle signals, then import the rest."""

import gc

from modelsizer.problems.interrupts import install

COLLECT_EVERY = 200_000
"""New objects between runs of the garbage collector, 700 by default.

Importing makes many objects that live as long as the process; looking through them again and again
took some 10 % of a short command.
"""


def main() -> None:
    """Run the command line."""
    install()
    gc.set_threshold(COLLECT_EVERY)
    from modelsizer.cli import main as run

    run()


if __name__ == "__main__":
    main()
