"""What the quantization of a configuration says of the bytes of each matrix."""
