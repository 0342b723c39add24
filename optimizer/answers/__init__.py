"""Saved answers: read back, evaluated and proven once more."""
