"""A GPU computes what a CPU computes: pixels to the bit, logits and gradients to rounding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import DeviceLink, InputPolicy, link_to, to_pixels

Make = Callable[..., Classifier]


def test_pixels_are_the_same_to_the_bit_and_lie_channels_last(images: list[np.ndarray]) -> None:
    there = to_pixels(images, link_to("cuda"))
    assert there.is_cuda
    assert there.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(there.cpu(), to_pixels(images))


def test_every_grey_level_is_divided_not_multiplied() -> None:
    levels = [np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)]
    assert torch.equal(to_pixels(levels, link_to("cuda")).cpu(), to_pixels(levels))


def test_many_batches_in_flight_do_not_overwrite_each_other(images: list[np.ndarray]) -> None:
    link = DeviceLink("cuda")
    batches = [[np.roll(image, turn, axis=0) for image in images] for turn in range(40)]
    there = [link.send(batch) for batch in batches]
    for batch, found in zip(batches, there, strict=True):
        assert np.array_equal(link.fetch(found.contiguous()).permute(0, 2, 3, 1).numpy(), np.stack(batch))


def test_the_resize_of_the_policy_agrees(images: list[np.ndarray]) -> None:
    policy = InputPolicy(224, 160)
    torch.testing.assert_close(
        policy(to_pixels(images, link_to("cuda"))).cpu(), policy(to_pixels(images)), atol=1e-5, rtol=0
    )


def test_logits_agree_in_fp32(classifier: Make, images: list[np.ndarray]) -> None:
    here, there = classifier("cpu", runtime="torch"), classifier("cuda")
    expected = here.logits(to_pixels(images))
    found = there.logits(to_pixels(images, there.link))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert there.runtimes.agreement is not None
    assert there.runtimes.agreement.exact
    assert there.runtimes.agreement.fallback is None


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_runs_and_its_agreement_is_recorded(
    classifier: Make, precision: str, images: list[np.ndarray]
) -> None:
    exact, low = classifier("cuda"), classifier("cuda", precision)
    expected = exact.logits(to_pixels(images, exact.link))
    found = low.logits(to_pixels(images, low.link))
    assert np.abs(found - expected).max() <= 0.05 * np.abs(expected).max()
    assert not np.array_equal(found, expected), "it must be computed in half precision"
    assert low.runtimes.agreement is not None
    assert 0 < low.runtimes.agreement.max_error < 0.05


def test_tf32_stays_off_whatever_the_process_has_set(classifier: Make) -> None:
    """In TF32 a product keeps 10 bits of a factor: errors near 1e-3, where fp32 has 1e-6."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    try:
        torch.manual_seed(0)
        wide = torch.nn.Sequential(
            torch.nn.Conv2d(3, 64, 8, stride=8), torch.nn.Flatten(), torch.nn.Linear(64 * 784, 1000)
        )
        pixels = torch.rand(8, 3, 224, 224)
        there = classifier("cuda", module=wide)
        with torch.no_grad():
            exact = wide.double()(there._original.affine(pixels.double())).numpy()
        wide.float()
        assert np.abs(there.logits(pixels) - exact).max() <= 2e-5 * np.abs(exact).max()
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False


def test_gradients_agree(classifier: Make, images: list[np.ndarray]) -> None:
    slopes = []
    for device in ("cpu", "cuda"):
        pixels = to_pixels(images).to(device).requires_grad_()
        (slope,) = torch.autograd.grad(classifier(device).differentiable(pixels).amax(1).sum(), pixels)
        slopes.append(slope.cpu())
    assert (slopes[0] - slopes[1]).norm() <= 1e-3 * slopes[0].norm()


@pytest.mark.parametrize("layer", ["attention", "pooling", "resize"])
def test_gradients_are_the_same_to_the_bit_every_time(classifier: Make, images: list[np.ndarray], layer: str) -> None:
    """Torch's manual lists pooling that overlaps and an antialiased resize as without such a kernel: it may fail."""

    class Attends(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = torch.nn.Conv2d(3, 64, 8, stride=8)
            self.attends = torch.nn.TransformerEncoderLayer(64, 4, 64, batch_first=True)
            self.head = torch.nn.Linear(64, 1000)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if layer == "pooling":
                x = torch.nn.functional.max_pool2d(x, 3, 1, 1)
            if layer == "resize":
                x = torch.nn.functional.interpolate(x, (200, 200), mode="bicubic", antialias=True)
            tokens = self.patches(x).flatten(2).transpose(1, 2)
            return self.head((self.attends(tokens) if layer == "attention" else tokens).mean(1))

    torch.manual_seed(0)
    there = classifier("cuda", module=Attends().eval())
    slopes = []
    for _ in range(5):
        pixels = to_pixels(images).cuda().requires_grad_()
        (slope,) = torch.autograd.grad(there.differentiable(pixels).amax(1).sum(), pixels)
        slopes.append(slope.cpu())
    for slope in slopes[1:]:
        assert torch.equal(slope, slopes[0])


@pytest.mark.slow
def test_the_largest_network_runs() -> None:
    """ResNeXt-101 32x48d, 829 million parameters, with random weights."""
    largest = load(resolve("resnext101_32x48d_wsl:weights=random"), device="cuda", precision="fp16")
    found = largest.logits(torch.rand(4, 3, 224, 224))
    assert found.shape == (4, 1000)
    assert np.isfinite(found).all()
