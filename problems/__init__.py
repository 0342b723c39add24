"""The question: architectures, what they cost, budgets, loss laws. No solver in sight."""
