"""The answer: formulation, solvers, certificates."""
