"""Image files decoded to RGB, and written from it."""

from __future__ import annotations

import io
import math
import re
import struct
import zlib

import numpy as np
import PIL.Image
import simplejpeg
from PIL import Image as Pictures
from PIL import UnidentifiedImageError
from PIL.JpegImagePlugin import get_sampling

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError, SampleError
from hardiness.imaging.by_pillow import is_pillow_alone, jpeg_by_pillow

MAX_PIXELS = 89_000_000
"""Pixels of the largest picture that is decoded: nearly PIL's own bound, and half as much again as the largest
photograph of ImageNet. It bounds the memory of one picture to 0.27 GB as RGB and to less than 1 GB while it is
converted."""

_JPEG_START = b"\xff\xd8\xff"
_PLAIN_PPM = re.compile(rb"P6 (\d+) (\d+) 255\n")
_PLAIN_JPEGS = {("YCbCr", "420"), ("YCbCr", "422"), ("YCbCr", "444"), ("Gray", "Gray")}
_AS_STORED = {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}
_DOUBTS = ("Corrupt JPEG data", "Premature end", "Inconsistent progression")
_LEFT_OVER = re.compile(r"Corrupt JPEG data: \d+ extraneous bytes before marker 0x([0-9a-f]{2})")
_PIXELS_LOST = (
    "Corrupt JPEG data: premature end",
    "Corrupt JPEG data: bad ",
    "Corrupt JPEG data: found marker",
    "Premature end",
)
_END, _START_OF_SCAN = 0xD9, 0xDA
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_ORIENTATION, _UPRIGHT = 0x0112, 1
STILL_FORMATS = {"JPEG", "MPO"}
"""Formats of one picture, whatever else is in the file: an MPO is a photograph with previews behind it."""

# What PIL's readers let through on damaged files, beside the OSError that they promise.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)

QUICK = 3
"""Level of compression of PNGs, from 0 to 9: figures are a fifth larger than at 6 and encoded in half the time."""

WEBP_MAX_PX = 16_383


def decode(data: bytes, name: str) -> Image:
    """The photograph in a file's bytes.

    Greyscale, CMYK, palette and transparent images become RGB as PIL converts them; EXIF orientation is ignored, as
    torchvision's loader does.

    Args:
        data: the bytes of a JPEG, PNG, BMP, WebP, GIF, TIFF or PPM file.
        name: what to call the file in a message.

    Returns:
        ``uint8 (H, W, 3)``, RGB, 0–255. Runs without the GIL for the greater part.

    Raises:
        SampleError: the file is empty, no image, damaged, animated, has other than 8 bits per channel, more than
            `MAX_PIXELS`, or does not fit into memory; or it is a JPEG some of whose pixels libjpeg had to make up.

    Source: equals ``PIL.Image.open(file).convert("RGB")``. Ordinary JPEGs go through simplejpeg, which is faster and
        runs the same libjpeg-turbo algorithms; whatever it objects to is left to PIL's judgement.
    Differs: PIL keeps libjpeg's warnings to itself and gives grey where the data of a JPEG end before its pixels do.
    """
    if not data:
        raise SampleError(f"{name}: must be an image file, but is empty (0 bytes); fetch it again")
    try:
        if not data.startswith(_JPEG_START):
            image = _plain_ppm(data)
            return _any_image(data, name) if image is None else image
        image = _ordinary_jpeg(data)
        if image is None:
            image = _any_image(data, name)
            if loss := _pixels_lost(data):
                raise SampleError(f"{name}: must be a whole JPEG, but libjpeg says: {loss}; fetch it again")
        return image
    except MemoryError:
        raise SampleError(f"{name}: does not fit into memory when it is decoded; scale it down") from None


