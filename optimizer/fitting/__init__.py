"""Fit loss laws to training runs."""
