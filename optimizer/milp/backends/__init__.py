"""Engines that solve a `Program`; none of them knows what the columns mean."""
