"""The process that decodes pictures for another: a codec that crashes or hangs takes only it down.

`guarded` starts it and speaks with it over its standard input and output. A request is a line of
JSON: first the limits, then each time what is wanted (an image spec or a thumbnail) and names of
files (their bytes as Latin-1), or how many bytes follow the line that are the one file.
For every file comes one answer: `ANSWER`, then pixels or a reason, as long as the answer says.
It ends with its standard input, so with whoever started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.images.answers import Answer, Part, Thumbnail, Wanted, decode_data, decode_file
from lookalike.images.crop import Crop
from lookalike.images.limits import IntakeLimits
from lookalike.images.quiet import quiet_pillow
from lookalike.images.spec import ImageSpec

__all__ = ["ANSWER", "DECODED", "NO_MEMORY", "NO_PICTURE", "READY", "main"]

# What became of a file; width, height; size and time of change; SHA-256; bytes that follow.
ANSWER = struct.Struct("<BIIqq32sQ")
DECODED, NO_PICTURE, NO_MEMORY = range(3)
READY = b"!"
_ALONE_SECONDS = 10.0


def main() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started this
    answers = _own_output()
    requests = sys.stdin.buffer
    limits = IntakeLimits.from_dict(json.loads(requests.readline()))
    _limit_process(limits.memory)
    Image.MAX_IMAGE_PIXELS = None  # the limits are looked after without Pillow's
    _use_one_thread()
    warnings.simplefilter("ignore")
    _write(answers, READY)
    _silence()
    with quiet_pillow():
        for line in requests:
            request = json.loads(line)
            data = requests.read(request["data"]) if "data" in request else None
            _answer(request, data, limits, answers)


def _own_output() -> BinaryIO:
    """Keep the standard output for answers alone: codecs print what they like."""
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), 1)
    return answers


def _silence() -> None:
    """Send what is written as an error nowhere: libtiff complains of every damaged file."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), 2)


def _limit_process(memory: int) -> None:
    """Bound the memory, leave no core file, and be the first to go when all memory is full."""
    try:
        import resource
    except ImportError:  # Windows has neither
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What is written to, not what is only reserved, as address space is by every thread.
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    bound = memory if most == resource.RLIM_INFINITY else min(memory, most)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("800")


def _use_one_thread() -> None:
    """Keep codecs to one thread: as many processes as cores decode already."""
    with contextlib.suppress(ImportError):
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    with contextlib.suppress(ImportError):
        from pillow_heif import options

        options.DECODE_THREADS = 1


def _answer(
    request: dict[str, Any], data: bytes | None, limits: IntakeLimits, answers: BinaryIO
) -> None:
    wanted = _wanted(request)
    if data is not None:
        with _ending_alone(limits.seconds):
            header, payload = _pack(partial(decode_data, data), wanted, limits)
        _write(answers, header, payload)
        return
    for name in request["files"]:
        with _ending_alone(limits.seconds):
            decode = partial(decode_file, name.encode("latin-1"))
            header, payload = _pack(decode, wanted, limits)
        _write(answers, header, payload)


def _wanted(request: dict[str, Any]) -> Wanted:
    if "crop" in request:
        return Part(Crop(*request["crop"]), _whole(request))
    return _whole(request)


def _whole(request: dict[str, Any]) -> ImageSpec | Thumbnail:
    if "spec" in request:
        return ImageSpec.from_dict(request["spec"])
    size, background, enlarge = request["thumbnail"]
    return Thumbnail(size, tuple(background), enlarge)


def _pack(
    decode: Callable[[Wanted, IntakeLimits], tuple[Answer, NDArray[np.uint8] | None]],
    wanted: Wanted,
    limits: IntakeLimits,
) -> tuple[bytes, Any]:
    """Return the header of the answer, and what follows it."""
    try:
        answer, pixels = decode(wanted, limits)
    except MemoryError:
        return ANSWER.pack(NO_MEMORY, 0, 0, 0, 0, bytes(32), 0), b""
    if answer.size is not None and pixels is not None:
        digest = bytes.fromhex(answer.sha256)
        return ANSWER.pack(DECODED, *answer.size, *answer.file, digest, pixels.nbytes), pixels.data
    payload = answer.reason.encode("utf-8", "backslashreplace")
    return ANSWER.pack(NO_PICTURE, 0, 0, *answer.file, bytes(32), len(payload)), payload


def _write(answers: BinaryIO, *parts: Any) -> None:  # noqa: ANN401 - anything that has bytes
    for part in parts:
        answers.write(part)
    answers.flush()


@contextmanager
def _ending_alone(seconds: float) -> Iterator[None]:
    """End the process if it hangs and nobody is there to end it."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, 2 * seconds + _ALONE_SECONDS)  # its signal ends a process
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
