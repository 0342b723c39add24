"""One limit swept: frontiers, exponents, isoFLOP curves."""
