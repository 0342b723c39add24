"""Loss laws: what a design is predicted to reach."""
