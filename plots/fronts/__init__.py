"""Figures of fronts and frontiers."""
