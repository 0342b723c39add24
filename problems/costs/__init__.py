"""Costs of training and serving, from first principles."""
