"""Count, draw and run models of the transformers library, to hold the readers against it.

Only tests and benchmarks use this, and all imports of torch and transformers are inside functions.
"""
