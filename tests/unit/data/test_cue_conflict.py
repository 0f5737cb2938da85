"""Cue-conflict stimuli on disk: found by name, checked by name, judged by categories."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from hardiness.core.benchmark import DataSet
from hardiness.core.errors import HardinessError
from hardiness.data.root import locate
from hardiness.reference.categories import sixteen
from hardiness.reference.classes import class_name

KEPT = "bicycle6-bicycle3"


def write(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / (name if "." in name else f"{name}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return folder


def own(folder: Path, text: str) -> Path:
    (folder / "categories.csv").write_text(text)
    return folder


def found(folder: Path, options: str = "") -> DataSet:
    return locate([f"cue-conflict={folder}{options}"]).dataset("cue-conflict")


def complaint(folder: Path, options: str = "") -> str:
    with pytest.raises(HardinessError) as caught:
        found(folder, options)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2
    return str(caught.value)


def ids(dataset: DataSet) -> list[str]:
    return [item.id for item in dataset.items]


def test_the_sixteen_categories_have_the_published_sizes() -> None:
    sizes = {name: len(classes) for name, classes in sixteen().items()}
    assert sizes == {
        **{"dog": 109, "bird": 49, "truck": 8, "bottle": 7, "cat": 6, "boat": 5, "bear": 4, "chair": 4, "car": 3},
        **{"clock": 3, "bicycle": 2, "elephant": 2, "keyboard": 2, "airplane": 1, "knife": 1, "oven": 1},
    }
    assert len({index for classes in sixteen().values() for index in classes}) == 207
    names = {"cat": "Persian cat", "knife": "cleaver", "oven": "rotisserie", "elephant": "African elephant"}
    for category, name in names.items():
        assert any(name in class_name(index) for index in sixteen()[category])


def test_the_real_stimuli_are_found_and_labelled_by_name(stimuli: Path) -> None:
    dataset = locate([str(stimuli.parent)]).dataset("cue-conflict")
    assert len(dataset) == 241
    assert (dataset.name, dataset.num_classes, dataset.categories) == ("cue-conflict", 1000, sixteen())
    assert all(
        item.label == sixteen()[item.id.rstrip("0123456789").split("-")[0].rstrip("0123456789")][0]
        for item in dataset.items
    )


def test_flat_and_in_a_folder_for_each_shape_are_the_same_items(tmp_path: Path) -> None:
    flat = found(write(tmp_path / "flat", "cat1-dog2", "car10-oven1", "cat2-knife3"))
    sorted_ = found(write(tmp_path / "by_shape", "cat/cat1-dog2", "car/car10-oven1", "cat/cat2-knife3"))
    assert ids(flat) == ids(sorted_) == ["car10-oven1", "cat1-dog2", "cat2-knife3"]
    assert [item.label for item in flat.items] == [item.label for item in sorted_.items] == [436, 281, 281]


def test_a_tar_does_as_well(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "stimuli.tar", "w") as tar:
        entry = tarfile.TarInfo("stimuli/cat1-dog2.png")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    assert ids(found(tmp_path / "stimuli.tar")) == ["cat1-dog2"]


def test_stimuli_without_a_conflict_are_left_out_but_for_the_published_one(tmp_path: Path) -> None:
    write(tmp_path, "cat1-cat2", "cat1-dog2", KEPT, "bicycle6-bicycle2", "bicycle3-bicycle6", "oven1-oven1")
    assert ids(found(tmp_path)) == [KEPT, "cat1-dog2"]


def test_a_contact_sheet_beside_them_is_no_stimulus(tmp_path: Path) -> None:
    assert ids(found(write(tmp_path, "cat1-dog2", "contact-sheet.png"))) == ["cat1-dog2"]


def test_a_csv_beside_them_replaces_the_sixteen(tmp_path: Path) -> None:
    write(tmp_path, "shark1-goldfish2", "goldfish1-t_shirt3")
    own(tmp_path, "category,class_index\nshark,3\nshark,2\ngoldfish,1\nt_shirt,610\n\n")
    dataset = found(tmp_path)
    assert dataset.categories == {"goldfish": (1,), "shark": (2, 3), "t_shirt": (610,)}
    assert [item.label for item in dataset.items] == [1, 2]
    assert (dataset.name, dataset.num_classes) == (f"own-{tmp_path.name}", 1000)
    before = dataset.fingerprint
    own(tmp_path, "category,class_index\nshark,4\ngoldfish,1\nt_shirt,610\n")
    assert found(tmp_path).fingerprint != before


def test_classes_of_a_model_of_one_s_own_are_counted_by_an_option(tmp_path: Path) -> None:
    own(write(tmp_path, "cup1-jug2"), "category,class_index\ncup,0\njug,9\n")
    dataset = found(tmp_path, ":classes=10")
    assert (dataset.num_classes, dataset.class_names) == (10, tuple(map(str, range(10))))
    assert "from 0 to 8, was '9'" in complaint(tmp_path, ":classes=9")


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["cat1-dog2", "cat1_dog2"], "cat1_dog2.png: must be named <shape><number>-<texture><number>"),
        (["cat1-dog2", "contact"], "contact.png: must be named"),
        (["cat1-dgo2"], "cat1-dgo2.png: 'dgo' is no category; did you mean 'dog'? known: airplane, bear"),
        (["elefant1-dog2"], "did you mean 'elephant'?"),
        (["zebra1-dog2"], "put a categories.csv (category,class_index) beside the stimuli"),
        (["dog/cat1-dog2"], "lies in the folder dog, but its shape is cat"),
        (["cat1-dog2", "cat/cat1-dog2"], "must come once, but is also at"),
        (["cat1-dog2.png", "cat1-dog2.jpg"], "must come once"),
        (["cat1-cat2"], "shape and texture are the same in each of its images (1)"),
        (["notes.txt"], "but holds no image"),
    ],
)
def test_whatever_is_wrong_with_a_name_is_told_in_one_line(tmp_path: Path, names: list[str], says: str) -> None:
    assert says in complaint(write(tmp_path, *names))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must have the columns category,class_index, but has no category"),
        ("category,class\ncat,1\n", "but has no class_index"),
        ("category,class_index\ncat,1\ndog,1000\n", ":3: the class of dog must be an index from 0 to 999, was '1000'"),
        ("category,class_index\ncat,one\ndog,2\n", "was 'one'"),
        ("category,class_index\ncat,1\ndog,1\n", "class 1 must belong to one category, but belongs to cat too"),
        ("category,class_index\n,1\n", "must name a category"),
        ("category,class_index\ncat,1\n", "two or more categories, had 1"),
        ("category,class_index\ncat,1\nfox,2\n", "'dog' is no category"),
    ],
)
def test_whatever_is_wrong_with_the_csv_is_told_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    assert says in complaint(own(write(tmp_path, "cat1-dog2"), text))


def test_a_csv_that_is_no_text_is_told(tmp_path: Path) -> None:
    write(tmp_path, "cat1-dog2")
    (tmp_path / "categories.csv").write_bytes(b"category,class_index\n\xff\xfe,1\n")
    assert "must be a csv in UTF-8" in complaint(tmp_path)


def test_options_that_have_no_sense_here_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "cat1-dog2")
    (tmp_path / "l.csv").write_text("path,label\n")
    assert "leave labels= out" in complaint(tmp_path, f":labels={tmp_path}/l.csv")
    assert "leave classes=folders out" in complaint(tmp_path, ":classes=folders")
    assert "needs a categories.csv" in complaint(tmp_path, ":classes=10")
    shards = tmp_path / "s-{0..1}.tar"
    for index in range(2):
        with tarfile.open(tmp_path / f"s-{index}.tar", "w") as tar:
            tar.addfile(tarfile.TarInfo("a.cls"))
    assert "holds shards" in complaint(shards)


def test_a_folder_of_fewer_stimuli_than_published_is_a_part_and_stimuli_of_ones_own_are_not(tmp_path: Path) -> None:
    part = write(tmp_path / "part", "cat7-elephant1", "dog1-cat2")
    assert found(part).released == 1200
    assert found(write(part, "contact-sheet.png")).released is None, "made here"
    mine = own(write(tmp_path / "mine", "cat1-dog1"), "category,class_index\ncat,281\ndog,151\n")
    assert found(mine).released is None
