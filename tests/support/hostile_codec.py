"""A codec that does what no codec should; workers import it when a test asks for it.

It takes the place of one that tests do not need: `bad_file` says what a file makes it do.
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import IO, Never

from PIL import Image

from lookalike.images import worker_process

DEEDS = ("abort", "segfault", "hang", "spin", "eat")
_MARK = b"HOSTILE "
_PLACE = "QOI"


def bad_file(deed: str) -> bytes:
    return _MARK + deed.encode()


def worker_program() -> str:
    """What a worker runs instead, to be put in the place of `worker_process._PROGRAM`."""
    return worker_process._PROGRAM.replace("; main()", "; import hostile_codec; main()")


def _do(file: IO[bytes], name: object) -> Never:
    deed = file.read()[len(_MARK) :].decode()
    if deed == "abort":
        os.abort()
    if deed == "segfault":
        ctypes.string_at(0)
    while deed == "hang":
        time.sleep(60)
    eaten = []
    while True:
        if deed == "eat":
            eaten.append(bytearray(20_000_000))


Image.init()
Image.register_open(_PLACE, _do, lambda prefix: prefix.startswith(_MARK))
