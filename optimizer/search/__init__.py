"""Search: tightening, blocks, branch and bound, enumeration."""
