"""A tree of videos as a data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardiness.core.benchmark import DataSet
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError, SampleError
from hardiness.data.conditions import PerturbedCopies
from hardiness.data.root import locate
from hardiness.report.words import text


def tree(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.encode())
    return root


def test_a_photograph_is_an_item_and_a_folder_a_condition(tmp_path: Path) -> None:
    root = tree(
        tmp_path / "imagenet-p",
        "rotate/n01440764/a.mp4",
        "rotate/n01443537/b.mp4",
        "shot_noise/n01440764/a.mp4",
        "shot_noise_3/n01440764/a.mp4",
        "rotate/n01443537/list.txt",
        "readme.txt",
    )
    found = locate([str(tmp_path)]).dataset("imagenet-p")
    assert [(item.id, item.label) for item in found.items] == [("n01440764/a", 0), ("n01443537/b", 1)]
    assert found.conditions == {
        Condition(perturbation="rotate"),
        Condition(perturbation="shot_noise"),
        Condition(perturbation="shot_noise", severity=3),
    }
    assert sorted(map(text, found.notes)) == [
        f"{root}/shot_noise holds 1 of 2 images; the rest count as failed",
        f"{root}/shot_noise_3 holds 1 of 2 images; the rest count as failed",
    ]
    file = found.items[0].file
    assert isinstance(file, PerturbedCopies)
    assert file.video("shot_noise_3").read() == b"shot_noise_3/n01440764/a.mp4"
    with pytest.raises(SampleError, match="there is no photograph"):
        file.read()


def test_a_condition_is_another_one_when_its_videos_change(tmp_path: Path) -> None:
    def found() -> DataSet:
        return locate([str(tmp_path)]).dataset("imagenet-p")

    rotate, tilt = Condition(perturbation="rotate"), Condition(perturbation="tilt")
    tree(tmp_path / "imagenet-p", "rotate/n01440764/a.mp4", "tilt/n01440764/a.mp4")
    first = found()
    assert found() == first
    (tmp_path / "imagenet-p" / "tilt" / "n01440764" / "a.mp4").write_bytes(b"longer than it was before")
    second = found()
    assert (second.fingerprint, second.fingerprints[rotate]) == (first.fingerprint, first.fingerprints[rotate])
    assert second.fingerprints[tilt] != first.fingerprints[tilt]
    tree(tmp_path / "imagenet-p", "tilt/n01440764/b.mp4")
    assert found().fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ((), "must hold <perturbation>/<wnid>/\\*.mp4, but none was found there"),
        (("rotate/n01440764/a.avi",), "but none was found there"),
        (("rotate/dog/a.mp4",), "dog/a.mp4 in .* must lie in a folder named by a wnid"),
        (("rotate/a.mp4",), "a.mp4 in .* must lie in a folder named by a wnid"),
    ],
)
def test_what_is_no_such_tree_is_refused_in_one_line(tmp_path: Path, files: tuple[str, ...], says: str) -> None:
    root = tree(tmp_path / "p", *files)
    root.mkdir(exist_ok=True)
    with pytest.raises(DataError, match=says) as told:
        locate([f"imagenet-p={root}"]).dataset("imagenet-p")
    assert "\n" not in str(told.value)
