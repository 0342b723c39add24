"""Optimal designs of small training runs, to learn a law at a scale that none of them reaches."""
