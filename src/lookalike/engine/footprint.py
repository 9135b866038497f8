"""What an engine takes on the disk, and how its gallery is searched."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.engine.memory import read_memory

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts
    from lookalike.gallery import IndexFacts, Search, Store

__all__ = ["Footprint", "footprint", "footprint_dict", "size_text"]


@dataclass(frozen=True)
class Footprint:
    """What a gallery takes and how it is searched.

    Attributes:
        pictures: in the gallery.
        versions: states of it that can be gone back to, this one among them.
        store: how embeddings are stored, "float32" or "float16".
        gallery_bytes: of all these states on the disk, without the index.
        index_bytes: of the index on the disk.
        cache_bytes: of decoded pictures on the disk.
        embeddings_mb: megabytes that the embeddings take in memory when all are there.
        memory_mb: megabytes that they may take.
        search: "exact", "indexed" or "streamed".
        note: what the person should know of that, if anything.
        index: what is known of the index; None where there is none.
    """

    pictures: int
    versions: int
    store: Store
    gallery_bytes: int
    index_bytes: int
    cache_bytes: int
    embeddings_mb: float
    memory_mb: float
    search: Search
    note: str | None
    index: IndexFacts | None

    def lines(self) -> dict[str, str]:
        """Return it for people, a line of text by its name."""
        sizes = f"{size_text(self.gallery_bytes)} gallery ({self.store})"
        if self.cache_bytes:
            sizes += f", {size_text(self.cache_bytes)} decoded pictures"
        if self.index is None:
            how = "no index"
        else:
            sizes += f", {size_text(self.index_bytes)} index"
            how = (
                f"index by {self.index.metric}, recall@10 {self.index.recall:.3f} "
                f"measured with {self.index.sample // 2:,} pictures"
            )
        return {
            "states": f"{self.versions:,} kept (lookalike history)",
            "disk": sizes,
            "search by": f"{SAID[self.search]}; {how}",
        }


SAID = {
    "exact": "all embeddings in memory, exactly",
    "indexed": "index on the disk",
    "streamed": "reading all embeddings from the disk, exactly",
}


def footprint(engine: EngineParts) -> Footprint:
    """Measure an engine that has a gallery.

    Raises:
        EngineError: it has none.
    """
    from lookalike.gallery import count_states, embedding_megabytes

    gallery, layout = engine.gallery, engine.layout
    choice = engine.search_choice()
    index = _bytes(layout.gallery / "_indices")
    return Footprint(
        pictures=len(gallery),
        versions=count_states(layout.gallery),
        store=gallery.store,
        gallery_bytes=_bytes(layout.gallery) - index,
        index_bytes=index if gallery.index_facts is not None else 0,
        cache_bytes=_bytes(layout.cache),
        embeddings_mb=round(embedding_megabytes(gallery), 3),
        memory_mb=read_memory(layout),
        search=choice.search,
        note=choice.note,
        index=gallery.index_facts,
    )


def footprint_dict(engine: EngineParts) -> dict[str, object] | None:
    """Return the footprint ready for JSON; None where there is no gallery."""
    return asdict(footprint(engine)) if engine.layout.gallery.exists() else None


def size_text(size: int) -> str:
    """Return a number of bytes for people.

    >>> size_text(700), size_text(51_234), size_text(3_400_000), size_text(2_500_000_000)
    ('700 B', '51 kB', '3.4 MB', '2.5 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} B"


def _bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
