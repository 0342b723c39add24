"""The tables of a problem file, with validation."""
