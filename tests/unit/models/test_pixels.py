"""The one crossing from images to pixels."""

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.functional import to_tensor

from hardiness.models.preprocessing import to_pixels


def test_equals_to_tensor_to_the_bit_and_lies_channels_last() -> None:
    images = list(np.random.default_rng(0).integers(0, 256, (5, 7, 9, 3), dtype=np.uint8))
    before = [image.copy() for image in images]
    pixels = to_pixels(images)
    expected = torch.stack([to_tensor(Image.fromarray(image)) for image in images])
    assert torch.equal(pixels, expected)
    assert pixels.is_contiguous(memory_format=torch.channels_last)
    for image, copy in zip(images, before, strict=True):
        np.testing.assert_array_equal(image, copy)
