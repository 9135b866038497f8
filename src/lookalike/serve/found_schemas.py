"""What answers about jobs, the map, duplicates and oddities hold."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lookalike.serve.schemas import Picture, QueryBody

__all__ = [
    "CopyFacts",
    "Group",
    "Groups",
    "JobFacts",
    "JobList",
    "KeptCopy",
    "MapFacts",
    "Odd",
    "Odds",
    "PlaceBody",
    "Reason",
    "Skipped",
    "Started",
    "Stats",
    "Store",
    "Where",
]

_Kind = Literal["exact", "same-pixels", "edited", "near"]


class JobFacts(BaseModel):
    """A job: long work in the background."""

    id: str
    kind: str = Field(description="sync, map, duplicates or oddities.")
    state: Literal["working", "done", "failed", "stopped"]
    stage: str = Field(description="What is being done, in a few words.")
    done: int
    total: int = Field(description="0 when unknown.")
    message: str
    result: dict[str, Any] | None = Field(description="A few facts, once it is done.")
    error: dict[str, str] | None = Field(description="kind and message, if it failed.")
    seconds: float


class JobList(BaseModel):
    """The jobs that are remembered, the latest first."""

    jobs: list[JobFacts]


class Started(BaseModel):
    """That what was asked for is being found: follow the job, then ask again."""

    job: str


class MapFacts(BaseModel):
    """The map of the gallery."""

    state: Literal["ready", "working", "none"]
    job: str | None = Field(description="That is making the map.")
    error: str | None = Field(description="Why the last try to make it failed, for five minutes.")
    count: int = Field(description="Pictures on it; as many points in /map/points.")
    version: str | None = Field(description="Of points and pages: give it as `v`, and keep them.")
    bounds: tuple[float, float, float, float] | None = Field(
        description="left, top, right and bottom of what the points cover of the unit square."
    )
    pages: int = Field(description="Of small pictures, under /map/atlas/0 and on.")
    tile: int = Field(description="Pixels of a side of a small picture's tile.")
    across: int = Field(description="Tiles in a row of a page, and rows.")
    labels: list[str] = Field(description="What the points' label numbers stand for.")


class PlaceBody(BaseModel):
    """Queries, as those of a search, whose place on the map is asked for."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    queries: list[QueryBody] = Field(min_length=1, max_length=32)
    balance: float | None = Field(default=None, ge=0, le=1)


class Where(BaseModel):
    """A place on the map, in the unit square, y downwards."""

    x: float
    y: float


class KeptCopy(Picture):
    """The one picture of a group that is to be kept, and its file."""

    file_size: int | None
    modified: str = Field(description="When the file was last changed; ISO 8601.")
    format: str = Field(description="Of the file, as JPEG; empty where it is gone.")
    taken: str | None = Field(description="When the camera took it; ISO 8601, no zone.")
    sha256: str


class CopyFacts(KeptCopy):
    """A copy of the one to keep."""

    kind: _Kind
    probability: float | None = Field(description="That it is an edited copy; null if certain.")
    similarity: float = Field(description="Its score, were the one to keep searched with.")
    differs: list[str] = Field(description="How it differs from the one to keep, in words.")


class Group(BaseModel):
    """Copies of one picture."""

    rank: int
    kind: _Kind = Field(description="The weakest among its copies.")
    reason: str = Field(description="Why that one is kept.")
    saves: int = Field(description="Bytes that the others take up.")
    kept: KeptCopy
    others: list[CopyFacts]


class Groups(BaseModel):
    """Pictures that are there more than once."""

    total: int
    offset: int
    pictures: int = Field(description="That were compared.")
    copies: dict[str, int] = Field(description="How many pictures are copies, by kind.")
    saves: int
    calibrated: bool
    more_near: int = Field(description="Near shots that were not asked for.")
    notes: list[str]
    groups: list[Group]


class Odd(BaseModel):
    """A picture that the decoder rebuilds badly."""

    picture: Picture
    error: float = Field(description="Mean squared error of its pixels, from 0 to 1.")
    ratio: float | None = Field(description="How many times the gallery's median that is.")


class Odds(BaseModel):
    """The oddest pictures, the oddest first."""

    oddities: list[Odd]
    median: float
    pictures: int


class Store(BaseModel):
    """Something kept in memory."""

    count: int
    bytes: int


class Reason(BaseModel):
    """Why files were left out."""

    reason: str
    count: int


class Skipped(BaseModel):
    """How many files could not be read, and why."""

    count: int
    reasons: list[Reason]


class Stats(BaseModel):
    """What the service holds and has to do."""

    pictures: int
    gallery_version: int
    uptime_seconds: float
    uploads: Store
    thumbnails: Store
    prepared: Store = Field(description="Queries that were searched with.")
    findings: int = Field(description="Maps, groups of duplicates and the like that are kept.")
    queues: dict[str, int] = Field(description="Requests that wait or are under way, by pool.")
    jobs: dict[str, int] = Field(description="Jobs by their state.")
    skipped: Skipped
