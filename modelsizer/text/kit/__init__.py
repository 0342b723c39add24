"""What every report is made of: tables, lines and the words of numbers."""
