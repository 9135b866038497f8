"""What people look at: neighbour grids, reconstructions, the loss curve, the map, the report.

Every part takes plain arrays and records and knows nothing of engines. Every `draw_` function
returns a `PIL.Image.Image`; the same input gives the same bytes.
"""

from __future__ import annotations

from lookalike.pictures.between import BetweenCell, draw_between
from lookalike.pictures.clusters import ClusterCell, ClusterRow, draw_clusters
from lookalike.pictures.curve import LossPoint, draw_loss
from lookalike.pictures.descent import nearest_points
from lookalike.pictures.duplicates import (
    CopyCard,
    CopyGroup,
    DuplicatesPage,
    render_duplicates,
)
from lookalike.pictures.files import check_format, save, to_png
from lookalike.pictures.grid import GridCell, GridRow, Tone, draw_grid, most_rows
from lookalike.pictures.layout import tsne
from lookalike.pictures.map import Thumbnails, draw_map
from lookalike.pictures.montage import draw_montage
from lookalike.pictures.oddities import OddPicture, draw_oddities
from lookalike.pictures.reconstructions import draw_reconstructions
from lookalike.pictures.report import (
    MetricRow,
    Report,
    ReportPicture,
    ReportSection,
    ReportTable,
    SkippedFile,
    render_report,
    write_report,
)
from lookalike.pictures.whole import AMONG, lay_out, place_among

__all__ = [
    "AMONG",
    "BetweenCell",
    "ClusterCell",
    "ClusterRow",
    "CopyCard",
    "CopyGroup",
    "DuplicatesPage",
    "GridCell",
    "GridRow",
    "LossPoint",
    "MetricRow",
    "OddPicture",
    "Report",
    "ReportPicture",
    "ReportSection",
    "ReportTable",
    "SkippedFile",
    "Thumbnails",
    "Tone",
    "check_format",
    "draw_between",
    "draw_clusters",
    "draw_grid",
    "draw_loss",
    "draw_map",
    "draw_montage",
    "draw_oddities",
    "draw_reconstructions",
    "lay_out",
    "most_rows",
    "nearest_points",
    "place_among",
    "render_duplicates",
    "render_report",
    "save",
    "to_png",
    "tsne",
    "write_report",
]
