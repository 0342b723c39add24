"""Style sheet of the HTML report, without external resources."""

from __future__ import annotations

CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 80ch;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  color: #222; background: #fff; overflow-wrap: break-word;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 {
  margin: 2.6rem 0 .6rem; padding-bottom: .2rem;
  font-size: 1.25rem; border-bottom: 1px solid #d9d9d9;
}
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p, ul { margin: .5rem 0; }
ul { padding-left: 1.2rem; }
a { color: #005a8c; }
.quiet, .status { color: #595959; }
.status strong { color: #222; }
.lead { font-size: 1.1rem; margin: 1rem 0; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
pre, code {
  font: .875rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
pre {
  margin: .5rem 0; padding: .7rem .9rem; border: 1px solid #d9d9d9; background: #f7f7f7;
  white-space: pre-wrap; overflow-wrap: anywhere;
}
.wide { overflow-x: auto; }
table {
  border-collapse: collapse;
  font-size: .875rem; font-variant-numeric: tabular-nums lining-nums;
}
caption { text-align: left; padding: 0 0 .4rem; color: #595959; }
th, td { padding: .18rem .95rem .18rem 0; text-align: left; vertical-align: baseline; }
th:last-child, td:last-child { padding-right: 0; }
th { font-weight: 400; }
thead th { font-weight: 600; border-bottom: 1px solid #222; vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid #eee; }
.pairs th { color: #595959; white-space: nowrap; }
.pairs td { overflow-wrap: anywhere; }
.n { text-align: right; }
td.n, tbody th { white-space: nowrap; }
.marked > * { font-weight: 600; background: #fdf3e7; }
figure { margin: 1.6rem 0 2rem; }
figure img { display: block; width: 100%; height: auto; }
figcaption { margin-top: .5rem; font-size: .875rem; color: #444; }
@page { margin: 18mm 16mm; }
@media print {
  html { font-size: 10pt; }
  body { max-width: none; padding: 0; }
  nav { display: none; }
  a { color: inherit; text-decoration: none; }
  h2, h3, caption { break-after: avoid; }
  figure, table, tr { break-inside: avoid; }
  figure img { width: 88%; }
  table.long { break-inside: auto; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  .marked > *, pre { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
""".strip()
