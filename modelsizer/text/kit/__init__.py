"""Building blocks of the reports: tables, lines, and numbers in words."""
