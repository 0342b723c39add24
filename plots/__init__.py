"""The pictures: every figure is one function, data in, Figure out."""
