"""Commands, each in a module of the same name, and their shared options and output."""
