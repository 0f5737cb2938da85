"""Pictures at their own size, for functions that take the file or the picture: made, bounded, or refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.core.benchmark import AS_IT_IS, Benchmark, DataSet, Expansion, Image, Item, PictureFault
from hardiness.core.condition import Condition
from hardiness.core.errors import HardinessError, ModelError, SampleError, described
from hardiness.core.model import WholePicture
from hardiness.engine.batch import QueuedPicture
from hardiness.imaging.codecs import decode
from hardiness.models.whole_pictures import MOST_PIXELS, TAKES, WholePictureModel, encoded

SERVING = "own (your pictures as they are), imagenet-val, and own-c (corrupted at their own size)"
"""The benchmarks that show pictures at their own size."""


def benchmark_at_own_size(benchmark: Benchmark, model: WholePictureModel, data: DataSet) -> Benchmark:
    """The benchmark as it shows whole pictures.

    Raises:
        ModelError: it does not, or its data are no photographs of any size; the message says why, and what serves.
    """
    name = f"{model.spec.name} takes pictures at their own size ({TAKES}=) and cannot be evaluated on {benchmark.name}"
    at_own_size = benchmark.at_own_size()
    if at_own_size is None:
        raise ModelError(f"{name}, {_why_on_canvas(benchmark)}: what serves is {SERVING}; or leave {TAKES}= out")
    if data.fingerprints or any(AS_IT_IS in item.tags for item in data.items[:1]):
        raise ModelError(
            f"{name} of {data.location or data.name}, whose pictures were cropped to their canvas already: give the "
            "photographs that they were made of"
        )
    return at_own_size


def _why_on_canvas(benchmark: Benchmark) -> str:
    """Why a benchmark's pictures have one size."""
    if benchmark.attack is not None:
        return "which attacks the pixels that a network sees"
    if benchmark.frames > 1:
        return "whose sequences were published as frames of one size"
    if isinstance(benchmark, CorruptionSet):
        return "whose corruptions are defined on pictures of 224 px, as they were published"
    return "whose pictures are defined on a canvas of one size"


def whole_expansions(
    benchmark: Benchmark, item: Item, conditions: Sequence[Condition], forms: Sequence[WholePicture], seed: int
) -> Iterator[Expansion | PictureFault]:
    """The pictures of one item at their own size, in each of the forms; the photograph is decoded once.

    Args:
        benchmark: as it shows whole pictures.
        item: a photograph.
        conditions: that are wanted.
        forms: of the functions.
        seed: of the run.

    Raises:
        SampleError: the file cannot be decoded, or is larger than a call may be.
    """
    content = item.file.read()
    photograph = decode(content, item.file.name)
    height, width = photograph.shape[:2]
    if height * width > MOST_PIXELS:
        raise SampleError(
            f"{item.file.name}: must have at most {MOST_PIXELS:,} pixels, all that a call takes, has "
            f"{height * width:,}; scale it down"
        )
    for condition in conditions:
        try:
            picture = benchmark.picture_at_own_size(photograph, condition, item.id, seed)
        except (KeyboardInterrupt, MemoryError):
            raise
        except HardinessError as error:
            yield PictureFault(condition, f"{item.file.name}: {error}")
            continue
        except Exception as error:  # noqa: BLE001  # a kernel of somebody else's: it costs this picture alone
            yield PictureFault(condition, f"{item.file.name}: {benchmark.name} failed with {described(error)}")
            continue
        images = tuple(_in_form(form, picture, content, is_clean=not condition) for form in forms)
        yield Expansion(condition, 0, images, size_px=height * width)


def _in_form(form: WholePicture, picture: Image, content: bytes, *, is_clean: bool) -> Image:
    """The picture as a function takes it; of a clean one's file the very bytes."""
    if not form.encoded:
        return picture
    return np.frombuffer(content if is_clean else encoded(picture, form, content), np.uint8)


def batch_length(waiting: Sequence[QueuedPicture], most: int, *, flush: bool) -> int:
    """How many of the pictures that wait make the next batch; 0 where more are waited for.

    Args:
        waiting: in order.
        most: pictures of a batch; those at their own size have at most `MOST_PIXELS` together, too.
        flush: whether what there is makes one, however few.
    """
    pixels = 0
    for count, row in enumerate(waiting):
        pixels += row.size_px
        if count == most or (count and pixels > MOST_PIXELS):
            return count
    return len(waiting) if flush or len(waiting) >= most else 0
