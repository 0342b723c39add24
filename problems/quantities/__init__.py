"""The quantities that a budget may limit and an objective may seek: one row each.

Each module holds the rows of one quantity, or of a few of a kind, in its ``ROWS``, with all that
the program knows of them. A new budget is a new module here, or a row given to
`modelsizer.problems.quantities.rows.register_quantity`; see
`modelsizer.problems.quantities.quantity.Quantity`.
"""
