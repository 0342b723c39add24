"""What the quantisation of a configuration says of the bytes of each matrix."""
