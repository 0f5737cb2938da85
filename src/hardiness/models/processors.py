"""Views of image processors of transformers, each held against the processor itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError, DataError, HardinessError
from hardiness.core.model import View
from hardiness.core.random import rng
from hardiness.imaging.resizing import on_canvas
from hardiness.models.failures import first_line
from hardiness.models.hub import respect_offline
from hardiness.models.preprocessing import Normalisation

# PIL's numbers for its filters, which processor files store.
_FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")

_PROBES = ((301, 402), (403, 300), (233, 351), (150, 150))
"""Heights and widths of pictures on which a view is compared: both shapes, odd and even, larger and smaller."""

_LEVELS_APART = 0.05
"""Largest distance of a value from the processor's, in steps of 1/255 of a picture: rounding, and no more."""

_STATED = ("resize_px", "crop_px", "mean", "std")
_BY_HAND = "resize_px=…,crop_px=…,mean=…,std=… (and interpolation=, crop_mode=) state it by hand"


def load_processor(name: str, trusted: bool, local: bool) -> Any:
    """The processor of a model, in transformers' PIL form; runs no code of the model's own unless it is trusted.

    Args:
        name: folder, or name on the hub.
        trusted: whether code beside the model may run.
        local: whether nothing may be downloaded.

    Raises:
        OSError: there is no processor file.
    """
    import transformers

    pil = {"backend": "pil"} if int(transformers.__version__.partition(".")[0]) >= 5 else {"use_fast": False}
    return transformers.AutoImageProcessor.from_pretrained(
        name, trust_remote_code=trusted, local_files_only=local, **pil
    )


def stated_view(name: str, where: str, options: Mapping[str, str], trusted: bool = False) -> View:
    """The view of a model's own processor; where options state all of it by hand, these alone count.

    Args:
        name: folder, or name on the hub.
        where: the model's name, for messages.
        options: the person's.
        trusted: whether code beside the model may run.

    Raises:
        ArgumentError: its preprocessing is stated neither in its files nor by options, or cannot be followed.
    """
    if all(key in options for key in _STATED):
        return View()
    by_hand = f"state its preprocessing with {'=…,'.join(_STATED)}=…"
    try:
        processor = load_processor(name, trusted, respect_offline())
    except (OSError, DataError):
        raise ArgumentError(f"{where} has no preprocessor_config.json; {by_hand}") from None
    except Exception as error:
        raise ArgumentError(
            f"the preprocessor_config.json of {where} cannot be read: {first_line(error)}; {by_hand}"
        ) from error
    return view_of(processor, where)


def view_of(processor: Any, where: str) -> View:
    """The view that gives what the processor gives, to the last level.

    Args:
        processor: an image processor of transformers.
        where: the model's name, for messages.

    Raises:
        ArgumentError: its numbers are odd, or it does something that no view does: never guessed.
    """
    kind = type(processor).__name__.removesuffix("Pil")
    try:
        view = _described(processor, kind)
        compare_with_view(_applied(processor), view)
    except HardinessError as error:
        raise ArgumentError(f"{where}: its {kind} cannot be followed: {error}; {_BY_HAND}") from None
    except Exception as error:
        raise ArgumentError(
            f"{where}: its {kind} cannot be followed: {type(error).__name__}: {first_line(error)}; {_BY_HAND}"
        ) from error
    return view


def _described(processor: Any, kind: str) -> View:
    facts = {key: value for key, value in vars(processor).items() if value is not None}
    mean, std = _numbers(facts, "image_mean", 0.0), _numbers(facts, "image_std", 1.0)
    if not facts.get("do_normalize", False):
        mean, std = (0.0,) * 3, (1.0,) * 3
    full = facts.get("rescale_factor", 1 / 255) if facts.get("do_rescale", True) else 1.0
    if facts.get("rescale_offset"):  # EfficientNet: x * factor - 1, then mean and std
        mean = tuple(1.0 + value for value in mean)
    if facts.get("include_top") and kind.startswith("EfficientNet"):  # divided by std once more
        mean, std = mean, tuple(value * value for value in _numbers(facts, "image_std", 1.0))
    if not isinstance(full, int | float) or not 1e-6 < full <= 1:
        raise ArgumentError(f"its rescale_factor must lie between 0 and 1, was {full!r}")
    unit = full * 255
    if full == 1.0:
        mean, std, span = mean, std, "0..255"
    else:
        span = "0..1"
        if abs(unit - 1) > 1e-6:
            mean, std = tuple(value / unit for value in mean), tuple(value / unit for value in std)
    resample = int(facts.get("resample", 2))
    if resample not in range(len(_FILTERS)):
        raise ArgumentError(f"its resample must be one of PIL's six filters, was {resample}")
    return View(
        **_geometry(facts, kind),
        interpolation=_FILTERS[resample],  # type: ignore[arg-type]  # checked by View
        mean=mean,  # type: ignore[arg-type]  # checked by View
        std=std,  # type: ignore[arg-type]
        channel_order="BGR" if facts.get("do_flip_channel_order") else "RGB",
        range=span,  # type: ignore[arg-type]
    )


