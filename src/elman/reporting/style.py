"""The style sheet of a report's page: light and dark, from 360 pixels wide to paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1d2329; --muted: #5a6570; --paper: #ffffff; --card: #f6f7f9; --line: #d5dae0;
  --c0: #0072b2; --c1: #b8490a; --c2: #007d5a; --c3: #9a4f85;
  --blue: 0 114 178; --red: 213 94 0; --note: #fff6e0; --note-line: #e69f00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e7ebef; --muted: #a3aeb9; --paper: #14181c; --card: #1d2329; --line: #3a444e;
    --c0: #66b9ef; --c1: #f0a13a; --c2: #39c79b; --c3: #dc95c0;
    --blue: 86 180 233; --red: 240 140 40; --note: #2c2615; --note-line: #b98312;
  }
}
@media print {
  :root {
    color-scheme: light;
    --ink: #000000; --muted: #444444; --paper: #ffffff; --card: #ffffff; --line: #bbbbbb;
    --c0: #0072b2; --c1: #b8490a; --c2: #007d5a; --c3: #9a4f85;
    --blue: 0 114 178; --red: 213 94 0; --note: #ffffff; --note-line: #e69f00;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: anywhere; print-color-adjust: exact; -webkit-print-color-adjust: exact;
}
header, main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 {
  font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .75rem;
  border-top: 1px solid var(--line);
}
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { max-width: 46rem; margin: .5rem 0; }
a { color: var(--c0); }
.muted, figcaption, caption { color: var(--muted); font-size: .875rem; }
nav ul {
  list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0;
  margin: 1rem 0;
}
.figures {
  display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
  margin: 1rem 0; padding: 0; list-style: none;
}
.figures li {
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .8rem;
}
.figures b { display: block; font-size: 1.5rem; line-height: 1.25; font-weight: 600; }
.figures span { display: block; color: var(--muted); font-size: .8125rem; line-height: 1.35; }
.note {
  background: var(--note); border-left: 4px solid var(--note-line); padding: .5rem .9rem;
  margin: 1rem 0; max-width: 48rem;
}
.note ul { margin: .25rem 0; padding-left: 1.1rem; }
.note h2 { border: 0; margin: 0; padding: 0; font-size: 1rem; }
.charts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: flex-start; }
figure { margin: .75rem 0; flex: 0 1 27rem; min-width: 0; width: 27rem; max-width: 100%; }
.cards {
  display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
}
.card {
  border: 1px solid var(--line); border-radius: .5rem; padding: .25rem .9rem .75rem;
  min-width: 0;
}
.tokens { line-height: 1.8; overflow-wrap: anywhere; margin: .5rem 0; }
.tokens span { background: rgb(var(--blue) / calc(var(--a) * .6)); padding: .1rem .12rem; }
.tokens span.against {
  background: rgb(var(--red) / calc(var(--a) * .6)); border-bottom: 1px dotted var(--muted);
}
.card figure { width: 100%; }
.card h3 { margin-top: .6rem; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text {
  fill: var(--muted);
  font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--muted); stroke-width: 1; }
svg .mark { stroke: var(--muted); stroke-dasharray: 2 3; stroke-width: 1.25; }
svg .s { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
svg .s0 { stroke: var(--c0); } svg .s1 { stroke: var(--c1); stroke-dasharray: 6 3; }
svg .s2 { stroke: var(--c2); stroke-dasharray: 1.5 3.5; }
svg .s3 { stroke: var(--c3); stroke-dasharray: 8 3 1.5 3; }
svg .d0 { fill: var(--c0); }
svg .d1 { fill: var(--c1); }
svg .d2 { fill: var(--c2); }
svg .d3 { fill: var(--c3); }
svg .for { fill: var(--c0); } svg .against { fill: var(--c1); }
.key {
  display: inline-block; white-space: nowrap; margin-right: .9rem; max-width: 100%;
  overflow: hidden; text-overflow: ellipsis; vertical-align: bottom;
}
.key svg {
  display: inline-block; width: 26px; height: 8px; margin-right: .35rem;
  vertical-align: middle;
}
.scroll { overflow-x: auto; max-width: 100%; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .25rem 0; }
th, td {
  padding: .28rem .7rem .28rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top;
}
thead th.n { white-space: normal; min-width: 4.5rem; }
thead th {
  color: var(--muted); font-weight: 600; vertical-align: bottom;
  border-bottom-color: var(--muted);
}
table { overflow-wrap: break-word; }
bdi { overflow-wrap: anywhere; }
tbody th { font-weight: 500; min-width: 7.5rem; max-width: 22rem; }
.n { text-align: right; white-space: nowrap; overflow-wrap: normal; padding-left: .7rem; }
tr.flag th, tr.flag td { background: var(--note); }
table.matrix td, table.matrix thead th {
  text-align: center; padding: .3rem .45rem; min-width: 2.2rem;
  border: 1px solid var(--paper);
}
table.matrix td { background: rgb(var(--red) / var(--a, 0)); overflow-wrap: normal; }
table.matrix td.hit { background: rgb(var(--blue) / var(--a, 0)); font-weight: 600; }
table.matrix tbody th {
  text-align: right; padding-right: .6rem; border: 0; max-width: 11rem; min-width: 3rem;
}
table.matrix thead th { max-width: 6rem; min-width: 2.2rem; border: 0; overflow-wrap: anywhere; }
dl {
  display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .15rem 1rem;
  margin: .5rem 0; font-size: .9375rem;
}
dt { color: var(--muted); } dd { margin: 0; min-width: 0; }
code { font: .875em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { color: var(--muted); font-size: .875rem; padding-bottom: 2rem; margin-top: 2.5rem; }
@media (max-width: 40rem) {
  h1 { font-size: 1.4rem; } body { font-size: 15px; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  body { font-size: 10pt; } header, main, footer { max-width: none; padding: 0; }
  nav { display: none; } a { color: inherit; text-decoration: none; }
  h2, h3, caption { break-after: avoid; }
  figure, .card, .figures, .note, tr { break-inside: avoid; }
  .scroll { overflow: visible; } thead { display: table-header-group; break-after: avoid; }
  .short { break-inside: avoid; }
  figure { width: 8.3cm; flex-basis: 8.3cm; }
  .cards { grid-template-columns: 1fr 1fr; }
}
""".strip()
