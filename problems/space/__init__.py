"""The design space: its choices, width options, layouts and how many designs there are."""
