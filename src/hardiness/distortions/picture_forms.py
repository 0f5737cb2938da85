"""Forms that hold pictures, in and out: PIL images, arrays, tensors, batches of these, and samples with labels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError

Back = Callable[[Sequence[Image]], Any]
"""A function from corrupted pictures to the form in which they came."""


def open_form(form: Any) -> tuple[list[Image], Back]:
    """The pictures ``uint8 (H, W, 3)`` that a form holds, and the way back to that form.

    Raises:
        ArgumentError: it is no form that is known, or holds no picture.
    """
    if isinstance(form, PIL.Image.Image):
        return _of_pil(form)
    if _is_tensor(form):
        return _of_tensor(form)
    if isinstance(form, np.ndarray):
        return _of_array(form, "image must be an array (H, W), (H, W, 1 or 3) or (N, H, W, 1 or 3)")
    if isinstance(form, Mapping | list | tuple) and (pictures := _pictures_of(sample := _unwrap(form))):
        return _of_sample(sample, {id(picture) for picture in pictures})
    raise ArgumentError(
        f"image must be a PIL image, a numpy array or a tensor, or a sample with one, was {type(form).__name__}"
    )


def is_maite_batch(form: Any) -> bool:
    """Whether a form is (images ``(1 or 3, H, W)``, targets, metadata), as MAITE's protocol has batches."""
    if not isinstance(form, tuple) or len(form) != 3 or not isinstance(form[0], Sequence) or not form[0]:
        return False
    return all(
        not isinstance(image, PIL.Image.Image) and np.ndim(image) == 3 and np.shape(image)[0] in (1, 3)
        for image in form[0]
    )


def open_maite(images: Sequence[Any]) -> tuple[list[Image], Back]:
    """The pictures of MAITE's images, whose channels stand first and whose sizes may differ, and the way back."""
    openings = [
        open_form(image) if _is_tensor(image) else _of_array(np.moveaxis(np.asarray(image), 0, -1), "image must be")
        for image in images
    ]

    def back(corrupted: Sequence[Image]) -> list[Any]:
        restored = _restore_each(openings, corrupted)
        return [
            form if _is_tensor(image) else np.moveaxis(form, -1, 0)
            for form, image in zip(restored, images, strict=True)
        ]

    return [picture for pictures, _ in openings for picture in pictures], back


def _restore_each(openings: Sequence[tuple[list[Image], Back]], corrupted: Sequence[Image]) -> Iterator[Any]:
    """Yield the forms, one after the other, made of as many of the corrupted pictures as each has given."""
    begin = 0
    for pictures, back in openings:
        yield back(corrupted[begin : begin + len(pictures)])
        begin += len(pictures)


def _is_tensor(form: Any) -> bool:
    torch = sys.modules.get("torch")  # whoever holds a tensor has loaded it
    return torch is not None and isinstance(form, torch.Tensor)


def _tv_tensors() -> Any:
    return sys.modules.get("torchvision.tv_tensors")


def _is_explicit(form: Any) -> bool:
    """Whether a form's type says that it is a picture: PIL's, or torchvision's ``Image`` and ``Video``."""
    kinds = _tv_tensors()
    return isinstance(form, PIL.Image.Image) or (kinds is not None and isinstance(form, (kinds.Image, kinds.Video)))


def _is_plain(form: Any) -> bool:
    """Whether a form may be a picture by its shape: an array or a tensor that says nothing else of itself."""
    kinds = _tv_tensors()
    has_type = kinds is not None and isinstance(form, kinds.TVTensor)
    return not has_type and (isinstance(form, np.ndarray) or _is_tensor(form)) and form.ndim >= 3


def _parts(form: Any) -> list[Any]:
    return list(form.values() if isinstance(form, Mapping) else form)


def _leaves(form: Any) -> list[Any]:
    """The parts of a sample that are no mapping, list or tuple, in order."""
    if isinstance(form, Mapping | list | tuple):
        return [leaf for part in _parts(form) for leaf in _leaves(part)]
    return [form]


def _pictures_of(sample: Any) -> list[Any]:
    """The parts of a sample that are its pictures.

    Those whose type says so; where there are none, in the first entry that has any, the arrays and tensors of three
    dimensions or more. torchvision's transforms choose in the same way, where a picture is the first tensor.
    """
    if explicit := [leaf for leaf in _leaves(sample) if _is_explicit(leaf)]:
        return explicit
    entries = [sample] if isinstance(sample, list) else _parts(sample)
    plain = ([leaf for leaf in _leaves(entry) if _is_plain(leaf)] for entry in entries)
    return next(filter(None, plain), [])


