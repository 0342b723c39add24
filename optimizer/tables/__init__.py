"""A problem as arrays: tables, grids, boxes, and the store that keeps them."""
