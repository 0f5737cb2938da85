"""Data sets that Python holds: the forms, their identity, and what is refused or told in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset, WeightedRandomSampler
from torchvision import transforms
from torchvision.datasets import ImageFolder

from hardiness.core.benchmark import DataSet
from hardiness.core.codes import DataRemark
from hardiness.core.errors import ArgumentError, DataError, SampleError
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.data.in_python import ModelClasses, from_python
from hardiness.data.root import locate
from hardiness.imaging.codecs import decode
from hardiness.reference.classes import wnids
from hardiness.report.words import text

NAMES = ("cat", "dog", "emu")
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 40, 48, 3), np.uint8)
LABELS = [0, 1, 2, 0, 1, 2]
TENSORS = torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255
THREE = ModelClasses(3)


def own(data: Any, model: ModelClasses = THREE) -> DataSet:
    return from_python(data, model).dataset("own")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        place = tmp_path / "pets" / NAMES[label]
        place.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image).save(place / f"{number}.png")
    return tmp_path / "pets"


class Listed(Dataset):
    """Pictures and labels, after a change."""

    def __init__(self, change: Callable[[torch.Tensor], Any] = lambda picture: picture) -> None:
        self.change = change

    def __len__(self) -> int:
        return len(TENSORS)

    def __getitem__(self, place: int) -> tuple[Any, int]:
        return self.change(TENSORS[place]), LABELS[place]


@pytest.mark.parametrize(
    "data",
    [
        (TENSORS, torch.tensor(LABELS)),
        ([PIL.Image.fromarray(image) for image in IMAGES], LABELS),
        (IMAGES.transpose(0, 3, 1, 2), LABELS),
        (TENSORS.double().numpy(), np.eye(3)[LABELS]),
        TensorDataset(TENSORS, torch.tensor(LABELS)),
        DataLoader(TensorDataset(TENSORS, torch.tensor(LABELS)), batch_size=4),
        Listed(transforms.ToPILImage()),
    ],
)
def test_the_same_pictures_are_the_same_data_in_every_form(data: Any) -> None:
    plain, other = own((IMAGES, LABELS)), own(data)
    assert other.fingerprint == plain.fingerprint
    assert [(item.id, item.label) for item in other.items] == [(item.id, item.label) for item in plain.items]
    for item in other.items:
        np.testing.assert_array_equal(decode(item.file.read(), item.id), IMAGES[int(item.id[-6:])])


def test_another_pixel_label_or_name_is_other_data() -> None:
    changed = IMAGES.copy()
    changed[3, 0, 0, 0] ^= 1
    ways = [(IMAGES, LABELS), (changed, LABELS), (IMAGES, [0, 1, 2, 0, 1, 1]), (IMAGES, LABELS, NAMES)]
    assert len({own(way).fingerprint for way in ways}) == 4


def test_names_are_those_given_the_texts_the_networks_or_numbers() -> None:
    assert own((IMAGES, LABELS, NAMES)).class_names == NAMES
    texts = own((IMAGES, ["emu", "cat", "dog"] * 2))
    assert texts.class_names == NAMES
    assert sorted(item.id for item in texts.items)[0] == "cat/000001"
    assert own((IMAGES, LABELS), ModelClasses(3, ("x", "y", "z"))).class_names == ("x", "y", "z")
    assert own((IMAGES, LABELS), ModelClasses(4)).class_names == ("0", "1", "2", "3")


def test_an_image_folder_is_the_data_of_its_folder(folder: Path) -> None:
    plain = locate([f"own={folder}"]).dataset("own")
    whole = own(ImageFolder(folder))
    assert (whole.fingerprint, whole.name, whole.class_names) == (plain.fingerprint, "pets", NAMES)
    assert [(item.id, item.label) for item in whole.items] == [(item.id, item.label) for item in plain.items]
    part = own(DataLoader(Subset(ImageFolder(folder, transforms.ToTensor()), [5, 0]), shuffle=True))
    assert [item.id for item in part.items] == ["cat/0", "emu/5"]
    assert [*map(text, part.remarks)] == [
        "pets: its transform is not called; the network's own view stands for it",
        "pets: its loader shuffles; pictures are taken in the data set's order, each once",
    ]


def test_sizes_roundings_and_a_collation_are_told() -> None:
    several = own(([IMAGES[0], IMAGES[1][:32]], [0, 1]))
    (sizes,) = several.remarks
    assert (sizes.code, sizes.arguments["largest"]) == (DataRemark.SIZES, (48, 40))
    assert text(sizes) == "arrays: pictures are of 2 sizes, 48x32 to 48x40; each is resized and cropped by the view"
    between = own((TENSORS * 0.999, LABELS))
    (rounded,) = between.remarks
    assert text(rounded) == "arrays: the floats of 6 pictures are rounded to the 256 steps of 8 bits"
    square = own((IMAGES[:, :32, :32], LABELS), ModelClasses(3, canvas=Canvas(36, 32)))
    assert "of 32 px are enlarged to 36 px and cropped again, as the view says" in text(square.remarks[0])
    assert own((IMAGES[:, :32, :32], LABELS), ModelClasses(3, canvas=Canvas(32, 32))).remarks == ()
    (line,) = own(DataLoader(Listed(), collate_fn=lambda rows: rows)).remarks
    assert "its loader's collate_fn is not called" in text(line)


class Endless(IterableDataset):
    def __iter__(self) -> Any:
        yield TENSORS[0], 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ((transforms.Normalize([0.5] * 3, [0.5] * 3)(TENSORS), LABELS), "before it is normalised, which the network's"),
        ((IMAGES.astype(np.float32), LABELS), r"float32 from 0 to 255; divide by 255$"),
        (Listed(lambda picture: (picture * torch.rand(1)).clamp(0, 1)), "as a transform that augments does"),
        ((IMAGES, LABELS[:5]), "labels must be as many as images, 6; were 5"),
        ((IMAGES, [0, 1, 2, 0, 1, 3]), "label 5 of arrays must be a name of a class, or a whole number from 0 to 2"),
        ((IMAGES, np.zeros(6)), r"whole number from 0 to 2, was (np.float64\()?0.0"),
        ((IMAGES[0], LABELS), r"images must be \(N, H, W, 3\), was uint8 \(40, 48, 3\)"),
        ((IMAGES[..., :2], LABELS), r"with 1 or 3 channels, was uint8 \(40, 48, 2\)"),
        ((IMAGES.astype(np.int64), LABELS), "must be a PIL image, or uint8 or floats"),
        (([PIL.Image.new("I;16", (40, 40))], [0]), "8 bits a channel, was of PIL's mode 'I;16'"),
        ((IMAGES[:0], []), "arrays holds none"),
        (DataLoader(Endless()), "a loader of Endless cannot be read picture by picture"),
        (DataLoader(Listed(), sampler=WeightedRandomSampler([1.0] * 6, 6)), "hand over its data set, or a Subset"),
        (17, r"\(images, labels, names\), an ImageFolder, a DataLoader, .* was int"),
        ([1, 2], "item 0 of list was a int"),
    ],
)
def test_what_is_no_picture_with_a_label_is_refused_in_one_line(data: Any, says: str) -> None:
    with pytest.raises(ArgumentError, match=says) as caught:
        own(data)
    assert "\n" not in str(caught.value)


def test_a_picture_that_changed_since_is_a_failure_of_its_own() -> None:
    images = IMAGES.copy()
    first, *others = own((images, LABELS)).items
    images[int(first.id[-6:])] = 0
    with pytest.raises(SampleError, match="is another than when it was first read"):
        first.file.read()
    assert all(item.file.read() for item in others)


def test_labels_of_a_network_with_imagenets_classes_are_imagenets() -> None:
    root = from_python((IMAGES, LABELS), ModelClasses(1000, canvas=CANVAS_224))
    assert root.has("imagenet")
    assert root.dataset("imagenet").class_names is None
    assert {item.id.partition("/")[0] for item in root.dataset("imagenet").items} == set(wnids()[:3])
    with pytest.raises(DataError, match="imagenet-a was not found: data is arrays, which Python holds"):
        root.dataset("imagenet-a")
    own = from_python((IMAGES, LABELS), THREE)
    assert not root.is_replaced_by_own("imagenet")
    assert own.is_replaced_by_own("imagenet")
    assert (own.dataset("imagenet").name, len(own.dataset("imagenet").class_names or ())) == ("own-arrays", 3)


def test_a_data_set_of_maites_protocol_is_data() -> None:
    protocols = pytest.importorskip("maite.protocols.image_classification")

    class Pets:
        def __init__(self) -> None:
            self.metadata = {"id": "pets of maite", "index2label": dict(enumerate(NAMES))}

        def __len__(self) -> int:
            return len(IMAGES)

        def __getitem__(self, place: int) -> tuple[Any, Any, dict[str, Any]]:
            datum = {"id": f"p{place}", "site": "AB"[place % 2], "lux": place * 10, "boxes": [1, 2]}
            return IMAGES[place].transpose(2, 0, 1), np.eye(3)[LABELS[place]], datum

    assert isinstance(Pets(), protocols.Dataset)
    found = own(Pets(), ModelClasses(3))
    assert (found.name, found.class_names) == ("pets of maite", NAMES)
    assert [item.id for item in found.items] == ["cat/p0", "cat/p3", "dog/p1", "dog/p4", "emu/p2", "emu/p5"]
    np.testing.assert_array_equal(decode(found.items[1].file.read(), ""), IMAGES[3])
    columns = found.columns  # of its metadata: what is neither text nor a number is none
    assert columns.ids.tolist() == [item.id for item in found.items]
    assert {name: values.tolist() for name, values in columns.values.items()} == {
        "site": ["A", "B", "B", "A", "A", "B"],
        "lux": ["0", "30", "10", "40", "20", "50"],
    }


@pytest.mark.parametrize("names", [set(NAMES), dict.fromkeys(NAMES)])
def test_names_without_an_order_are_refused(names: Any) -> None:
    with pytest.raises(ArgumentError, match=f"must be a list in the order .*; was a {type(names).__name__}"):
        own((IMAGES, LABELS, names))
