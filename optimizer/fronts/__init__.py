"""Fronts of several objectives: what a little more of one costs in another, complete."""
