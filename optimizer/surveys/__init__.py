"""Surveys of all designs: rankings, lists, maps of the space."""
