"""The sequences of ImageNet-P as the published script makes them: frame by frame, with PIL, torchvision's transforms,
scikit-image, OpenCV and, in place of ImageMagick, the motion blur of imagecorruptions-imaug.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import PIL.Image
import torch
from PIL.Image import Resampling, Transform
from torchvision import transforms

Picture = PIL.Image.Image
Pictures = Iterator[Picture]

crop = transforms.CenterCrop(224)
to_tensor, to_picture = transforms.ToTensor(), transforms.ToPILImage()


def affine(
    image: Picture, angle: float = 0.0, shift: int = 0, scale: float = 1.0, how: int = Resampling.NEAREST
) -> Picture:
    """A rotation, shift and scaling about torchvision 0.2's centre."""
    turned = math.radians(angle)
    cosine, sine = math.cos(turned) / scale, math.sin(turned) / scale
    x, y = image.size[0] * 0.5 + 0.5, image.size[1] * 0.5 + 0.5
    matrix = (
        cosine, sine, x - cosine * (x + shift) - sine * y,
        -sine, cosine, y + sine * (x + shift) - cosine * y,
    )  # fmt: skip
    return image.transform(image.size, Transform.AFFINE, matrix, how)


def gaussian_noise(image: Picture, flakes: np.ndarray) -> Pictures:
    clean = to_tensor(crop(image))
    yield to_picture(clean)
    for _ in range(30):
        yield to_picture(torch.clamp(clean + 0.03 * torch.randn_like(clean), 0, 1))


def shot_noise(image: Picture, flakes: np.ndarray) -> Pictures:
    clean = crop(image)
    yield clean
    for _ in range(30):
        values = np.array(clean) / 255.0
        counts = np.random.poisson(values * 300) / 300.0  # noqa: NPY002  # as the published script draws
        yield PIL.Image.fromarray(np.uint8(255 * np.clip(counts, 0, 1)))


def trail(image: np.ndarray, radius: int, sigma: float, angle: float) -> np.ndarray:
    from imagecorruptions.corruptions import _motion_blur

    return np.clip(_motion_blur(image, radius, sigma, angle), 0, 255).astype(np.uint8)


def motion_blur(image: Picture, flakes: np.ndarray) -> Pictures:
    for i in range(31):
        yield PIL.Image.fromarray(trail(np.array(crop(image)), 10, 3, (i - 30) * 4))


def zoom_blur(image: Picture, flakes: np.ndarray) -> Pictures:
    total = to_tensor(crop(image))
    yield crop(image)
    for i in range(1, 31):
        total += to_tensor(crop(affine(image, scale=1 + 0.004 * i, how=Resampling.BILINEAR)))
        yield to_picture(total / (i + 1))


def brightness(image: Picture, flakes: np.ndarray) -> Pictures:
    from skimage import color

    for i in range(31):
        values = color.rgb2hsv(np.array(crop(image)) / 255.0)
        values[:, :, 2] = np.clip(values[:, :, 2] + (i - 15) * 2 / 100.0, 0, 1)
        yield PIL.Image.fromarray(np.uint8(color.hsv2rgb(values) * 255))


def translate(image: Picture, flakes: np.ndarray) -> Pictures:
    for i in range(41):
        yield crop(affine(image, shift=i - 20))


def rotate(image: Picture, flakes: np.ndarray) -> Pictures:
    for i in range(31):
        yield crop(affine(image, angle=i - 15, how=Resampling.BILINEAR))


def tilt(image: Picture, flakes: np.ndarray) -> Pictures:
    values = np.array(image)
    height, width = values.shape[:2]
    focal = np.sqrt(width**2 + height**2)
    flat = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1], [0, 0, 1]])
    away = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, focal], [0, 0, 0, 1]])
    camera = np.array([[focal, 0, width / 2, 0], [0, focal, height / 2, 0], [0, 0, 1, 0]])
    for i in range(31):
        cosine, sine = np.cos(np.deg2rad(i - 15)), np.sin(np.deg2rad(i - 15))
        about_x = np.array([[1, 0, 0, 0], [0, cosine, -sine, 0], [0, sine, cosine, 0], [0, 0, 0, 1]])
        about_y = np.array([[cosine, 0, -sine, 0], [0, 1, 0, 0], [sine, 0, cosine, 0], [0, 0, 0, 1]])
        matrix = camera @ away @ about_x @ about_y @ flat
        yield crop(PIL.Image.fromarray(cv2.warpPerspective(values, matrix, (width, height))))


def scale(image: Picture, flakes: np.ndarray) -> Pictures:
    for i in range(31):
        yield crop(affine(image, scale=(i * 2.5 + 40) / 100.0, how=Resampling.BILINEAR))


def snow(image: Picture, flakes: np.ndarray) -> Pictures:
    from scipy.ndimage import zoom

    values = np.array(crop(image)) / 255.0
    layer = zoom(flakes, 3, order=1)[:224, :224]
    layer[layer < 0.5] = 0
    layer = (np.clip(layer, 0, 1) * 255).astype(np.uint8)
    for i in range(31):
        fallen = trail(layer, 14, 4, i * 4 - 150)[..., None] / 255.0
        grey = cv2.cvtColor(np.float32(values), cv2.COLOR_RGB2GRAY).reshape(224, 224, 1)
        white = 0.85 * values + 0.15 * np.maximum(values, grey * 1.5 + 0.5)
        yield PIL.Image.fromarray(np.uint8(np.clip(white + fallen + np.rot90(fallen, k=2), 0, 1) * 255))


_MADE = (gaussian_noise, shot_noise, motion_blur, zoom_blur, brightness, translate, rotate, tilt, scale, snow)
SEQUENCES: dict[str, Callable[[Picture, np.ndarray], Pictures]] = {made.__name__: made for made in _MADE}


def opened(path: str) -> Picture:
    """A photograph as the script reads it."""
    return transforms.Resize(256)(PIL.Image.open(path)).convert("RGB")
