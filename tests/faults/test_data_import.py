"""``hardiness data import imagenet``: the official tree out of the official tar, or one line that says why not."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardiness.core.errors import DataError
from hardiness.data.root import locate
from hardiness.data.validation_import import CLASSES, GROUND_TRUTH, import_validation
from hardiness.reference.classes import wnids
from hardiness.reference.validation_images import validation_labels, validation_name

FEW = validation_labels()[:30]


def contents(count: int = 30) -> list[tuple[str, bytes]]:
    return [(validation_name(number), f"picture {number}".encode()) for number in range(1, count + 1)]


def devkit(path: Path, labels: tuple[int, ...], header: str = "ILSVRC2012_devkit_t12") -> Path:
    """A development kit: numbers of its own for the classes, and a table that says which they are."""
    from scipy.io import savemat

    numbers = np.random.default_rng(0).permutation(1000) + 1
    kind = np.dtype([("ILSVRC2012_ID", object), ("WNID", object), ("num_children", object)])
    table = np.zeros((1000, 1), kind)
    for index, wnid in enumerate(wnids()):
        table[index, 0] = (np.uint16(numbers[index]), wnid, 0)
    stream = io.BytesIO()
    savemat(stream, {"synsets": table})
    truth = "".join(f"{numbers[label]}\n" for label in labels).encode()
    with tarfile.open(path, "w:gz") as tar:
        for name, content in ((GROUND_TRUTH, truth), (CLASSES, stream.getvalue())):
            entry = tarfile.TarInfo(f"{header}/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.JPEG"))}


EXPECTED = {
    f"imagenet/val/{wnids()[label]}/{validation_name(number)}": f"picture {number}".encode()
    for number, label in enumerate(FEW, start=1)
}


@pytest.mark.parametrize("with_kit", [False, True])
def test_every_image_lands_in_its_class(packed: Any, tmp_path: Path, with_kit: bool) -> None:
    kit = devkit(tmp_path / "kit.tar.gz", FEW) if with_kit else None
    done = import_validation(packed(*contents()), tmp_path / "root", kit, labels=FEW)
    assert (done.images, done.is_official) == (30, False)
    assert tree(tmp_path / "root") == EXPECTED
    assert [path.name for path in (tmp_path / "root/imagenet").iterdir()] == ["val"]


def test_it_continues_where_it_stopped(packed: Any, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(done: int, _: object) -> None:
        if done > 100:
            raise Killed

    with pytest.raises(Killed):
        import_validation(packed(*contents()), tmp_path, progress=kill, labels=FEW)
    assert not (tmp_path / "imagenet/val").exists()
    left = sorted((tmp_path / "imagenet/.val.partial").rglob("*.JPEG"))
    assert 0 < len(left) < 30
    left[0].write_bytes(b"cut")
    kept = left[1].stat().st_ino
    import_validation(packed(*contents()), tmp_path, labels=FEW)
    assert tree(tmp_path) == EXPECTED
    assert next((tmp_path / "imagenet/val").rglob(left[1].name)).stat().st_ino == kept


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda members: members[:-1], "lacks ILSVRC2012_val_00000030.JPEG (29 files in all)"),
        (lambda members: [*members, ("extra.JPEG", b"1")], "also holds extra.JPEG (31 files in all)"),
        (lambda members: [(f"val/{name}", content) for name, content in members], "lacks ILSVRC2012_val_00000001.JPEG"),
        (lambda members: [*members[:-1], ("../../evil.JPEG", b"1")], "leads out of the archive"),
    ],
)
def test_another_archive_is_refused(packed: Any, tmp_path: Path, change: Callable[[Any], Any], says: str) -> None:
    with pytest.raises(DataError) as told:
        import_validation(packed(*change(contents())), tmp_path / "root", labels=FEW)
    assert says in str(told.value)
    assert not (tmp_path / "root").exists()


def test_another_kit_is_refused(packed: Any, tmp_path: Path) -> None:
    val = packed(*contents())
    with pytest.raises(DataError, match="must have 30 labels, has 29"):
        import_validation(val, tmp_path / "root", devkit(tmp_path / "kit.tar.gz", FEW[:-1]), labels=FEW)
    with pytest.raises(DataError, match="must be the official ILSVRC2012_devkit"):
        import_validation(val, tmp_path / "root", packed(("a", b"1"), name="kit.tar"), labels=FEW)
    with pytest.raises(DataError, match="No such file"):
        import_validation(val, tmp_path / "root", tmp_path / "none", labels=FEW)


def test_the_command_says_how_and_refuses_in_one_line(hardiness: Any, packed: Any, tmp_path: Path) -> None:
    told = hardiness("data", "import", "imagenet", "--val", packed(*contents()), "--data", tmp_path / "root")
    assert told.status == 2
    assert "must be the official ILSVRC2012_img_val.tar of 50,000 images, but lacks" in told.err
    assert len(told.err.splitlines()) == 1
    told = hardiness("data", "import", "imagenet-a", "--val", tmp_path / "x")
    assert (told.status, "unknown data set to import" in told.err) == (2, True)
    (tmp_path / "root/imagenet/val").mkdir(parents=True)
    told = hardiness("data", "import", "imagenet", "--val", packed(*contents()), "--data", tmp_path / "root")
    assert "is there already" in told.err


@pytest.mark.slow
@pytest.mark.thorough
def test_the_whole_set_is_laid_out_and_sound(hardiness: Any, packed: Any, tmp_path: Path) -> None:
    """50,000 files of a few bytes under the official names: 50 in each class, all found again."""
    val = packed(*contents(50_000))
    told = hardiness("data", "import", "imagenet", "--val", val, "--data", tmp_path / "root", "--quiet")
    assert told.status == 0, told.err
    found = locate([str(tmp_path / "root")]).dataset("imagenet")
    assert [item.label for item in found.items] == sorted(validation_labels())
    plain = hardiness("data", "check", "imagenet", "--data", tmp_path / "root", "--json")
    assert '"count"' not in plain.out
    assert '"mislabelled"' not in plain.out
    assert '"missing-class"' not in plain.out
