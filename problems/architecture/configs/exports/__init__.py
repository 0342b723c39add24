"""Export an architecture as a configuration for a framework, one module a framework."""
