"""Corrupt in the libraries that people train with: a step of each, choices, names, and epochs in workers."""

from __future__ import annotations

import io
import multiprocessing
import os
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from commands import called
from kernel_hashes import picture
from training_pictures import Pictures, epochs_of

from hardiness import Corrupt, corrupt
from hardiness.core.errors import ArgumentError

IMAGE, OTHER = picture(48, 60), picture(50, 44)
FOG = Corrupt("fog", severity=2)
NOISE = Corrupt("gaussian_noise", severity=3)


def pixels(form: Any) -> np.ndarray:
    """The picture ``(H, W, 3)`` that a PIL image or a tensor holds."""
    return np.asarray(form) if isinstance(form, PIL.Image.Image) else np.asarray(form).transpose(1, 2, 0)


def test_a_step_of_torchvisions_first_transforms() -> None:
    from torchvision import transforms

    step = transforms.Compose([transforms.ToPILImage(), FOG, transforms.PILToTensor()])
    np.testing.assert_array_equal(pixels(step(IMAGE)), FOG(IMAGE))


@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_step_of_torchvisions_second_transforms_leaves_boxes_alone(as_tensor: bool) -> None:
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    boxes = tv_tensors.BoundingBoxes(torch.tensor([[3.0, 4, 20, 30]]), format="XYXY", canvas_size=(48, 60))
    mask = tv_tensors.Mask(torch.ones(2, 48, 60, dtype=torch.uint8))
    image = PIL.Image.fromarray(IMAGE)
    target = {"boxes": boxes, "masks": mask, "labels": torch.tensor([3]), "features": torch.rand(3, 40, 40)}
    step = v2.Compose([v2.ToImage() if as_tensor else v2.Identity(), FOG, v2.RandomApply([FOG], p=0.0)])
    made, others = step(image, target)
    assert type(made) is (tv_tensors.Image if as_tensor else PIL.Image.Image)
    np.testing.assert_array_equal(pixels(made), FOG(IMAGE))
    for name, given in target.items():
        assert others[name] is given
    sample = step({"image": image, **target})
    np.testing.assert_array_equal(pixels(sample["image"]), FOG(IMAGE))
    assert sample["boxes"] is boxes


def test_of_a_sample_without_a_picture_by_type_the_first_large_array_is_the_picture() -> None:
    label, features, scores = np.array(3), np.zeros((2, 40, 40)), np.zeros((9, 4))
    made = FOG(scores, IMAGE, features, label)
    np.testing.assert_array_equal(made[1], FOG(IMAGE))
    assert all(one is other for one, other in zip((made[0], *made[2:]), (scores, features, label), strict=True))
    batch = FOG({"label": [1, 2], "image": [IMAGE, OTHER], "features": [features, features]})
    for one, other in zip(batch["image"], (IMAGE, OTHER), strict=True):
        np.testing.assert_array_equal(one, FOG(other))
    assert batch["features"][0] is features


@pytest.mark.slow
def test_a_step_of_albumentations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks an index for newer releases when it is imported
    A = pytest.importorskip("albumentations")  # as everybody calls it
    step = A.Compose(
        [A.HorizontalFlip(p=1.0), A.Lambda(image=FOG.lambda_image, p=1.0)],
        bbox_params=A.BboxParams(format="pascal_voc", label_fields=["labels"]),
    )
    made = step(image=IMAGE, mask=IMAGE[..., 0], bboxes=[(3, 4, 20, 30)], labels=[7])
    np.testing.assert_array_equal(made["image"], FOG(np.ascontiguousarray(IMAGE[:, ::-1])))
    np.testing.assert_array_equal(made["mask"], IMAGE[:, ::-1, 0])
    np.testing.assert_allclose(made["bboxes"], [(40, 4, 57, 30)], atol=1e-3)


@pytest.mark.slow
def test_a_step_of_hugging_faces_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    datasets = pytest.importorskip("datasets")
    pictures = [PIL.Image.fromarray(each) for each in (IMAGE, OTHER)]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    given = datasets.Dataset.from_dict({"image": pictures, "label": [3, 4]}, features=features)
    for made in (given.with_transform(FOG), given.map(FOG), given.map(FOG, batched=True)):
        assert [row["label"] for row in made] == [3, 4]
        for row, other in zip(made, (IMAGE, OTHER), strict=True):
            np.testing.assert_array_equal(np.asarray(row["image"]), FOG(other))
    assert given.map(FOG)._fingerprint == given.map(Corrupt("fog", severity=2))._fingerprint


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # webdataset leaves its files to the collector
def test_a_step_of_webdataset(tmp_path: Path) -> None:
    wds = pytest.importorskip("webdataset")
    with tarfile.open(tmp_path / "a.tar", "w") as shard:
        for name, each in (("n1/a", IMAGE), ("n2/b", OTHER)):
            stream = io.BytesIO()
            PIL.Image.fromarray(each).save(stream, "PNG")
            for ending, content in (("png", stream.getvalue()), ("cls", b"3")):
                member = tarfile.TarInfo(f"{name}.{ending}")
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))
    shards = wds.WebDataset(str(tmp_path / "a.tar"), shardshuffle=False).decode("pil")
    for made, other in zip(shards.map_dict(png=FOG), (IMAGE, OTHER), strict=True):
        np.testing.assert_array_equal(np.asarray(made["png"]), FOG(other))
        assert made["cls"] == 3
    for made, other in zip(shards.to_tuple("png", "cls").map_tuple(FOG), (IMAGE, OTHER), strict=True):
        np.testing.assert_array_equal(np.asarray(made[0]), FOG(other))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["--keep-size", "--size=64"])
