"""Views of one design: memory, users, roofline and kinds of layer, as values."""
