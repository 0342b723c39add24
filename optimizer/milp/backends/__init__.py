"""Engines that solve a `Program`, independently of the meaning of its columns."""
