"""A first problem file, made from five answers."""
