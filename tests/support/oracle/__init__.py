"""An independent solver of problem files: plain Python, exact numbers, loops over every design.

It is written from ``docs/reference/accounting.md`` and the formulas of the papers cited there, shares no code
with the package, and reads of it only the catalogues of accelerators, efficiencies and laws, as
data. Slow, for small problems only.
"""
