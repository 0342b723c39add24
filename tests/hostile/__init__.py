"""Malformed and hostile input, files that fail, and interrupts."""