def _unwrap(form: Any) -> Any:
    """The sample in plain containers, whose parts are the same objects each time: some mappings make them anew."""
    if isinstance(form, Mapping):
        return {key: _unwrap(part) for key, part in form.items()}
    if isinstance(form, list):
        return [_unwrap(part) for part in form]
    if isinstance(form, tuple):
        parts = [_unwrap(part) for part in form]
        return type(form)(*parts) if hasattr(form, "_fields") else tuple(parts)
    return form


def _of_sample(sample: Any, chosen: Collection[int]) -> tuple[list[Image], Back]:
    """The pictures of a sample; everything else of it comes back as it is, the same objects."""
    openings = [open_form(leaf) for leaf in _leaves(sample) if id(leaf) in chosen]

    def back(corrupted: Sequence[Image]) -> Any:
        restored = _restore_each(openings, corrupted)

        def rebuild(form: Any) -> Any:
            if id(form) in chosen:
                return next(restored)
            if isinstance(form, Mapping):
                return {key: rebuild(part) for key, part in form.items()}
            if isinstance(form, list):
                return [rebuild(part) for part in form]
            if isinstance(form, tuple):
                parts = [rebuild(part) for part in form]
                return type(form)(*parts) if hasattr(form, "_fields") else tuple(parts)
            return form

        return rebuild(sample)

    return [picture for pictures, _ in openings for picture in pictures], back


def _of_pil(image: PIL.Image.Image) -> tuple[list[Image], Back]:
    if image.mode.startswith(("I", "F")):
        raise ArgumentError(f"image must have 8 bits a channel, was of PIL's mode {image.mode!r}; convert it first")

    def back(corrupted: Sequence[Image]) -> PIL.Image.Image:
        picture = PIL.Image.fromarray(corrupted[0])
        if image.mode in ("L", "1"):
            return picture.convert("L")
        if image.mode in ("RGBA", "LA", "PA"):
            picture = picture.convert("RGBA")
            picture.putalpha(image.getchannel("A"))
        return picture

    return [np.asarray(image.convert("RGB"))], back


def _of_tensor(image: Any) -> tuple[list[Image], Back]:
    if image.ndim not in (3, 4) or image.shape[-3] not in (1, 3):
        raise ArgumentError(f"image must be a tensor (1 or 3, H, W) or (N, 1 or 3, H, W), was {tuple(image.shape)}")
    channels_last = image.detach().movedim(-3, -1).cpu()
    is_half = str(image.dtype) == "torch.bfloat16"  # which numpy lacks
    pictures, of_array = _of_array((channels_last.float() if is_half else channels_last).numpy(), "image must be")

    def back(corrupted: Sequence[Image]) -> Any:
        torch = sys.modules["torch"]
        tensor = torch.from_numpy(np.ascontiguousarray(of_array(corrupted))).movedim(-1, -3).contiguous()
        return tensor.to(device=image.device, dtype=image.dtype).as_subclass(type(image))

    return pictures, back


def _of_array(image: NDArray[Any], must: str) -> tuple[list[Image], Back]:
    is_grey = image.ndim == 2
    shaped = image[..., None] if is_grey else image
    if shaped.ndim not in (3, 4) or shaped.shape[-1] not in (1, 3):
        hint = "; put the channels last" if image.ndim in (3, 4) and image.shape[-3] in (1, 3) else ""
        raise ArgumentError(f"{must}, was {image.shape}{hint}")
    levels = _levels(shaped)
    several = levels if shaped.ndim == 4 else levels[None]
    pictures = [np.repeat(values, 3, axis=-1) if shaped.shape[-1] == 1 else values for values in several]

    def back(corrupted: Sequence[Image]) -> NDArray[Any]:
        array = np.stack(corrupted) if corrupted else several
        if corrupted and shaped.shape[-1] == 1:
            array = np.stack(
                [np.asarray(PIL.Image.fromarray(picture).convert("L"))[..., None] for picture in corrupted]
            )
        array = array if shaped.ndim == 4 else array[0]
        array = array[..., 0] if is_grey else array
        return array if image.dtype == np.uint8 else (array / np.float64(255)).astype(image.dtype)

    return pictures, back


def _levels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image's values as uint8.

    Raises:
        ArgumentError: they are neither uint8 nor floats from 0 to 1.
    """
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind != "f":
        raise ArgumentError(f"image must hold uint8, or floats from 0 to 1, was {image.dtype}")
    if not image.size:
        return image.astype(np.uint8)
    low, high = float(image.min()), float(image.max())
    if not (low >= 0 and high <= 1):
        raise ArgumentError(
            f"an image of floats must have values from 0 to 1, had {low:g} to {high:g}; divide by 255, and corrupt "
            "before you normalise"
        )
    return np.asarray(np.rint(image.astype(np.float64) * 255), np.uint8)
