"""Complete Pareto fronts of two or three objectives."""
