"""Every design looked at: counted, ordered, drawn."""
