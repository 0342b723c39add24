"""Views of one design, and the catalogues, as values with rows."""
