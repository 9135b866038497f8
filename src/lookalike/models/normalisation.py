"""What published networks were trained with: their input is (pixels / 255 - mean) / std."""

from __future__ import annotations

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "LITE_MEAN", "LITE_STD"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# What Google trained the Lite networks with: (value - 127) / 128, values from 0 to 255.
LITE_MEAN = 127 / 255
LITE_STD = 128 / 255
