"""Shared by all figures: style, axes, labels and file output."""
