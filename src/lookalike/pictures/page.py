"""The HTML of the report. Every text that comes from outside passes through `escape`."""

from __future__ import annotations

import base64
import html
import math
import re
import struct
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from lookalike.pictures.page_style import style_sheet

if TYPE_CHECKING:
    from lookalike.pictures.report import (
        MetricRow,
        Report,
        ReportPicture,
        ReportSection,
        ReportTable,
    )

__all__ = ["escape", "page"]

_SKIPPED_SHOWN = 50
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# The browser itself then refuses whatever would come from outside, and every script.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(report: Report) -> str:
    """Return the whole page."""
    blocks = list(_blocks(report))
    links = "\n".join(
        f'<li><a href="#part-{number}">{escape(title)}</a></li>'
        for number, (title, _) in enumerate(blocks, start=1)
    )
    body = "\n".join(
        f'<section aria-labelledby="part-{number}">\n'
        f'<h2 id="part-{number}">{escape(title)}</h2>\n{content}\n</section>'
        for number, (title, content) in enumerate(blocks, start=1)
    )
    navigation = f'<nav aria-label="Contents">\n<ul>\n{links}\n</ul>\n</nav>\n' if blocks else ""
    return f"""<!DOCTYPE html>
<html lang="{escape(report.lang)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(report.title)} – Lookalike</title>
<style>
{style_sheet()}</style>
</head>
<body>
<header>
<h1>{escape(report.title)}</h1>
<p class="headline">{escape(report.headline)}</p>
{navigation}{_facts(report.facts)}</header>
<main>
{body}
</main>
</body>
</html>
"""


def escape(text: str) -> str:
    """Return the text safe within HTML, also for names that are not valid Unicode."""
    valid = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return html.escape(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", valid), quote=True)


def _blocks(report: Report) -> Iterable[tuple[str, str]]:
    """Yield each part's heading and content, in reading order."""
    if report.metrics:
        yield "How good it is", _metrics(report)
    for section in report.sections:
        yield section.title, _section(section)
    if report.command:
        yield "How it was made", f"<pre><code>{escape(report.command)}</code></pre>"
    if report.settings:
        yield "Settings", _pairs(report.settings, ("Setting", "Value"))
    if report.skipped or report.skipped_count is not None:
        yield "Skipped files", _skipped(report)
    if report.versions:
        yield "Versions", _pairs(report.versions, ("Library", "Version"))


def _facts(facts: Mapping[str, str]) -> str:
    if not facts:
        return ""
    items = "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">\n{items}\n</dl>\n'


def _metrics(report: Report) -> str:
    rows = sorted(report.metrics, key=lambda row: not row.is_engine)
    columns = list(dict.fromkeys(name for row in rows for name in row.values))
    shown = {name: [_number(row.values.get(name)) for row in rows] for name in columns}
    best = {name: _best(rows, name) for name in columns}
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "\n".join(
        ('<tr class="engine">' if row.is_engine else "<tr>")
        + f'<th scope="row">{escape(row.name)}</th>'
        + "".join(_cell(shown[name][number], best[name]) for name in columns)
        + "</tr>"
        for number, row in enumerate(rows)
    )
    note = "Higher is better; the best of each column is bold."
    text = " ".join(filter(None, (escape(report.protocol), note)))
    return (
        f'<p class="muted">{text}</p>\n'
        '<div class="wide" role="region" aria-label="Metrics" tabindex="0">\n'
        '<table class="metrics">\n'
        f'<thead><tr><th scope="col">Method</th>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>\n{_definitions(report.definitions)}"
    )


def _best(rows: Iterable[MetricRow], column: str) -> str:
    values = [row.values.get(column) for row in rows]
    known = [value for value in values if value is not None and math.isfinite(value)]
    return _number(max(known)) if known else ""


def _cell(shown: str, best: str) -> str:
    return f"<td><strong>{shown}</strong></td>" if shown == best else f"<td>{shown}</td>"


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def _definitions(definitions: Mapping[str, str]) -> str:
    if not definitions:
        return ""
    items = "\n".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in definitions.items()
    )
    return f'<dl class="definitions">\n{items}\n</dl>'


def _section(section: ReportSection) -> str:
    text = f"<p>{escape(section.text)}</p>\n" if section.text else ""
    tables = "\n".join(_wide_table(table) for table in section.tables)
    return text + tables + "\n".join(_figure(picture) for picture in section.pictures)


def _wide_table(table: ReportTable) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.heads)
    body = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return (
        f"<h3>{escape(table.title)}</h3>\n"
        f'<div class="wide" role="region" aria-label="{escape(table.title)}" tabindex="0">\n'
        f'<table class="{"pairs" if table.words else "metrics"}">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>\n"
    )


def _figure(picture: ReportPicture) -> str:
    width, height = struct.unpack(">II", picture.png[16:24])
    source = base64.b64encode(picture.png).decode("ascii")
    caption = f"<figcaption>{escape(picture.caption)}</figcaption>\n" if picture.caption else ""
    # Pictures wider than the screen scroll sideways: the keyboard must reach them too.
    return (
        f'<figure>\n<div class="picture" role="region" aria-label="{escape(picture.title)}" '
        f'tabindex="0"><img src="data:image/png;base64,{source}" width="{width}" '
        f'height="{height}" alt="{escape(picture.alt or picture.title)}"></div>\n'
        f"{caption}</figure>"
    )


def _pairs(values: Mapping[str, str], heads: tuple[str, str]) -> str:
    return _table(heads, values.items())


def _table(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th><td>{escape(second)}</td></tr>'
        for first, second in rows
    )
    return (
        f'<table class="pairs">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>"
    )


def _skipped(report: Report) -> str:
    shown = report.skipped[:_SKIPPED_SHOWN]
    count = len(report.skipped) if report.skipped_count is None else report.skipped_count
    count = max(count, len(report.skipped))
    if not count:
        return "<p>None: every file was read.</p>"
    verb = "file was" if count == 1 else "files were"
    first = f"; the first {len(shown)} of them" if shown and count > len(shown) else ""
    text = f"<p>{count:,} {verb} not read and left out{first}.</p>\n"
    return text + _table(("File", "Reason"), ((file.path, file.reason) for file in shown))