def refuse_damaged(data: bytes, name: str) -> None:
    """Raise an error where `decode` would, and where a JPEG decodes to pixels that libjpeg itself has doubts about.

    `decode` passes over bytes that are left over after the last pixel, as cameras and editors leave some; they may also
    be what a damaged middle has shifted. A damage that is a valid JPEG again, as one changed bit often is, cannot be
    told from a photograph.

    Raises:
        SampleError: as for `decode`, or with libjpeg's words.
    """
    if not data.startswith(_JPEG_START):
        decode(data, name)
    elif _ordinary_jpeg(data) is None:
        decode(data, name)
        if doubt := _doubt(data):
            raise SampleError(f"{name}: must be a whole JPEG, but libjpeg says: {doubt}; fetch it again")


def _doubt(data: bytes) -> str:
    """The warning of libjpeg about a JPEG that decodes; empty where it has none, or does not know the kind."""
    try:
        colours = simplejpeg.decode_jpeg_header(data)[2]
        simplejpeg.decode_jpeg(data, _AS_STORED.get(colours, "RGB"))
    except ValueError as error:
        return str(error) if str(error).startswith(_DOUBTS) else ""
    return ""


def _pixels_lost(data: bytes) -> str:
    """The warning of libjpeg about a JPEG some of whose pixels it had to make up; empty where it read them all.

    Those are: data that end early, codes that stand for nothing, restart markers out of turn, and bytes left over in
    the middle of a picture. Harmless are bytes left over before its end or between the segments of its header, and odd
    numbers of versions and scans. libjpeg names its first warning alone, so the header's are taken away first.
    """
    doubt = _doubt(data)
    if _LEFT_OVER.match(doubt):
        doubt = _doubt(_with_plain_header(data))
    if doubt.startswith(_PIXELS_LOST):
        return doubt
    left_over = _LEFT_OVER.match(doubt)
    return doubt if left_over and int(left_over[1], 16) != _END else ""


def _with_plain_header(data: bytes) -> bytes:
    """A JPEG without the bytes between the segments that stand before its pixels.

    Source: ``next_marker`` of libjpeg's jdmarker.c: what is no marker is skipped.
    """
    segments, at = [data[:2]], 2
    while at + 4 <= len(data):
        marker = data[at + 1]
        if data[at] != 0xFF or marker in (0x00, 0xFF):
            at += 1
        elif marker == _START_OF_SCAN:
            break
        else:
            size = 2 if marker in _WITHOUT_LENGTH else 2 + int.from_bytes(data[at + 2 : at + 4])
            segments.append(data[at : at + size])
            at += size
    return b"".join(segments) + data[at:]


def _ordinary_jpeg(data: bytes) -> Image | None:
    """The pixels of a flawless JPEG of a common kind; ``None`` where it is not one."""
    try:
        height, width, colours, sampling = simplejpeg.decode_jpeg_header(data)
        if (colours, sampling) not in _PLAIN_JPEGS or width * height > MAX_PIXELS:
            return None
        return simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False)  # type: ignore[no-any-return]
    except ValueError:
        return None


def _plain_ppm(data: bytes) -> Image | None:
    """The pixels of a PPM with the usual header: PIL opens one more slowly than a small network answers it."""
    header = _PLAIN_PPM.match(data)
    if not header or int(header[1]) * int(header[2]) > MAX_PIXELS:
        return None
    shape = int(header[2]), int(header[1]), 3
    pixels = np.frombuffer(data, np.uint8, offset=header.end())
    return pixels.reshape(shape).copy() if len(pixels) == math.prod(shape) else None


def _any_image(data: bytes, name: str) -> Image:
    try:
        with PIL.Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _too_large(name)
            _refuse_what_is_not_plain(image, name)
            image.info.pop("transparency", None)  # dropped by the conversion anyway, but not without a warning
            return np.array(image.convert("RGB"))
    except UnidentifiedImageError:
        raise SampleError(
            f"{name}: must be an image file, but PIL knows no such format; replace or remove it"
        ) from None
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except _DAMAGE as damage:
        reason = " ".join(str(damage).split()) or type(damage).__name__
        raise SampleError(f"{name}: must be a whole image file, but is damaged ({reason}); fetch it again") from None


