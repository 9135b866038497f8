r"""Names of files as text that can be kept, shown and searched for, whatever bytes they hold.

A picture goes by its path below the root, with forward slashes. Most names are that text already.
Bytes that are not UTF-8, control characters such as a line feed, and line separators are written
as `\xNN`, and so is a backslash that would read like one of those. This can be undone, so the
written name is enough to find the file.
"""

from __future__ import annotations

import os
import re

__all__ = ["file_of_name", "name_of_file"]

_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|\\(?=x[0-9a-f]{2})")
_WRITTEN = re.compile(rb"\\x([0-9a-f]{2})")


def name_of_file(path: str) -> str:
    r"""Return a path as text that is valid Unicode of one line.

    >>> print(name_of_file("café.jpg"), name_of_file("two\nlines.png"))
    café.jpg two\x0alines.png
    """
    if not _ODD.search(path):
        return path
    return _ODD.sub(_written, path)


def file_of_name(name: str) -> str:
    r"""Return the path that `name_of_file` wrote.

    >>> file_of_name(r"two\x0alines.png")
    'two\nlines.png'
    """
    if "\\x" not in name:
        return name
    return os.fsdecode(_WRITTEN.sub(_byte, os.fsencode(name)))


def _written(match: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(match[0]))


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 16)])
