"""The mixed-integer program, and the solvers for it."""