def test_with_its_name_a_picture_gets_the_pixels_of_its_file(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, made = tmp_path / "photos", tmp_path / "made"
    for name, each in (("n1/cat.jpg", picture(90, 110)), ("dog.png", picture(80, 120))):
        (photos / name).parent.mkdir(exist_ok=True, parents=True)
        PIL.Image.fromarray(each).save(photos / name)
    asked = ("--corruptions", "gaussian_noise+spatter", "--severities", "2", "--seed", "5", "--quiet", form)
    assert called(monkeypatch, "make", "corruptions", str(photos), str(made), *asked) == 0
    for corruption in ("gaussian_noise", "spatter"):
        step = Corrupt(corruption, 2, seed=5)
        clean = [np.asarray(PIL.Image.open(made / "clean" / f"{name}.png")) for name in ("n1/cat", "dog")]
        files = [np.asarray(PIL.Image.open(made / corruption / "2" / f"{name}.png")) for name in ("n1/cat", "dog")]
        np.testing.assert_array_equal(step(clean[0], name="n1/cat"), files[0])
        np.testing.assert_array_equal(step(clean[1], name=Path("dog.png")), files[1])
        np.testing.assert_array_equal(Corrupt(corruption, 2, seed=5, name="n1/cat.jpg")(clean[0]), files[0])
        both = step(list(clean), name=["n1/cat", "dog"])
        np.testing.assert_array_equal(both[1], files[1])
        assert not np.array_equal(step(clean[0]), files[0])
    with pytest.raises(ArgumentError, match="one for each of the 2 pictures, had 1"):
        step(list(clean), name="n1/cat")


def test_of_several_corruptions_and_severities_each_picture_draws_its_own() -> None:
    names, severities = ["contrast", "brightness", "pixelate"], (1, 3, 5)
    step = Corrupt(names, severities, seed=1)
    cells = [(name, severity) for name in names for severity in severities]

    def cell(image: np.ndarray, made: np.ndarray) -> tuple[str, int]:
        return next(each for each in cells if np.array_equal(corrupt(image, *each), made))

    images = [np.random.default_rng(k).integers(0, 256, (32, 32, 3), dtype=np.uint8) for k in range(180)]
    drawn = [cell(image, step(image)) for image in images]
    counts = Counter(drawn)
    assert len(counts) == 9
    assert max(counts.values()) < 40, "about twenty of each"
    assert drawn[::-1] == [cell(image, made) for image, made in zip(images[::-1], step(images[::-1]), strict=True)]
    step.epoch = 1
    assert [cell(image, step(image)) for image in images[:20]] != drawn[:20]
    assert [cell(image, Corrupt(names, severities, seed=2)(image)) for image in images[:20]] != drawn[:20]
    by_epoch = Corrupt(names, severities, choice="epoch")
    seen = set()
    for by_epoch.epoch in range(12):
        (one,) = {cell(image, by_epoch(image)) for image in images[:4]}
        seen.add(one)
    assert len(seen) > 3
    for wrong, told in (
        ({"corruption": []}, "must each be one or several"),
        ({"severity": (1, 6)}, "severity must be a whole number from 1 to 5, was 6"),
        ({"corruption": ["fog", "fgo"]}, "did you mean 'fog'"),
        ({"choice": "batch"}, "choice must be 'picture' or 'epoch', was 'batch'"),
    ):
        with pytest.raises(ArgumentError, match=told):
            Corrupt(**{"corruption": "fog", **wrong})


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_workers_that_live_on_follow_the_epoch(start: str) -> None:
    pictures = Pictures(Corrupt("gaussian_noise", 3))
    loader = torch.utils.data.DataLoader(
        pictures, batch_size=3, num_workers=1, persistent_workers=True, multiprocessing_context=start
    )
    epochs = []
    for pictures.step.epoch in (0, 1, 5):
        made = torch.cat(list(loader))
        expected = Pictures(Corrupt("gaussian_noise", 3, epoch=pictures.step.epoch))
        assert torch.equal(made, torch.stack([torch.from_numpy(expected[index].copy()) for index in range(6)]))
        epochs.append(made)
    assert not torch.equal(epochs[0], epochs[1])


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_a_worker_that_sets_an_epoch_has_its_own_from_then_on(start: str) -> None:
    """As the ranks of a distributed training, of which each has an epoch and workers of its own."""
    context, step = multiprocessing.get_context(start), Corrupt("fog")
    ours, theirs = context.Pipe()
    worker = context.Process(target=epochs_of, args=(step, theirs))
    worker.start()
    assert ours.recv() == 0
    step.epoch = 1
    ours.send(None)
    assert ours.recv() == (1, 7)
    assert step.epoch == 1
    step.epoch = 2
    ours.send(None)
    assert ours.recv() == 7
    worker.join()


def test_no_file_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        Corrupt("fog")(IMAGE)
    assert len(os.listdir("/proc/self/fd")) <= before
