"""Sessions of ONNX Runtime on the CPU."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lookalike.errors import ExportError

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

__all__ = ["cpu_session"]

_opened: weakref.WeakSet[onnxruntime.InferenceSession] = weakref.WeakSet()


def cpu_session(
    model: bytes, threads: int, apart: Mapping[str, NDArray[Any]] | None = None
) -> onnxruntime.InferenceSession:
    """Return a session that runs a model on the CPU.

    Args:
        model: an ONNX file.
        threads: that share one run.
        apart: constants that the file says lie elsewhere, by name. They may be read where they
            are: they must stay as long as the session, unless it is known not to.

    Raises:
        ExportError: this version of ONNX Runtime cannot open it.
    """
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait take the processor from what decodes pictures meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors; they are raised as well
    if apart:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in apart.values()]
        options.add_external_initializers(list(apart), values)
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own, which share no class
        reason = " ".join(str(error).split())
        raise ExportError(
            f"ONNX Runtime {onnxruntime.__version__} cannot open this network ({reason}): "
            "install the version that Lookalike asks for"
        ) from error
    session.disable_fallback()  # which would read what lies elsewhere once more
    _opened.add(session)
    return session


def _never_end() -> None:
    """Keep all sessions of a forked child: to end one waits for its threads, which are not here.

    A child must end by `os._exit`, as those of multiprocessing do: later versions of ONNX Runtime
    have a thread of their own, which `sys.exit` would wait for.
    """
    import ctypes

    for session in _opened:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_never_end)
