"""Figures of loss laws and fits."""
