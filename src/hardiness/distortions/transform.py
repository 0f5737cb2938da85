"""A corruption as a callable on whatever holds a picture: for torchvision's Compose, data loaders and plain loops."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar, cast

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError
from hardiness.distortions.apply import checked, corrupt, corruptions, own_noise

T = TypeVar("T")

Back = Callable[[Sequence[Image]], Any]
"""From corrupted pictures to the form in which they came."""


@dataclass
class Corrupt:
    """The corrupted picture in the form in which it is given: a PIL image, an array, a tensor, or a batch of these.

    Every picture gets noise of its own, drawn from seed, corruption, severity, epoch and the picture's bytes alone:
    equal pictures get equal noise whatever the batch, the order or the worker. Nothing global is drawn from or changed,
    and a copy that was pickled does the same.

    Attributes:
        name: of a registered corruption, e.g. ``"fog"``.
        severity: 1 (mildest) to 5; one that has a single severity takes each as that.
        seed: another one draws other noise.
        epoch: of training; set it before each, and every picture gets new noise.

    Forms: a PIL image of any 8-bit mode (grey stays grey, transparency stays as it was, others become RGB); an array
    ``(H, W)``, ``(H, W, 1)``, ``(H, W, 3)`` or ``(N, H, W, 1 or 3)``; a tensor ``(1 or 3, H, W)`` or
    ``(N, 1 or 3, H, W)`` on any device. Numbers are uint8, or floats from 0 to 1, which are rounded to 255 steps first
    and stay floats. A batch of MAITE's protocol, (images ``(1 or 3, H, W)``, targets, metadata), gives a batch; so a
    `Corrupt` is one of its augmentations.
    """

    name: str
    severity: int = 1
    seed: int = 0
    epoch: int = 0

    def __post_init__(self) -> None:
        corruptions.get(self.name).level(self.severity)

    @property
    def severities(self) -> tuple[int, ...]:
        """The severities that the corruption has."""
        return corruptions.get(self.name).severities

    @property
    def metadata(self) -> dict[str, Any]:
        """The id and settings by which MAITE's tools know it."""
        return {"id": f"hardiness-{self.name}-{self.severity}", **asdict(self)}

    def __call__(self, image: T) -> T:
        """The picture, or each of a batch, corrupted.

        Raises:
            ArgumentError: it is in none of the forms, or a side is shorter than 32 pixels.
            DataError: frost's pictures are not there.
        """
        return self._at(image, self.severity)

    def at_every_severity(self, image: T) -> dict[int, T]:
        """The picture, or each of a batch, at each severity that the corruption has, by severity."""
        return {severity: self._at(image, severity) for severity in self.severities}

    def _at(self, image: T, severity: int) -> T:
        if isinstance(image, tuple):
            return cast(T, self._batch(image, severity))
        pictures, back = _opened(image)
        inputs = [checked(picture) for picture in pictures]
        return cast(T, back([self._one(picture, severity) for picture in inputs]))

    def _batch(self, batch: tuple[Any, ...], severity: int) -> tuple[Any, ...]:
        """A batch of MAITE's protocol, whose images are of any sizes."""
        if len(batch) != 3 or not isinstance(batch[0], Sequence):
            raise ArgumentError("a tuple must be a batch of MAITE's: a sequence of images, of targets, and of metadata")
        images, targets, metadata = batch
        return [self._channels_first(image, severity) for image in images], targets, metadata

    def _channels_first(self, image: Any, severity: int) -> Any:
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(image, torch.Tensor):
            return self._at(image, severity)
        array = np.asarray(image)
        if array.ndim != 3 or array.shape[0] not in (1, 3):
            raise ArgumentError(f"images of a batch must be (1 or 3, H, W), one was {array.shape}")
        return np.moveaxis(self._at(np.moveaxis(array, 0, -1), severity), -1, 0)

    def _one(self, picture: Image, severity: int) -> Image:
        id_ = own_noise(picture) + (f" epoch {self.epoch}" if self.epoch else "")
        return corrupt(picture, self.name, severity, seed=self.seed, id=id_)


def _opened(image: Any) -> tuple[list[Image], Back]:
    """The pictures ``uint8 (H, W, 3)`` that something holds, and the way back."""
    if isinstance(image, PIL.Image.Image):
        return _of_pil(image)
    torch = sys.modules.get("torch")  # whoever holds a tensor has loaded it
    if torch is not None and isinstance(image, torch.Tensor):
        return _of_tensor(image)
    if isinstance(image, np.ndarray):
        return _of_array(image, "image must be an array (H, W), (H, W, 1 or 3) or (N, H, W, 1 or 3)")
    raise ArgumentError(f"image must be a PIL image, a numpy array or a tensor, was {type(image).__name__}")


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
    """Values as uint8.

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
