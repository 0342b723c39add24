"""``python -m modelsizer``."""

from modelsizer.cli import main

if __name__ == "__main__":
    main()
