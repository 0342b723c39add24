"""Malformed and hostile inputs, and what each must give."""
