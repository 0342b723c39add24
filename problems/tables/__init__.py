"""The tables of a problem file, validated."""
