"""Accelerators, and the efficiencies that measured runs reach on them."""
