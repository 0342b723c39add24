"""Requirements of a design: budgets, the objective, and the limits on training tokens."""
