"""Pure array kernels: no policy, no benchmark names."""

from hardiness.imaging.canvas import on_canvas
from hardiness.imaging.decode import decode
from hardiness.imaging.jpeg import encode_jpeg
from hardiness.imaging.png import png
from hardiness.imaging.resize import RESAMPLING, resize

__all__ = ["RESAMPLING", "decode", "encode_jpeg", "on_canvas", "png", "resize"]
