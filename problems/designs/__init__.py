"""Exact evaluation of single designs."""
