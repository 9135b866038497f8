"""The service: a REST API over one engine, and the page that uses it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookalike.serve.app import create_app
    from lookalike.serve.running import serve
    from lookalike.serve.settings import ServeSettings

__all__ = ["ServeSettings", "create_app", "serve"]

_LATER = {"ServeSettings": "settings", "create_app": "app", "serve": "running"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute may be anything
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