def _numbers(facts: Mapping[str, Any], key: str, default: float) -> tuple[float, ...]:
    value = facts.get(key, default)
    values = (value,) * 3 if isinstance(value, int | float) else tuple(value)
    if len(values) != 3 or not all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in values
    ):
        raise ArgumentError(f"its {key} must be three numbers, was {value!r}")
    return tuple(float(number) for number in values)


def _geometry(facts: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Resize and crop of a processor, in our terms.

    Source: transformers' image processors. ``crop_pct``: ConvNeXt resizes to size / crop_pct and crops, and from 384
    on it squashes; PoolFormer does the first at every size. LeViT enlarges its size by 256/224.
    """
    if not facts.get("do_resize", True):
        raise ArgumentError("it does not resize")
    size = _sides(facts, "size")
    side = size.get("shortest_edge") or size.get("height")
    cropped = facts.get("do_center_crop", False) and "crop_size" in facts
    crop = _sides(facts, "crop_size") if cropped else {"height": side, "width": side}
    if crop.get("height") != crop.get("width") or not side:
        raise ArgumentError(f"it takes images of size {dict(crop)}, and a square is needed")
    crop_px = crop["height"]
    if "shortest_edge" not in size:
        if size.get("height") != size.get("width"):
            raise ArgumentError(f"it takes images of size {dict(size)}, and a square is needed")
        if kind.startswith("PoolFormer") and "crop_pct" in facts:
            return {"resize_px": math.floor(side / facts["crop_pct"]), "crop_px": crop_px, "crop_mode": "center_floor"}
        return {"resize_px": side, "crop_px": crop_px, "crop_mode": "squash"}
    if kind.startswith("ConvNext") and side >= 384:
        return {"resize_px": side, "crop_px": side, "crop_mode": "squash"}
    if kind.startswith("ConvNext"):
        return {"resize_px": int(side / facts["crop_pct"]), "crop_px": side, "crop_mode": "center_floor"}
    if kind.startswith("PoolFormer") and "crop_pct" in facts:
        side = int(side / facts["crop_pct"])
    if kind.startswith("Levit"):
        side = int((256 / 224) * side)
    return {"resize_px": side, "crop_px": crop_px, "crop_mode": "center_floor"}


def _sides(facts: Mapping[str, Any], key: str) -> dict[str, int]:
    """Sides by name, of those that are given; a bare number is a square."""
    sizes = facts.get(key, {})
    if isinstance(sizes, int):
        sizes = {"height": sizes, "width": sizes}
    pairs = sizes if isinstance(sizes, Mapping) else vars(sizes)
    sides = {name: value for name, value in pairs.items() if value is not None}
    if not all(isinstance(value, int) and 0 < value <= 8192 for value in sides.values()):
        raise ArgumentError(f"its {key} must be whole numbers from 1 to 8,192, was {sides}")
    return sides


def _applied(processor: Any) -> Callable[[Image], Any]:
    from PIL import Image as PILImage

    return lambda picture: np.asarray(processor(PILImage.fromarray(picture), return_tensors="np")["pixel_values"][0])


def compare_with_view(apply: Callable[[Image], Any], view: View) -> None:
    """Raise where another library's preprocessing makes other values of four pictures than the view.

    Args:
        apply: from a picture to the input of the network, ``(3, H, W)``.
        view: made of the settings of the preprocessing.

    Raises:
        ArgumentError: naming the picture and the difference.
    """
    affine = Normalisation.from_view(view)
    for height, width in _PROBES:
        picture = _probe(height, width)
        expected = apply(picture)
        values = _normalised(on_canvas(picture, view.canvas), affine)
        if expected.shape != values.shape:
            raise ArgumentError(
                f"it makes {expected.shape} of a picture of {height} x {width} pixels, its settings {values.shape}"
            )
        level = 1 / 255 / min(affine.std)
        apart = float(np.abs(values - expected).max()) / level
        if not apart <= _LEVELS_APART:
            raise ArgumentError(
                f"a picture of {height} x {width} pixels comes out otherwise than its settings say, by up to "
                f"{apart:.1f} of 255 levels"
            )


def _normalised(image: Image, affine: Normalisation) -> NDArray[np.float64]:
    pixels = image.transpose(2, 0, 1) / 255.0
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (affine.mean, affine.std))
    normalised: NDArray[np.float64] = (pixels - mean) / std
    return normalised[::-1] if affine.reverse else normalised


def _probe(height: int, width: int) -> Image:
    """A picture of coarse patches under fine noise."""
    draws = rng(0, "probe", f"{height}x{width}")
    patches = draws.integers(0, 200, (height // 16 + 1, width // 16 + 1, 3))
    coarse = patches.repeat(16, 0).repeat(16, 1)[:height, :width]
    return (coarse + draws.integers(0, 56, (height, width, 3))).astype(np.uint8)
