"""What is asked of a design: budgets, an objective, and how many tokens they leave it."""
