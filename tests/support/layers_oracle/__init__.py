"""Plain loops over every design of a problem with kinds of layer and experts.

Written from the description of the problem alone (counts, law, ties); shares no code with the package
and uses only the standard library. For small problems; `python -m tests.support.layers_oracle` holds
the engines to it.
"""
