"""The mixed-integer program and the solvers that it is given to."""
