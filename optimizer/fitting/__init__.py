"""Fitting loss laws to one's own training runs."""
