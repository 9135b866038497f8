"""Lookalike: a visual search engine trained on your own pictures, without labels.

    >>> import lookalike
    >>> lookalike.__version__
    '0.1.0'

`build` makes an engine from a folder, `open` opens one; both give an `Engine`. Everything is
imported when it is first used: `import lookalike` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lookalike.errors import LookalikeError
from lookalike.types import Hit, Hits

if TYPE_CHECKING:
    from lookalike.engine import Engine, build
    from lookalike.engine import open_engine as open

__all__ = ["Engine", "Hit", "Hits", "LookalikeError", "__version__", "build", "open"]

__version__ = "0.1.0"

_LAZY = {"Engine": "Engine", "build": "build", "open": "open_engine"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute may be anything
    if name not in _LAZY:
        raise AttributeError(f"module 'lookalike' has no attribute {name!r}")
    return getattr(importlib.import_module("lookalike.engine"), _LAZY[name])


def __dir__() -> list[str]:
    return sorted(__all__)
