"""The style sheet of the report, in light, in dark and on paper."""

from __future__ import annotations

from collections.abc import Mapping

from lookalike.pictures.style import DARK, LIGHT, Colour, hexadecimal

__all__ = ["style_sheet"]

_RULES = """
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 72rem;
  background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 0 0 .75rem; font-size: 2rem; line-height: 1.2; }
h2 { margin: 3rem 0 .5rem; font-size: 1.35rem; line-height: 1.3; }
p { margin: .5rem 0; max-width: 44rem; }
a { color: var(--accent); }
.headline { font-size: 1.2rem; line-height: 1.5; }
.muted, figcaption { color: var(--muted); }
nav { margin: 1.25rem 0 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0; padding: 0; }
nav li { list-style: none; }
nav a { display: inline-block; padding: .3rem 0; }
.facts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr));
  gap: .75rem; margin: 1.75rem 0 0;
}
.facts div {
  padding: .7rem .9rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem;
}
.facts dt { color: var(--muted); font-size: .85rem; }
.facts dd { margin: 0; font-weight: 600; font-size: 1.05rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
.wide:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; }
th, td { padding: .5rem .9rem .5rem 0; text-align: left; vertical-align: top; }
tr { border-bottom: 1px solid var(--line); }
thead th { color: var(--muted); font-weight: 600; font-size: .9rem; vertical-align: bottom; }
.metrics { min-width: 100%; }
.metrics th, .metrics td { padding: .5rem .9rem; white-space: nowrap; overflow-wrap: normal; }
.metrics td, .metrics thead th:not(:first-child) {
  text-align: right; font-variant-numeric: tabular-nums;
}
.metrics tbody th { font-weight: 400; }
.metrics th:first-child { position: sticky; left: 0; background: var(--page); }
.metrics .engine, .metrics .engine th:first-child { background: var(--tint); }
.metrics .engine th { font-weight: 700; box-shadow: inset 4px 0 var(--accent); }
.pairs th { font-weight: 400; color: var(--muted); min-width: 11rem; }
.definitions { max-width: 44rem; margin: 1.25rem 0 0; font-size: .95rem; }
.definitions dt { font-weight: 600; margin-top: .6rem; }
.definitions dd { margin: 0; color: var(--muted); }
figure { margin: 1rem 0 0; }
.picture { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
.picture { background: var(--paper); }
.picture img { display: block; max-width: 100%; height: auto; }
figcaption { margin-top: .5rem; font-size: .95rem; max-width: 44rem; }
pre {
  margin: .75rem 0; padding: .9rem 1rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem;
  white-space: pre-wrap; font: .95rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace;
}
@media (max-width: 44rem) {
  body { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.6rem; }
  .facts { grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); }
  .picture img { max-width: none; width: max(100%, 44rem); }
  .pairs th { min-width: 8rem; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  h2 { break-after: avoid; }
  figure, tr, .facts div { break-inside: avoid; }
  .wide, .picture { overflow: visible; }
  .picture img { max-width: 100%; max-height: 23cm; width: auto; }
  .metrics .engine, .metrics .engine th {
    print-color-adjust: exact; -webkit-print-color-adjust: exact;
  }
}
"""


def style_sheet() -> str:
    """Return the style sheet; it refers to nothing outside itself."""
    # Pictures are drawn on white: their paper stays white in the dark.
    paper = f"--paper: {hexadecimal(LIGHT['page'])};"
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_names(DARK)} }} }}"
    return f":root {{ {_names(LIGHT)} {paper} }}\n{dark}{_RULES}"


def _names(theme: Mapping[str, Colour]) -> str:
    return " ".join(f"--{name}: {hexadecimal(colour)};" for name, colour in theme.items())
