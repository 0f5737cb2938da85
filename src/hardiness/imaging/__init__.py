"""Pure array kernels: no policy, no benchmark names."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.imaging.codecs import decode
    from hardiness.imaging.codecs import encode_jpeg as encode_jpeg
    from hardiness.imaging.largest import top as top
    from hardiness.imaging.resizing import before_crop as before_crop
    from hardiness.imaging.resizing import on_canvas
    from hardiness.imaging.sheets import strip as strip
    from hardiness.imaging.text import Lettering as Lettering
    from hardiness.imaging.videos import decode_video as decode_video
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "decode",
    "on_canvas",
]
