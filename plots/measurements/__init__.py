"""Figures of measurements: timings and predictions."""
