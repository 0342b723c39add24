"""Style sheet of the HTML report, without external resources, light or dark."""

from __future__ import annotations

CSS = """
:root {
  color-scheme: light dark;
  --page-ink: #222; --page-paper: #fff; --page-quiet: #595959; --page-line: #d9d9d9;
  --page-hair: #eee; --page-link: #005a8c; --page-block: #f7f7f7; --page-marked: #fdf3e7;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page-ink: #e6e6e1; --page-paper: #161715; --page-quiet: #a5a59d; --page-line: #3a3b37;
    --page-hair: #2b2c29; --page-link: #77bce8; --page-block: #1e1f1d; --page-marked: #33241a;
  }
  figure img { background: #fff; border-radius: 4px; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 80ch;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  color: var(--page-ink); background: var(--page-paper); overflow-wrap: break-word;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 {
  margin: 2.6rem 0 .6rem; padding-bottom: .2rem;
  font-size: 1.25rem; border-bottom: 1px solid var(--page-line);
}
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p, ul { margin: .5rem 0; }
ul { padding-left: 1.2rem; }
a { color: var(--page-link); }
.quiet, .status { color: var(--page-quiet); }
.status strong { color: var(--page-ink); }
.lead { font-size: 1.1rem; margin: 1rem 0; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
pre, code {
  font: .875rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
pre {
  margin: .5rem 0; padding: .7rem .9rem;
  border: 1px solid var(--page-line); background: var(--page-block);
  white-space: pre-wrap; overflow-wrap: anywhere;
}
.wide { overflow-x: auto; }
table {
  border-collapse: collapse;
  font-size: .875rem; font-variant-numeric: tabular-nums lining-nums;
}
caption { text-align: left; padding: 0 0 .4rem; color: var(--page-quiet); }
th, td { padding: .18rem .95rem .18rem 0; text-align: left; vertical-align: baseline; }
th:last-child, td:last-child { padding-right: 0; }
th { font-weight: 400; }
thead th { font-weight: 600; border-bottom: 1px solid var(--page-ink); vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid var(--page-hair); }
.pairs th { color: var(--page-quiet); white-space: nowrap; }
.pairs td { overflow-wrap: anywhere; }
.n { text-align: right; }
td.n, tbody th { white-space: nowrap; }
.wide td:not(.n) { min-width: 7rem; }
.wide td:not(.n):empty { min-width: 0; }
.marked > * { font-weight: 600; background: var(--page-marked); }
figure { margin: 1.6rem 0 2rem; }
figure img { display: block; width: 100%; height: auto; }
figcaption { margin-top: .5rem; font-size: .875rem; color: var(--page-quiet); }
@media screen and (max-width: 36rem) {
  body { padding: 1.25rem 1rem 3rem; }
  table { font-size: .78rem; }
  .wide :is(th, td) { padding-right: .4rem; }
}
@page { margin: 18mm 16mm; }
@media print {
  html { font-size: 10pt; }
  body { max-width: none; padding: 0; }
  nav { display: none; }
  a { color: inherit; text-decoration: none; }
  h2, h3, caption { break-after: avoid; }
  figure, table, tr { break-inside: avoid; }
  figure img { width: 74%; }
  table.long { break-inside: auto; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  .marked > *, pre { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
""".strip()

LIVE_CSS = """
#sliders-desk {
  display: block; margin: 1.2rem 0 0; border: solid var(--page-line); border-width: 1px 0;
}
#sliders-desk :is(h2, h3) { border: 0; padding: 0; }
#sliders-desk .panel { border: 0; }
#sliders-desk .panel .inside { position: static; max-height: none; padding: 0 1rem; }
#sliders-desk .group > summary { display: none; }
#sliders-desk .group {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr));
  gap: .25rem 2rem;
}
#sliders-desk .help { display: none; }
#sliders-desk .control { grid-template-columns: minmax(0, 1fr) auto auto; align-content: end; }
#sliders-desk .summary { position: static; padding: 1rem 0 .7rem; }
#sliders-desk .moved { padding: .6rem 0 0; }
#sliders-desk .answer { padding: 1.25rem 0 1.5rem; }
#sliders-desk .facts { grid-template-columns: minmax(0, 1fr); }
#sliders-desk .architecture .pairs { columns: 14rem 2; column-gap: 2.5rem; }
#sliders-desk tbody th { white-space: normal; }
.hover.desk { display: block; }
.hover .figure { margin: 0; }
.hover .figure :is(h2, figcaption) { display: none; }
@media screen {
  .hover + picture { display: none; }
}
@media print {
  #sliders, .hover.desk { display: none; }
}
""".strip()
"""Sliders and drawings in a page, beside the style sheet that the live page has of them."""
