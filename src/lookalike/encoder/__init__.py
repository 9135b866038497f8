"""A trained encoder: pictures in, embeddings out; saved as a directory of JSON and safetensors.

Opening one and embedding with it imports no torch where it is stored as ONNX and runs on the CPU.
"""

from __future__ import annotations

from lookalike.encoder.decoder import Decoder, Embedded, Reconstructions
from lookalike.encoder.encoder import Encoder, load_encoder

__all__ = ["Decoder", "Embedded", "Encoder", "Reconstructions", "load_encoder"]
