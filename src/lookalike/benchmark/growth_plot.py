"""The cost against the size of the gallery, drawn on two logarithmic axes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PIL import Image

from lookalike.pictures.style import CATEGORIES, INK, LINE, MUTED, PAGE, hexadecimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_growth"]

_DPI = 120
_INCHES = (10.0, 4.6)
_MARKERS = ("o", "s", "^", "D", "v")
# What is drawn beside each other: title, unit, columns of the table -> what a person reads.
_PANELS = (
    (
        "Time of a command",
        "seconds",
        {
            "build s": "build, one epoch",
            "sync of 100 new s": "sync of 100 new",
            "unchanged sync s": "sync of nothing new",
        },
    ),
    (
        "One search",
        "milliseconds",
        {"exact p50 ms": "exact", "index p50 ms": "with an index"},
    ),
    (
        "Memory",
        "megabytes",
        {
            "build peak MB": "build, peak",
            "exact resident MB": "search, exact",
            "index resident MB": "search, with an index",
        },
    ),
)

Rows = Sequence[Mapping[str, float | int | str]]


def draw_growth(rows: Rows) -> Image.Image:
    """Draw time, search and memory against the number of pictures; a dotted line grows as it does.

    Args:
        rows: the table of `growth`, by size.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor=hexadecimal(PAGE), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (title, unit, columns) in enumerate(_PANELS):
        axes = figure.add_subplot(1, len(_PANELS), place + 1)
        _panel(axes, rows, columns)
        axes.set_title(title, loc="left", color=hexadecimal(INK), fontsize=12, fontweight="bold")
        axes.set_ylabel(unit, color=hexadecimal(MUTED))
    into = io.BytesIO()
    figure.savefig(into, format="png")
    return Image.open(into)


def _panel(axes: Axes, rows: Rows, columns: Mapping[str, str]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    steepest: tuple[float, list[tuple[float, float]]] = (0.0, [])
    for number, (column, name) in enumerate(columns.items()):
        points = [(float(row["pictures"]), float(row[column])) for row in rows if row[column] != ""]
        if not points:
            continue
        axes.plot(
            *zip(*points, strict=True),
            color=hexadecimal(CATEGORIES[number]),
            marker=_MARKERS[number],
            linewidth=2,
            markersize=5,
            label=name,
        )
        steepest = max(steepest, (points[-1][1], points))
    _proportional(axes, steepest[1])
    axes.set_xlabel("pictures", color=hexadecimal(MUTED))
    axes.grid(color=hexadecimal(LINE), linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, fontsize=9, labelcolor=hexadecimal(INK), loc="upper left")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.25)  # room for the legend
    _plain_numbers(axes)


def _plain_numbers(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(colors=hexadecimal(MUTED), labelsize=9)


def _short(value: float) -> str:
    """Return a number as an axis shows it.

    >>> _short(0.1), _short(100), _short(1e5), _short(1e6)
    ('0.1', '100', '100k', '1M')
    """
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def _proportional(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Draw what grows as the pictures do, through the last point."""
    if len(points) < 2:
        return
    (first, _), (last, highest) = points[0], points[-1]
    low, _ = axes.get_ylim()
    start = max(first, last * low / highest)
    axes.plot(
        [start, last],
        [highest * start / last, highest],
        color=hexadecimal(MUTED),
        linestyle=":",
        linewidth=1.2,
        label="as the pictures",
    )
