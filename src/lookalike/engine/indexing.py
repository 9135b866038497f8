"""Filling an engine's gallery: its old parts or its new ones, whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lookalike.engine.accelerating import keep_index
from lookalike.engine.clock import Clock
from lookalike.engine.drift import begin_drift
from lookalike.engine.exchange import exchange, recover_engine
from lookalike.engine.facade import Engine, open_engine
from lookalike.engine.filling import fill_gallery
from lookalike.engine.folders import folder_names, reopen_folders
from lookalike.engine.limiting import limits_of, written_limits
from lookalike.engine.lock import writing
from lookalike.engine.manifest import Layout, Manifest, read_manifest, write_manifest
from lookalike.engine.memory import read_memory
from lookalike.engine.mounts import mounted_folders
from lookalike.engine.skipped import keep_skipped
from lookalike.engine.sources import open_source, source_name
from lookalike.engine.stages import cache_and_embed
from lookalike.engine.synced import keep_state
from lookalike.errors import GalleryError
from lookalike.gallery import Store, check_store, open_gallery
from lookalike.images import IntakeLimits, collection_state
from lookalike.types import OnProgress, silent

__all__ = ["index_engine"]


def index_engine(
    engine: str | Path,
    source: str | Path | None = None,
    *,
    device: str = "auto",
    limits: IntakeLimits | None = None,
    archive: Path | None = None,
    data_home: Path | None = None,
    store: Store | None = None,
    on_progress: OnProgress = silent,
) -> Engine:
    """Embed pictures with an engine's encoder and make them its gallery.

    Args:
        engine: the engine's directory.
        source: the pictures; None for those the engine was made from.
        device: where the encoder runs.
        limits: what one picture may cost from now on; None for what it was.
        archive: an archive of the named data set that is already at hand.
        data_home: where data sets are kept.
        store: "float32" or "float16", how embeddings are stored; None for as they were.
        on_progress: told how far each stage is.

    Raises:
        EngineError: there is no such engine, or its pictures are no longer where they were.
    """
    layout = Layout(Path(engine))
    recover_engine(layout)
    read_manifest(layout.manifest)
    with writing(layout, "lookalike index"):
        _index(layout, source, device, limits, archive, data_home, store, on_progress)
    return open_engine(layout.directory, device=device)


@dataclass(frozen=True)
class _Before:
    """What of a gallery stays when its pictures are embedded again."""

    store: Store
    indexed: bool

    @classmethod
    def of(cls, layout: Layout, manifest: Manifest) -> _Before:
        chosen = check_store(manifest.settings.get("chosen", {}).get("store") or "float32")
        try:
            gallery = open_gallery(layout.gallery)
        except GalleryError:  # there is none, or it is damaged, which is why it is made again
            return cls(chosen, indexed=False)
        return cls(gallery.store, gallery.index_facts is not None)


def _index(
    layout: Layout,
    source: str | Path | None,
    device: str,
    limits: IntakeLimits | None,
    archive: Path | None,
    data_home: Path | None,
    store: Store | None,
    on_progress: OnProgress,
) -> None:
    from lookalike.encoder import load_encoder

    manifest = read_manifest(layout.manifest)
    limits = limits or limits_of(manifest)
    if source is None:
        collection = reopen_folders(
            manifest,
            layout.directory,
            home=data_home,
            archive=archive,
            limits=limits,
            on_progress=on_progress,
        )
    else:
        collection = open_source(
            source, home=data_home, archive=archive, limits=limits, on_progress=on_progress
        )
    encoder = load_encoder(layout.encoder, device=device)
    state = collection_state(collection)  # from before they are read, as in a build
    clock, before = Clock(dict(manifest.timings)), _Before.of(layout, manifest)
    with exchange(layout) as work:
        with clock.time("index"):
            whiten = manifest.settings["whiten"]
            cache, ahead = cache_and_embed(
                collection, encoder, layout, whiten=whiten, on_progress=on_progress
            )
            keep_skipped(work, cache.skipped)
            gallery = fill_gallery(
                encoder,
                cache,
                work,
                whiten=whiten,
                ahead=ahead,
                store=store or before.store,
                on_progress=on_progress,
            )
            memory = read_memory(layout)
            keep_index(
                work, manifest, memory=memory, wanted=before.indexed, on_progress=on_progress
            )
        counts = replace(
            manifest.counts,
            gallery=len(gallery),
            queries=len(cache.rows("test")),
            skipped=len(cache.skipped),
        )
        write_manifest(
            work.manifest,
            replace(
                manifest,
                source=source_name(collection),
                root=str(collection.root.resolve()),
                folders=folder_names(collection),
                mounts=mounted_folders(collection),
                counts=counts,
                fingerprint=encoder.fingerprint,
                timings=clock.seconds,
                limits=written_limits(limits),
            ),
        )
    keep_state(layout, state)
    begin_drift(open_engine(layout.directory, device=device))
