"""Figures of designs."""
