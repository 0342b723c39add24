"""Configurations of other frameworks, read into architectures and written from them."""
