"""The facade: from a folder to an engine, and from a query to its hits."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookalike.engine.building import build, train_engine
    from lookalike.engine.facade import Engine, open_engine
    from lookalike.engine.indexing import index_engine
    from lookalike.engine.retraining import retrain_engine
    from lookalike.engine.settings import BuildSettings
    from lookalike.engine.sources import data_home, default_output, open_source
    from lookalike.engine.syncing import SyncReport, sync_engine

__all__ = [
    "BuildSettings",
    "Engine",
    "SyncReport",
    "build",
    "data_home",
    "default_output",
    "index_engine",
    "open_engine",
    "open_source",
    "retrain_engine",
    "sync_engine",
    "train_engine",
]

# Building imports torch, opening an engine must not; a sync of nothing new needs neither.
_LATER = {
    "BuildSettings": "settings",
    "Engine": "facade",
    "build": "building",
    "data_home": "sources",
    "default_output": "sources",
    "index_engine": "indexing",
    "open_engine": "facade",
    "open_source": "sources",
    "retrain_engine": "retraining",
    "SyncReport": "syncing",
    "sync_engine": "syncing",
    "train_engine": "building",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute may be anything
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
