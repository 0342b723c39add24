"""Architectures: what a model is made of, what it holds, and where descriptions of it come from."""
