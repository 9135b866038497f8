"""The place that an engine is made in: nothing worth keeping is lost there."""

from __future__ import annotations

import shutil

from lookalike.engine.exchange import recover_engine
from lookalike.engine.manifest import Layout
from lookalike.engine.unfinished import refuse_to_discard
from lookalike.errors import EngineError
from lookalike.names import name_of_file
from lookalike.storage import storage_errors

__all__ = ["check_free", "prepare"]


def check_free(final: Layout, work: Layout, *, resume: bool, overwrite: bool) -> None:
    """Make sure that nothing worth keeping is where the engine is to be.

    Raises:
        EngineError: there is.
    """
    place = str(final.directory.absolute())
    if place.encode("utf-8", "replace").decode() != place:  # Lance takes no other paths
        raise EngineError(
            f"{name_of_file(place)} has bytes in its name that are not UTF-8: "
            "choose another output (--output)"
        )
    recover_engine(final)
    if final.directory.exists() and not overwrite:
        raise EngineError(
            f"{final.directory} is already there: choose another output, "
            "or replace it with overwrite (--overwrite)"
        )
    if final.directory.exists() and not final.manifest.exists():
        raise EngineError(
            f"{final.directory} is not an engine and is left alone: choose another output"
        )
    if not resume and not overwrite:
        refuse_to_discard(work)


def prepare(work: Layout, *, resume: bool) -> None:
    """Clear away what an interrupted build has left, unless it is gone on with."""
    with storage_errors(work.directory):
        if not resume:  # the decoded pictures stay: they are checked, and dear to make
            for part in (work.checkpoint, work.encoder, work.gallery, work.reports):
                shutil.rmtree(part, ignore_errors=True)
        work.reports.mkdir(exist_ok=True)
