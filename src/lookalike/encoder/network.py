"""A network as an encoder holds it: built, or only its weights; run by torch or by ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.encoder.accelerators import may_have_accelerator
from lookalike.encoder.files import DECODER, ENCODER, StoredEncoder
from lookalike.encoder.onnx_runtime import OnnxRuntime
from lookalike.encoder.outline import Outline
from lookalike.encoder.runtime import Runtime
from lookalike.errors import EngineError, ExportError
from lookalike.images.spec import ImageSpec
from lookalike.models import get_preset

if TYPE_CHECKING:
    import torch

    from lookalike.encoder.exporting import Recorded
    from lookalike.encoder.torch_runtime import TorchRuntime
    from lookalike.models.autoencoder import Network

__all__ = ["HeldNetwork"]

# With the device left open, so few pictures are not worth waking a GPU for.
FEW = 32


class HeldNetwork:
    """A network, and what runs it. torch is imported when it is needed, not before.

    Args:
        source: the network, or what is stored of it.
        image: how pictures are prepared.
        device: where it runs: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Attributes:
        outline: what is known of it without building it.

    Raises:
        SettingsError: there is no such device.
    """

    def __init__(
        self, source: Network | StoredEncoder, image: ImageSpec, device: str = "auto"
    ) -> None:
        self.image = image
        self._asked = device
        self._device: torch.device | None = None
        self._stored: StoredEncoder | None = None
        self._model: Network | None = None
        self._torch: TorchRuntime | None = None
        self._onnx: OnnxRuntime | None = None
        self._frozen: Recorded | None = None
        if isinstance(source, StoredEncoder):
            self._stored, self.outline = source, source.outline
            if device not in ("auto", "cpu"):
                _ = self.device  # one that is not there is said at once
        else:
            self.outline = Outline.of(source)
            self._model = source.to(self.device).eval()

    @property
    def device(self) -> torch.device:
        """Where torch runs it."""
        if self._device is None:
            from lookalike.training import resolve_device

            self._device = resolve_device(self._asked)
        return self._device

    @property
    def model(self) -> Network:
        """The network itself, built and on its device.

        Raises:
            EngineError: the stored weights are not of this network.
        """
        if self._model is None:
            assert self._stored is not None
            self._model = _build(self._stored).to(self.device).eval()
        return self._model

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return the weights by name."""
        if self._model is None:
            assert self._stored is not None
            return self._stored.weights
        state = self._model.state_dict()
        return {name: value.detach().cpu().contiguous().numpy() for name, value in state.items()}

    def runtime(self, pictures: int) -> Runtime:
        """Return what runs the network for so many pictures."""
        quick = self._quick(pictures)
        if quick is not None:
            return quick
        if self._torch is None:
            from lookalike.encoder.torch_runtime import TorchRuntime

            self._torch = TorchRuntime(self.model, self.image, self.device)
        return self._torch

    def whole(self, pictures: int) -> OnnxRuntime | None:
        """Return what gives the embeddings as they were stored; None where torch has to run."""
        return None if self._frozen is not None else self._quick(pictures)

    def freeze(self) -> None:
        """Run by ONNX Runtime from now on, where that is on the CPU; the weights stay as they are.

        Where a network cannot be written as ONNX, torch goes on.
        """
        if self._frozen is not None or not self._on_cpu():
            return
        try:
            recorded = self.recorded()
            self._onnx = OnnxRuntime(self.image, recorded.encoder(), recorded.decoder())
        except ExportError:
            return
        self._frozen = recorded

    def recorded(self) -> Recorded:
        """Return the network as torch recorded it, with the weights that it has now.

        Raises:
            ExportError: torch cannot record it.
        """
        from lookalike.encoder.exporting import Recorded

        return self._frozen or Recorded(self.model, self.image)

    def _quick(self, pictures: int) -> OnnxRuntime | None:
        """Return the ONNX Runtime, if there is one and it suits so many pictures."""
        if not (self._asked == "auto" and pictures <= FEW) and not self._on_cpu():
            return None
        if self._onnx is None and self._stored is not None and self._stored.onnx:
            files = self._stored.onnx
            self._onnx = OnnxRuntime(self.image, files[ENCODER], files.get(DECODER))
        return self._onnx

    def _on_cpu(self) -> bool:
        if self._asked == "cpu" or (self._asked == "auto" and not may_have_accelerator()):
            return True
        return self.device.type == "cpu"


def _build(stored: StoredEncoder) -> Network:
    import torch

    model = get_preset(stored.preset).build(stored.image, stored.latent)
    state = {name: torch.tensor(np.asarray(array)) for name, array in stored.weights.items()}
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise EngineError(f"the encoder's weights do not fit ({reason}): train it again") from error
    return model
