"""A trained encoder: pictures in, embeddings out; saved as a directory of JSON and safetensors."""

from __future__ import annotations

from lookalike.encoder.decoder import Decoder, Reconstructions
from lookalike.encoder.encoder import Encoder, load_encoder

__all__ = ["Decoder", "Encoder", "Reconstructions", "load_encoder"]
