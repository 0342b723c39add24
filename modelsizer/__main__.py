"""``python -m modelsizer``, and the script ``modelsizer``: handle signals, then import the rest."""

from modelsizer.problems.interrupts import install


def main() -> None:
    """Run the command line."""
    install()
    from modelsizer.cli import main as run

    run()


if __name__ == "__main__":
    main()
