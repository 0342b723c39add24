"""Search by bounds: tightening, blocks, branch and bound, enumeration."""
