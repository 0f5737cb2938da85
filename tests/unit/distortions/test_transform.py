"""Corrupt: every form in and out, noise of each picture's own, and what goes wrong with other packages."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

import hardiness
from hardiness import Corrupt, corrupt
from hardiness.core.errors import ArgumentError
from hardiness.distortions.apply import corruptions

DRAWS = np.random.default_rng(0)
IMAGE = DRAWS.integers(0, 256, (40, 36, 3), dtype=np.uint8)
OTHER = DRAWS.integers(0, 256, (40, 36, 3), dtype=np.uint8)
NOISE = Corrupt("gaussian_noise", severity=3)
WITHOUT_PICTURES = [name for name in corruptions.names() if name != "frost"]


def test_every_form_holds_the_same_picture() -> None:
    expected = NOISE(IMAGE)
    assert not np.array_equal(expected, IMAGE)
    np.testing.assert_array_equal(expected, corrupt(IMAGE, "gaussian_noise", 3))
    np.testing.assert_array_equal(np.asarray(NOISE(PIL.Image.fromarray(IMAGE))), expected)
    tensor = torch.from_numpy(IMAGE).permute(2, 0, 1)
    np.testing.assert_array_equal(NOISE(tensor).permute(1, 2, 0).numpy(), expected)
    batch = NOISE(np.stack([OTHER, IMAGE]))
    np.testing.assert_array_equal(batch, np.stack([NOISE(OTHER), expected]))
    stacked = torch.from_numpy(np.stack([IMAGE, OTHER])).permute(0, 3, 1, 2)
    np.testing.assert_array_equal(NOISE(stacked)[0].permute(1, 2, 0).numpy(), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_stay_floats(dtype: Any) -> None:
    given = (IMAGE / 255).astype(dtype)
    found = NOISE(given)
    assert found.dtype == dtype
    np.testing.assert_array_equal(np.rint(found.astype(float) * 255), NOISE(IMAGE))
    tensor = torch.from_numpy((IMAGE / 255).astype(np.float32)).permute(2, 0, 1)
    assert NOISE(tensor).dtype == torch.float32
    assert NOISE(tensor.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("shape", [(40, 36), (40, 36, 1), (2, 40, 36, 1)])
def test_grey_stays_grey(shape: tuple[int, ...]) -> None:
    grey = np.resize(IMAGE[..., 0], shape)
    assert NOISE(grey).shape == shape
    assert NOISE(torch.zeros(1, 40, 40)).shape == (1, 40, 40)
    picture = NOISE(PIL.Image.fromarray(IMAGE[..., 0]))
    assert (picture.mode, picture.size) == ("L", (36, 40))


def test_transparency_stays() -> None:
    alpha = DRAWS.integers(0, 256, (40, 36), dtype=np.uint8)
    found = np.asarray(NOISE(PIL.Image.fromarray(np.dstack([IMAGE, alpha]))))
    np.testing.assert_array_equal(found[..., 3], alpha)
    np.testing.assert_array_equal(found[..., :3], NOISE(IMAGE))


def test_each_picture_has_noise_of_its_own_and_equal_ones_the_same() -> None:
    flat, next_to_it = np.full((64, 64, 3), 120, np.uint8), np.full((64, 64, 3), 121, np.uint8)
    first, second = (corrupt(each, "gaussian_noise", 3).astype(int) - each for each in (flat, next_to_it))
    assert np.mean(first == second) < 0.1
    np.testing.assert_array_equal(corrupt(flat.copy(), "gaussian_noise", 3) - flat, first.astype(np.uint8))
    by_id = [corrupt(each, "gaussian_noise", 3, id="one").astype(int) - each for each in (flat, next_to_it)]
    assert np.mean(by_id[0] == by_id[1]) > 0.9
    assert not np.array_equal(Corrupt("gaussian_noise", 3, seed=1)(flat), NOISE(flat))


def test_another_epoch_draws_anew_and_the_same_one_again() -> None:
    training = Corrupt("gaussian_noise", 3)
    zeroth = training(IMAGE)
    training.epoch = 1
    first = training(IMAGE)
    assert not np.array_equal(first, zeroth)
    np.testing.assert_array_equal(Corrupt("gaussian_noise", 3, epoch=1)(IMAGE), first)


def test_copies_are_objects_of_their_own() -> None:
    training = Corrupt("gaussian_noise", 3, epoch=2)
    copies = [copy.copy(training), copy.deepcopy(training), pickle.loads(pickle.dumps(training)), replace(training)]
    for each in copies:
        assert each == training
        each.epoch = 3
    assert training.epoch == 2
    assert pickle.dumps(training) == pickle.dumps(training), "data sets of Hugging Face keep what they made by it"


@pytest.mark.parametrize("epoch", [1.5, "1", None, 2**63])
def test_an_epoch_that_is_no_whole_number_is_refused(epoch: Any) -> None:
    with pytest.raises(ArgumentError, match="epoch must be a whole number"):
        Corrupt("fog", epoch=epoch)


def test_no_global_generator_is_touched_and_a_pickled_copy_does_the_same() -> None:
    np.random.seed(1)  # noqa: NPY002  # the state that must not move
    torch.manual_seed(1)
    before = np.random.get_state()[1].copy(), torch.get_rng_state().clone()  # noqa: NPY002
    pickled = pickle.loads(pickle.dumps(NOISE))  # our own
    np.testing.assert_array_equal(pickled(IMAGE), NOISE(IMAGE))
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


class Pictures(torch.utils.data.Dataset[Any]):
    """Thirty pictures, through a Compose."""

    def __init__(self) -> None:
        from torchvision import transforms

        self.given = np.random.default_rng(1).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
        self.transform = transforms.Compose([transforms.ToPILImage(), NOISE, transforms.ToTensor()])

    def __len__(self) -> int:
        return len(self.given)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(self.given[index]), index


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_two_workers_and_a_shuffle_give_the_same_bits() -> None:
    pictures = Pictures()
    loader = torch.utils.data.DataLoader(
        pictures, batch_size=4, shuffle=True, num_workers=2, generator=torch.Generator().manual_seed(3)
    )
    seen = {int(index): image for images, indices in loader for image, index in zip(images, indices, strict=True)}
    assert len(seen) == 30
    for index in range(30):
        assert torch.equal(seen[index], pictures[index][0])


def test_all_severities_at_once() -> None:
    found = Corrupt("contrast").at_every_severity(IMAGE)
    assert list(found) == [1, 2, 3, 4, 5]
    for severity, image in found.items():
        np.testing.assert_array_equal(image, corrupt(IMAGE, "contrast", severity))


@pytest.mark.parametrize("name", WITHOUT_PICTURES)
def test_a_loop_over_all_corruptions_and_severities_does_not_break(name: str) -> None:
    """Of one that has a single severity, each is that one; 32x32 is large enough for all (imagecorruptions #5, #21)."""
    small = np.random.default_rng(2).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    found = [hardiness.corrupt(small, name, severity) for severity in (1, 2, 3, 4, 5)]
    assert all((each.shape, each.dtype) == (small.shape, np.uint8) for each in found)
    if corruptions.get(name).severities == (1,):
        assert all(np.array_equal(each, found[0]) for each in found)
    with pytest.raises(ArgumentError, match="severity must be a whole number from 1 to"):
        hardiness.corrupt(small, name, 0)


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_motion_blur_of_small_and_of_grey_pictures(severity: int) -> None:
    """imagecorruptions #5 (32x32 at severity 5), #6 (128x128 without channels) and #13 (32x32, at some of the angles
    that are drawn, whose trail is longer than the picture) end in an error there."""
    small = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for seed in range(24):  # each draws another angle
        found = Corrupt("motion_blur", severity, seed=seed)(small)
        assert found.shape == small.shape
        assert abs(float(found.mean()) - float(small.mean())) < 12
    blur = Corrupt("motion_blur", severity)
    assert blur(np.zeros((32, 32, 3))).max() == 0
    assert blur(np.zeros((128, 128))).shape == (128, 128)


def test_what_needs_an_old_scikit_image_elsewhere_runs() -> None:
    """imagecorruptions #30: gaussian() got an unexpected keyword argument 'multichannel'."""
    for name in ("gaussian_blur", "glass_blur", "spatter", "defocus_blur"):
        assert Corrupt(name, 1)(IMAGE).shape == IMAGE.shape


@pytest.mark.parametrize("name", ["gaussian_noise", "fog", "contrast", "zoom_blur"])
def test_a_small_picture_is_still_one(name: str) -> None:
    """imagecorruptions #21: at the mildest severity the object of 32x32 pixels must still be there."""
    rows, columns = np.mgrid[:32, :32]
    disc = np.where((rows - 16) ** 2 + (columns - 16) ** 2 < 64, 230, 40).astype(np.uint8)
    found = Corrupt(name, 1)(np.repeat(disc[..., None], 3, 2)).mean(axis=2)
    assert found[disc == 230].mean() > found[disc == 40].mean() + 20


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ([1, 2], "image must be a PIL image, a numpy array or a tensor, or a sample with one, was list"),
        ("fog", "or a sample with one, was str"),
        (np.zeros((3, 40, 40)), r"image must be an array .*, was \(3, 40, 40\); put the channels last"),
        (np.zeros((40, 40, 3), np.int64), "image must hold uint8, or floats from 0 to 1, was int64"),
        (np.full((40, 40, 3), 255.0), "must have values from 0 to 1, had 255 to 255; divide by 255"),
        (np.full((40, 40, 3), np.nan), "must have values from 0 to 1, had nan"),
        (np.zeros((31, 40, 3), np.uint8), "sides of 32 pixels or more, was 31x40"),
        (torch.zeros(40, 40), r"image must be a tensor \(1 or 3, H, W\)"),
        (PIL.Image.new("I;16", (40, 40)), "image must have 8 bits a channel"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(image: Any, told: str) -> None:
    with pytest.raises(ArgumentError, match=told) as caught:
        NOISE(image)
    assert "\n" not in str(caught.value)


def test_it_is_an_augmentation_of_maites_protocol() -> None:
    protocols = pytest.importorskip("maite.protocols.image_classification")
    assert isinstance(NOISE, protocols.Augmentation)
    assert NOISE.metadata["id"] == f"hardiness-{NOISE.corruption}-{NOISE.severity}"
    small, targets, metadata = IMAGE[:40, :50], [np.eye(2)[0]] * 3, [{"id": 1}, {"id": 2}, {"id": 3}]
    images = [IMAGE.transpose(2, 0, 1), torch.from_numpy(small.transpose(2, 0, 1).copy()), small.transpose(2, 0, 1)]
    found, *others = NOISE((images, targets, metadata))
    assert others == [targets, metadata]
    assert isinstance(found[1], torch.Tensor)
    for given, made in zip((IMAGE, small, small), found, strict=True):
        np.testing.assert_array_equal(np.asarray(made).transpose(1, 2, 0), NOISE(given))
    with pytest.raises(ArgumentError, match=r"was \(3, 40, 36\); put the channels last"):
        NOISE((images, targets))


def test_a_comma_between_corruptions_is_told_to_be_a_plus() -> None:
    from hardiness.benchmarks.options import parse

    with pytest.raises(ArgumentError, match=r"imagenet-c:corruptions takes \+ between its values; write corrupt.*snow"):
        parse("imagenet-c:corruptions=fog,snow")
