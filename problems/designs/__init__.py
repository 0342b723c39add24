"""One design evaluated exactly."""
