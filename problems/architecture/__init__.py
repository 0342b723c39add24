"""Architectures: their parts, their exact counts, and where descriptions of them come from."""
