"""The loss of a training run, epoch by epoch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from lookalike.pictures.canvas import check_some, shorten
from lookalike.pictures.style import (
    ACCENT,
    INK,
    LINE,
    MUTED,
    OTHER,
    PAGE,
    Colour,
    font,
    hexadecimal,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LossPoint", "draw_loss"]

_DPI = 120
_TITLE_POINTS = 13
_INCHES = (8.0, 4.6)
_DECADE = 10.0
_MARKERS_UP_TO = 40


class LossPoint(Protocol):
    """One epoch, as `lookalike.training.Epoch` has it."""

    @property
    def epoch(self) -> int:
        """Its number; the first is 1."""

    @property
    def train_loss(self) -> float:
        """Loss over the training pictures."""

    @property
    def val_loss(self) -> float | None:
        """Loss over the validation pictures; None without any."""


def draw_loss(
    epochs: Sequence[LossPoint], title: str | None = None, loss_name: str = "loss"
) -> Image.Image:
    """Draw training and validation loss, with the best epoch marked.

    The best epoch has the smallest validation loss; the smallest training loss without validation.
    The axis is logarithmic when the losses span more than a factor of ten.

    Args:
        epochs: at least one; validation losses may be None.
        title: a line above.
        loss_name: what the loss is, for the axis ("mean squared error").

    Raises:
        SettingsError: no epoch.
    """
    check_some(epochs, "epochs")
    figure, axes = _empty(title)
    curves = _curves(epochs)
    losses = [loss for _, points, _ in curves for _, loss in points]
    if min(losses) > 0 and max(losses) / min(losses) > _DECADE:
        axes.set_yscale("log")
    for _, points, colour in curves:
        shape = "o" if points is curves[0][1] else "s"
        marker = shape if len(points) <= _MARKERS_UP_TO else None
        axes.plot(
            *zip(*points, strict=True), color=colour, linewidth=2, marker=marker, markersize=4
        )
    _frame(axes, [point.epoch for point in epochs])
    scale = ", logarithmic scale" if axes.get_yscale() == "log" else ""
    height = 0.87 if title else 0.93
    _write(figure, height, loss_name + scale, MUTED, fontsize=10)
    _name_lines(figure, axes, curves)
    _mark_best(axes, min(curves[-1][1], key=lambda point: point[1]))
    return _render(figure)


Curve = tuple[str, list[tuple[int, float]], str]


def _curves(epochs: Sequence[LossPoint]) -> list[Curve]:
    """Return (name, points, colour): training, then validation if there is any."""
    training = [(point.epoch, point.train_loss) for point in epochs]
    validation = [(point.epoch, point.val_loss) for point in epochs if point.val_loss is not None]
    curves: list[Curve] = [("training", training, hexadecimal(ACCENT))]
    if validation:
        curves.append(("validation", validation, hexadecimal(OTHER)))
    return curves


def _empty(title: str | None) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor=hexadecimal(PAGE))
    axes = figure.add_axes((0.1, 0.13, 0.74, 0.64 if title else 0.71))
    if title:
        pixels = 0.96 * _INCHES[0] * _DPI
        line = shorten(title, font(_TITLE_POINTS * _DPI // 72, bold=True), pixels)
        _write(figure, 0.93, line, INK, fontsize=_TITLE_POINTS, fontweight="bold")
    return figure, axes


def _write(figure: Figure, height: float, text: str, colour: Colour, **look: Any) -> None:  # noqa: ANN401
    # A dollar sign in a name is a dollar sign, not the start of a formula.
    figure.text(0.02, height, text, color=hexadecimal(colour), parse_math=False, **look)


def _frame(axes: Axes, epochs: list[int]) -> None:
    """Draw quiet axes: whole epochs, horizontal lines, plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

    ink, line = hexadecimal(MUTED), hexadecimal(LINE)
    axes.set_facecolor(hexadecimal(PAGE))
    room = max(0.5, (epochs[-1] - epochs[0]) * 0.02)
    axes.set_xlim(epochs[0] - room, epochs[-1] + room)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10, min_n_ticks=1))
    if axes.get_yscale() == "log":
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(LogLocator(subs=()))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.margins(y=0.12)
        axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes.grid(axis="y", color=line, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=ink, labelsize=10, length=0, pad=6)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(line)
    axes.set_xlabel("epoch", color=ink, fontsize=10)


def _name_lines(figure: Figure, axes: Axes, curves: list[Curve]) -> None:
    """Write each line's name and last loss at its end, pushed apart where they would meet."""
    figure.draw_without_rendering()
    apart = 30 * _DPI / 72
    places = sorted(
        (float(axes.transData.transform(points[-1])[1]), name, points[-1], colour)
        for name, points, colour in curves
    )
    heights = [place[0] for place in places]
    if len(heights) == 2 and heights[1] - heights[0] < apart:
        middle = (heights[0] + heights[1]) / 2
        lower = max(middle - apart / 2, float(axes.bbox.y0) + apart / 4)
        heights = [lower, lower + apart]
    right = axes.get_position().x1 + 0.008
    for height, (_, name, (_, loss), colour) in zip(heights, places, strict=True):
        fraction = height / (_INCHES[1] * _DPI)
        text = f"{name}\n{loss:.4g}"
        figure.text(right, fraction, text, color=colour, fontsize=10, va="center", linespacing=1.2)


def _mark_best(axes: Axes, best: tuple[int, float]) -> None:
    """Ring the best epoch and name it above the plot, where no line can run through the name."""
    epoch, loss = best
    ink = hexadecimal(INK)
    axes.axvline(epoch, color=ink, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
    axes.plot(
        [epoch], [loss], marker="o", markersize=10, markerfacecolor="none", markeredgecolor=ink
    )
    left, right = axes.get_xlim()
    share = (epoch - left) / (right - left)
    align: Any = "left" if share < 1 / 3 else "right" if share > 2 / 3 else "center"
    axes.annotate(
        f"best: epoch {epoch}, {loss:.4g}",
        (share, 1.0),
        xycoords="axes fraction",
        xytext=(0, 6),
        textcoords="offset points",
        ha=align,
        color=ink,
        fontsize=10,
    )


def _render(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, facecolor=hexadecimal(PAGE))
    return Image.open(buffer).convert("RGB")
