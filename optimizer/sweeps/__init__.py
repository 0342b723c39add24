"""Many problems that differ in some keys: grids, scenarios, sweeps."""
