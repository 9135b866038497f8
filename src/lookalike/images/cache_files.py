"""The files of a picture cache, and how each is written."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lookalike.images.collection import Collection, Skipped
from lookalike.images.decoding import Block
from lookalike.images.spec import ImageSpec
from lookalike.storage import write_bytes, write_text

__all__ = [
    "FORMAT_VERSION",
    "HEADER",
    "PIXELS",
    "TABLE",
    "write_columns",
    "write_header",
    "write_pixels_header",
    "write_table",
]

FORMAT_VERSION = 2
HEADER = "cache.json"
PIXELS = "pixels.npy"
TABLE = "pictures.parquet"


def write_pixels_header(file: BinaryIO, rows: int, spec: ImageSpec) -> int:
    """Write the header of a .npy file of that many rows, and return its length.

    Rows are appended by plain writes, because a full disk under a memory map kills the process.
    The header leaves room for its first axis to grow, so that the count can be corrected later.
    """
    header = io.BytesIO()
    shape = (rows, spec.height, spec.width, spec.channels)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return file.write(header.getvalue())


def write_table(path: Path, collection: Collection, blocks: list[Block]) -> None:
    """Write what is known of the pictures of blocks, row by row."""
    pictures = [collection.pictures[position] for block in blocks for position in block.positions]
    sizes = [size for block in blocks for size in block.sizes]
    files = [file for block in blocks for file in block.files]
    write_columns(
        path,
        {
            "paths": [picture.path for picture in pictures],
            "labels": [picture.label for picture in pictures],
            "splits": [picture.split for picture in pictures],
            "widths": [width for width, _ in sizes],
            "heights": [height for _, height in sizes],
            "file_sizes": [size for size, _ in files],
            "modified": [modified for _, modified in files],
            "sha256": [sha for block in blocks for sha in block.sha256],
        },
    )


def write_columns(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write a table of what is known of pictures, by its columns."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    numbers = {
        "widths": pa.int32(),
        "heights": pa.int32(),
        "file_sizes": pa.int64(),
        "modified": pa.int64(),
    }
    table = pa.table(
        {name: pa.array(values, numbers.get(name, pa.string())) for name, values in columns.items()}
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    write_bytes(path, file.getvalue())


def write_header(
    path: Path, source: str, spec: ImageSpec, key: str, skipped: list[Skipped]
) -> None:
    """Write what the cache was made from, which is what makes it count."""
    header = {
        "format_version": FORMAT_VERSION,
        "key": key,
        "source": source,
        "spec": spec.as_dict(),
        "skipped": [asdict(item) for item in skipped],
    }
    write_text(path, json.dumps(header, indent=1) + "\n")
