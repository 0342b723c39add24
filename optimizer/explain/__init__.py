"""Why nothing is feasible, and what would have to give."""
