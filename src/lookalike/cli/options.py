"""The options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

__all__ = [
    "Add",
    "Alpha",
    "Archive",
    "Balance",
    "Baselines",
    "BatchSize",
    "Channels",
    "CombineName",
    "CropBox",
    "DataHome",
    "Depth",
    "Device",
    "EnginePath",
    "Epochs",
    "Expand",
    "Json",
    "Latent",
    "LearningRate",
    "Like",
    "MaxFileSize",
    "MaxPixels",
    "MemoryLimit",
    "MetricName",
    "Minutes",
    "Output",
    "Overwrite",
    "PresetName",
    "Quiet",
    "RerankName",
    "Resume",
    "SearchWith",
    "Seed",
    "Size",
    "Source",
    "Store",
    "TimeLimit",
    "Unlike",
    "Weights",
    "Whiten",
]

# Typer reads these at run time, where Optional[...] and X | None mean the same.
Source = Annotated[
    str,
    typer.Argument(
        help="A folder of pictures, a CSV or JSON-lines list, an IDX file, "
        "or a named data set (see `lookalike datasets`)."
    ),
]
EnginePath = Annotated[Path, typer.Argument(metavar="ENGINE", help="An engine's directory.")]
Output = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--output", "-o", help="The engine to make.  [default: SOURCE.lookalike]"),
]
Add = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        metavar="FOLDER",
        help="A further folder of pictures; may be given several times. @name=FOLDER names it.",
    ),
]
PresetName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--preset", "-p", help="See `lookalike presets`.  [default: twin]"),
]
Size = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Side in pixels that pictures are decoded to.  [default: the preset's]"),
]
Channels = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="1 for grey, 3 for colour.  [default: the preset's]"),
]
Latent = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Width of the latent.  [default: the preset's]"),
]
Epochs = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        help="Passes over the training pictures.  [default: the preset's; twin: 10, "
        "and up to 300 when there are few pictures]"
    ),
]
Minutes = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(help="Train for about so long instead; the speed is measured first."),
]
BatchSize = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Pictures in one training step.  [default: the preset's]"),
]
LearningRate = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(help="Learning rate of the optimiser.  [default: the preset's]"),
]
Whiten = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option("--whiten/--no-whiten", help="Half-whiten the embeddings."),
]
MetricName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--metric", help="euclidean, cosine or inner.  [default: the preset's]"),
]
Expand = Annotated[
    int,
    typer.Option(help="Add this many of the nearest to the query, then search; 3 to 5 do well."),
]
Alpha = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(help="With --expand: neighbours count similarity to this power.  [default: 3]"),
]
RerankName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--rerank",
        help="k-reciprocal, diffusion, or spectral (diffusion over the whole gallery; "
        "prepared once, then kept).  [default: none]",
    ),
]
Depth = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        help="Candidates that are re-ranked.  [default: 200 k-reciprocal, 1000 diffusion]"
    ),
]
Balance = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        help="From 0, looks like, to 1, means like; for twins.  [default: the engine's own]"
    ),
]
Like = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        metavar="PICTURE",
        help="Search for this one and all queries together; may be repeated.",
    ),
]
Unlike = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(metavar="PICTURE", help="Keep away from this one; may be repeated."),
]
CombineName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--combine",
        help="Take all queries as one: mean of them, or best match with any.  [default: mean "
        "with --like or --unlike, else one search for each]",
    ),
]
CropBox = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--crop",
        metavar="X,Y,W,H",
        help="Search with this part of each query: pixels of the upright original, or shares of "
        "it if none is above 1.",
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of weights, shuffling and samples.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Weights = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="File with pretrained weights, for presets that load some."),
]
Archive = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="An archive of the named data set that you already have."),
]
MaxPixels = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="COUNT",
        help="Skip pictures of more pixels, as 50M.  [default: 179M, or what the engine has]",
    ),
]
MaxFileSize = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="BYTES",
        help="Skip larger files, as 200M.  [default: 1G, or what the engine has]",
    ),
]
TimeLimit = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        metavar="SECONDS",
        help="Skip what takes longer to decode.  [default: 30, or what the engine has]",
    ),
]
MemoryLimit = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="BYTES",
        help="Skip what needs more memory.  [default: 2G, or what the engine has]",
    ),
]
DataHome = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Where data sets are kept.  [default: ~/.cache/lookalike]"),
]
Baselines = Annotated[
    bool, typer.Option("--baselines/--no-baselines", help="Measure the baselines too.")
]
SearchWith = Annotated[
    str,
    typer.Option(
        "--search-with",
        help="exact (embeddings in memory), indexed (see `lookalike accelerate`), streamed (exact, "
        "from the disk), or auto: what suits the gallery's size.",
    ),
]
Store = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--store",
        help="float32, or float16: half the disk, a rounding in the scores.  [default: float32, "
        "or as it was]",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace an engine that is already there, or start over."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
