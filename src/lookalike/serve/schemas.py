"""What requests and answers hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lookalike.types import Band, Metric

__all__ = [
    "MOST",
    "MOST_OFFSET",
    "Balance",
    "Box",
    "Count",
    "EngineFacts",
    "ErrorBody",
    "ExportBody",
    "ExportKind",
    "Filters",
    "FoundHit",
    "ListedBody",
    "Page",
    "Picture",
    "PictureFacts",
    "PictureSearch",
    "QueryBody",
    "SearchBody",
    "SearchFound",
    "Upload",
]

MOST = 1_000
MOST_OFFSET = 20_000
_LONGEST = 500
_Text = Annotated[str, Field(max_length=_LONGEST)]
_Pixels = Annotated[int, Field(ge=0, le=2**31 - 1)]
_Id = Annotated[int, Field(ge=0, le=2**62)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ErrorText(BaseModel):
    """What is wrong."""

    kind: str = Field(description="A word for programs.")
    message: str = Field(description="One line for people.")


class ErrorBody(BaseModel):
    """The answer to a request that failed."""

    error: ErrorText


class Count(BaseModel):
    """A name and how many pictures have it."""

    name: str
    count: int


class Balance(BaseModel):
    """That searches may weigh how pictures look against what they mean."""

    natural: float = Field(description="The engine's own balance.")
    low: str
    high: str


class Size(BaseModel):
    """The smallest and the largest sides of the gallery's pictures, in pixels."""

    min_width: int
    max_width: int
    min_height: int
    max_height: int


class LabelCount(BaseModel):
    """A label and how many pictures have it."""

    label: str
    count: int


class FolderCount(BaseModel):
    """A top-level folder and how many pictures lie in it."""

    folder: str
    count: int


class EngineFacts(BaseModel):
    """What the engine holds."""

    name: str
    pictures: int
    preset: str
    metric: Metric
    k: int
    calibrated: bool
    balance: Balance | None
    decodes: bool
    labels: list[LabelCount]
    folders: list[FolderCount]
    size: Size | None
    gallery_version: int
    sentence: str | None
    drift_advice: str | None
    away: list[str]


class Picture(BaseModel):
    """A picture of the gallery."""

    id: int
    path: str = Field(description="Relative to the pictures' folder; `@name/` for further folders.")
    label: str | None
    folder: str
    width: int
    height: int
    version: str = Field(description="Given as `v` of its thumbnail, a browser may keep that.")


class PictureFacts(Picture):
    """A picture of the gallery, and its file."""

    file_size: int | None
    modified: str | None = Field(description="When the file was last changed; ISO 8601, UTC.")
    sha256: str
    missing: bool = Field(description="The original is not there now.")
    inside: bool = Field(description="It has no file of its own, as a picture of an IDX file.")


class Page(BaseModel):
    """Some pictures of the gallery."""

    total: int
    offset: int
    pictures: list[Picture]


class ListedBody(_Strict):
    """Pictures that are asked for by their ids."""

    ids: list[_Id] = Field(min_length=1, max_length=MOST)


class Upload(BaseModel):
    """A picture that was uploaded, to be searched with."""

    upload: str = Field(description="SHA-256 of the file: what searches call it.")
    width: int
    height: int
    expires_when_full: bool = Field(
        default=True,
        description="It is forgotten once others need its place; upload it again then.",
    )


class Filters(_Strict):
    """Which pictures are searched; those for which all that is given holds."""

    labels: list[_Text] | None = Field(default=None, max_length=_LONGEST)
    folders: list[_Text] | None = Field(
        default=None, max_length=_LONGEST, description="Those below any of them."
    )
    min_width: _Pixels | None = None
    max_width: _Pixels | None = None
    min_height: _Pixels | None = None
    max_height: _Pixels | None = None
    text: _Text | None = Field(
        default=None, description="That the path holds, in any case of letters."
    )


_Share = Annotated[float, Field(ge=0, le=1)]
Box = tuple[_Share, _Share, _Share, _Share]
"""Left, top, right and bottom, as shares of the picture."""


class QueryBody(_Strict):
    """One picture to search with: of the gallery, or uploaded."""

    id: _Id | None = None
    upload: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    weight: float = Field(default=1.0, ge=-100, le=100, description="Below 0: less like this.")
    box: Box | None = Field(default=None, description="left, top, right, bottom, each from 0 to 1.")


class _Wanted(_Strict):
    k: int = Field(default=60, ge=1, le=MOST)
    offset: int = Field(default=0, ge=0, le=MOST_OFFSET)
    balance: float | None = Field(default=None, ge=0, le=1)
    combine: Literal["mean", "best"] = "mean"
    include_self: bool = False
    filters: Filters | None = None
    expand: int = Field(default=0, ge=0, le=100)
    rerank: Literal["k-reciprocal", "diffusion", "spectral"] | None = None


class SearchBody(_Wanted):
    """A search."""

    queries: list[QueryBody] = Field(min_length=1, max_length=32)


class PictureSearch(_Wanted):
    """A search by a picture that comes with it."""

    weight: float = Field(default=1.0, ge=-100, le=100)
    box: Box | None = None
    queries: list[QueryBody] = Field(default=[], max_length=31)


ExportKind = Literal["csv", "json", "links", "sheet"]


class ExportBody(_Strict):
    """What is to be taken along, and how."""

    search: SearchBody
    format: ExportKind


class FoundHit(BaseModel):
    """A picture that was found."""

    rank: int
    score: float = Field(description="Higher is closer.")
    probability: float | None = Field(description="That it is the query, or an edited copy of it.")
    percentile: float | None = Field(
        description="How many of a hundred random pairs are less alike."
    )
    band: Band | None
    picture: Picture


class SearchFound(BaseModel):
    """What a search found, closest first."""

    hits: list[FoundHit]
    total: int = Field(description="Pictures that pass the filters.")
    offset: int
    known: bool | None = Field(description="Whether the gallery has the like of the query.")
    metric: Metric
    took_ms: float
    gallery_version: int
    upload: str | None = None