def _too_large(name: str) -> SampleError:
    return SampleError(f"{name}: must have at most {MAX_PIXELS:,} pixels, has more; scale it down")


def _refuse_what_is_not_plain(image: PIL.Image.Image, name: str) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in STILL_FORMATS:
        raise SampleError(f"{name}: must be a single picture, but holds {frames} frames; keep one of them")
    depth = bits_per_channel(image)
    if depth > 8:
        raise SampleError(f"{name}: must have 8 bits per channel, but has {depth}; convert it")


def bits_per_channel(image: PIL.Image.Image) -> int:
    """Bits as the file stores them: PIL silently drops the lower half of 16-bit RGB."""
    if image.mode in ("I", "F"):
        return 16 if image.format in ("PNG", "PPM") else 32
    if image.mode.startswith("I;16"):
        return 16
    for tile in getattr(image, "tile", ()):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        for argument in arguments:
            if image.format in ("PNG", "TIFF") and isinstance(argument, str) and ";16" in argument:
                return 16
            if image.format == "PPM" and isinstance(argument, int) and argument > 255:
                return 16
    return 8


def encode_jpeg(image: Image, quality: int, optimise: bool = False) -> bytes:
    """The bytes of a baseline JPEG, whose pixels equal those of PIL's with its defaults: 4:2:0 chroma.

    Args:
        image: uint8 ``(H, W, 3)``, RGB.
        quality: 1 to 100, as libjpeg counts it.
        optimise: smaller files with the same pixels, in four times the time.

    Source: libjpeg's integer DCT, through OpenCV; TurboJPEG's own writer takes a coarser transform.
    """
    if is_pillow_alone():
        return jpeg_by_pillow(image, quality, optimise)
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, int(optimise)]
    _, stream = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return stream.tobytes()


def jpeg_like(image: Image, photograph: bytes) -> bytes:
    """The image ``uint8 (H, W, 3)`` as a JPEG with the quality of another one: its tables of steps, its chroma.

    How the picture is turned to be seen (EXIF's orientation) is kept, too: readers that turn it show both alike.

    Args:
        image: RGB.
        photograph: bytes of the other JPEG, which can be read.
    """
    stream = io.BytesIO()
    with Pictures.open(io.BytesIO(photograph)) as source:
        tables, chroma = source.quantization, get_sampling(source)  # type: ignore[attr-defined]  # it is a JPEG
        orientation = source.getexif().get(_ORIENTATION, _UPRIGHT)
    turned = Pictures.Exif()
    turned[_ORIENTATION] = orientation
    exif = {} if orientation == _UPRIGHT else {"exif": turned}
    Pictures.fromarray(image).save(stream, "JPEG", qtables=tables, subsampling=chroma, **exif)
    return stream.getvalue()


def png(image: Image, per_inch: int | None = None) -> bytes:
    """The image ``uint8 (H, W, 3)`` as the bytes of a PNG file; ``per_inch``: pixels, where it has a size on paper."""
    stream = io.BytesIO()
    size = {"dpi": (per_inch, per_inch)} if per_inch else {}
    Pictures.fromarray(image).save(stream, "PNG", compress_level=QUICK, **size)
    return stream.getvalue()


def webp(image: Image) -> bytes:
    """The image ``uint8 (H, W, 3)`` as the bytes of a WebP file without loss.

    Raises:
        SampleError: a side is longer than the format allows.
    """
    if max(image.shape[:2]) > WEBP_MAX_PX:
        raise ArgumentError(
            f"WebP holds sides of {WEBP_MAX_PX:,} pixels at most, had {max(image.shape[:2]):,}; use PNG"
        )
    stream = io.BytesIO()
    Pictures.fromarray(image).save(stream, "WEBP", lossless=True, quality=20, method=1)
    return stream.getvalue()


def is_whole_webp(content: bytes) -> bool:
    """Whether a WebP file is as long as it says."""
    return content[:4] == b"RIFF" and int.from_bytes(content[4:8], "little") + 8 == len(content)
