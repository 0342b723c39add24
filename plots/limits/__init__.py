"""Figures of limits and scenarios."""
