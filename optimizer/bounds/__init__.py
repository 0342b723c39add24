"""Exact values of designs, and bounds over boxes of designs."""
