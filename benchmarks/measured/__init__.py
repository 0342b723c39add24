"""Compare predictions with published measurements.

`python -m benchmarks.measured DATA [PICTURE]`, with DATA the folder of the reference data
(decode_latency.json, fresh_measurements.json, training_mfu.json, kv_measured.json), prints a table
by quantity, engine and device, and draws the picture of docs/explanation/predictions.md. A file
here reads the rows of a kind: `decode`, `training`, `memory`.
"""

from benchmarks.measured.rows import Row
from benchmarks.measured.table import all_rows, shares, summary

__all__ = ["Row", "all_rows", "shares", "summary"]
