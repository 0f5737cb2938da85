"""Pure array kernels: no policy, no benchmark names."""

from hardiness.imaging.codecs import decode, encode_jpeg, png
from hardiness.imaging.resizing import RESAMPLING, on_canvas, resize

__all__ = ["RESAMPLING", "decode", "encode_jpeg", "on_canvas", "png", "resize"]
