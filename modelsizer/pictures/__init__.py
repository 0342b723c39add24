"""Figures of answers: what each shows, how its data is computed, and where it is used.

`modelsizer.pictures.registry` has one row for each; `--plot`, `gallery` and `report` read it.
"""
