"""Views of one design: what `describe --view` shows, each in a module of its name."""
