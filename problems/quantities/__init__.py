"""Quantities for budgets and objectives, one row each.

Each module defines in ``ROWS`` one quantity or a few related ones, with everything that the
program knows about them. A new budget is a new module here, or a row passed to
`modelsizer.problems.quantities.rows.register_quantity`; see
`modelsizer.problems.quantities.quantity.Quantity`.
"""
