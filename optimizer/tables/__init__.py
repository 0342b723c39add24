"""A problem as arrays: tables, grids, boxes, and a cache of tables."""
