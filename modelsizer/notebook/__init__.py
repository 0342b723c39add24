"""What notebooks show of values: their reports as HTML, tables of pandas, and pictures."""
