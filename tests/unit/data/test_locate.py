"""Finding data sets in what ``--data`` names: every layout, and a sentence for everything that can be wrong."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hardiness.core.benchmark import DataSet
from hardiness.core.errors import ArgumentError, HardinessError, UnknownNameError
from hardiness.data.root import locate
from hardiness.reference.classes import subset, wnids
from hardiness.report.words import text

TENCH, GOLDFISH, SHARK = wnids()[:3]


def write(folder: Path, *paths: str, content: bytes = b"") -> Path:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content or path.encode())
    return folder


def tar_of(path: Path, contents: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def found(*arguments: str, name: str = "imagenet", labels: str | None = None) -> DataSet:
    return locate(arguments, labels).dataset(name)


def listed(dataset: DataSet) -> list[tuple[str, int]]:
    return [(item.id, item.label) for item in dataset.items]


def complaint(*arguments: str, name: str = "imagenet", labels: str | None = None) -> str:
    with pytest.raises(HardinessError) as caught:
        found(*arguments, name=name, labels=labels)
    message = str(caught.value)
    assert caught.value.exit_status == 2
    assert "\n" not in message
    return message


# Class folders ------------------------------------------------------------------------------------------------------


def test_a_root_holds_data_sets_by_name(tmp_path: Path) -> None:
    write(tmp_path, f"imagenet/val/{SHARK}/b.JPEG", f"imagenet/val/{TENCH}/a.JPEG", f"imagenet/train/{TENCH}/x.JPEG")
    write(tmp_path, f"imagenet-sketch/{GOLDFISH}/s.png")
    root = locate([str(tmp_path)])
    assert [name for name in ("imagenet", "imagenet-a", "imagenet-sketch") if root.has(name)] == [
        "imagenet",
        "imagenet-sketch",
    ]
    dataset = root.dataset("imagenet")
    assert listed(dataset) == [(f"{TENCH}/a", 0), (f"{SHARK}/b", 2)]
    assert (dataset.name, dataset.num_classes, dataset.class_names) == ("imagenet", 1000, None)
    assert dataset.items[0].file.read() == f"imagenet/val/{TENCH}/a.JPEG".encode()
    assert listed(root.dataset("imagenet-sketch")) == [(f"{GOLDFISH}/s", 1)]


def test_the_real_photographs_have_the_index_of_their_wnid(data_root: Path, photographs: list[Path]) -> None:
    dataset = found(str(data_root))
    assert len(dataset) == len(photographs) >= 99
    assert all(item.label == wnids().index(item.id.split("/")[0]) for item in dataset.items)


@pytest.mark.parametrize("below", ["", "val"])
def test_a_named_folder_may_be_the_set_or_hold_it_in_val(tmp_path: Path, below: str) -> None:
    write(tmp_path / below, f"{TENCH}/a.jpg")
    assert listed(found(f"imagenet={tmp_path}")) == [(f"{TENCH}/a", 0)]


def test_a_named_folder_comes_before_the_root(tmp_path: Path) -> None:
    write(tmp_path, f"root/imagenet/val/{TENCH}/a.jpg", f"other/{SHARK}/b.jpg")
    assert listed(found(str(tmp_path / "root"), f"imagenet={tmp_path}/other")) == [(f"{SHARK}/b", 2)]


def test_every_image_suffix_counts_in_any_case_and_nothing_else(tmp_path: Path) -> None:
    images = ["a.jpeg", "b.JPG", "c.png", "d.BMP", "e.webp", "f.gif", "g.tif", "h.TIFF", "i.ppm", "j.JPEG"]
    others = ["README", "notes.txt", "Thumbs.db", ".DS_Store", "._a.jpeg", ".hidden/k.jpg", "jpg"]
    write(tmp_path, *(f"{TENCH}/{name}" for name in images + others))
    write(tmp_path, "README.md", ".git/x.jpg", "__MACOSX/y.jpg", "stray.jpg")
    assert [item.id for item in found(f"imagenet={tmp_path}").items] == [f"{TENCH}/{c}" for c in "abcdefghij"]


def test_images_in_deeper_folders_belong_to_the_class(tmp_path: Path) -> None:
    write(tmp_path, f"{TENCH}/camera 1/a.jpg")
    assert listed(found(f"imagenet={tmp_path}")) == [(f"{TENCH}/camera 1/a", 0)]


def test_linked_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    write(tmp_path, f"store/{TENCH}/a.jpg", f"store/{SHARK}/b.jpg")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / TENCH).symlink_to(tmp_path / "store" / TENCH)
    (tmp_path / "set" / SHARK).symlink_to(tmp_path / "store" / SHARK)
    (tmp_path / "store" / TENCH / "loop").symlink_to(tmp_path / "set")
    (tmp_path / "store" / SHARK / "self").symlink_to(tmp_path / "store" / SHARK)
    ids = [item.id for item in found(f"imagenet={tmp_path}/set").items]
    assert ids == [f"{TENCH}/a", f"{SHARK}/b"]


def test_a_link_that_leads_nowhere_fails_as_a_sample_later(tmp_path: Path) -> None:
    write(tmp_path, f"{TENCH}/a.jpg")
    (tmp_path / TENCH / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    dataset = found(f"imagenet={tmp_path}")
    assert len(dataset) == 2
    with pytest.raises(HardinessError, match=r"gone\.jpg: cannot be read"):
        dataset.items[1].file.read()


def test_an_unknown_wnid_among_known_ones_is_named(tmp_path: Path) -> None:
    write(tmp_path, f"{TENCH}/a.jpg", "n01440765/b.jpg", "zebra/c.jpg")
    message = complaint(f"imagenet={tmp_path}")
    assert "'n01440765' is not (nor are 1 others); did you mean n01440764?" in message
    assert "one of the 1,000 ImageNet wnids" in message


def test_imagenet_v2_folders_are_class_indices_not_positions(tmp_path: Path) -> None:
    write(tmp_path, "imagenet-v2/10/a.jpeg", "imagenet-v2/2/b.jpeg", "imagenet-v2/999/c.jpeg")
    assert listed(found(str(tmp_path), name="imagenet-v2")) == [
        (f"{wnids()[2]}/b", 2),
        (f"{wnids()[10]}/a", 10),
        (f"{wnids()[999]}/c", 999),
    ]


@pytest.mark.parametrize("folder", ["1000", "007", "-1", TENCH])
def test_imagenet_v2_has_no_other_folders(tmp_path: Path, folder: str) -> None:
    write(tmp_path, "2/a.jpeg", f"{folder}/b.jpeg")
    assert f"'{folder}' is not" in complaint(f"imagenet-v2={tmp_path}", name="imagenet-v2")


@pytest.mark.parametrize("name", ["imagenet-a", "imagenet-o", "imagenet-r"])
def test_subsets_have_their_200_wnids_only(tmp_path: Path, name: str) -> None:
    index = subset(name)[5]
    write(tmp_path, f"{wnids()[index]}/a.jpg")
    dataset = found(f"{name}={tmp_path}", name=name)
    assert (listed(dataset), dataset.num_classes) == ([(f"{wnids()[index]}/a", index)], 1000)
    write(tmp_path, f"{TENCH}/b.jpg")
    assert "200 wnids of ImageNet-" in complaint(f"{name}={tmp_path}", name=name)
    assert TENCH in complaint(f"{name}={tmp_path}", name=name)


# Classes of one's own -----------------------------------------------------------------------------------------------


def test_folders_that_are_no_wnids_are_classes_of_their_own(tmp_path: Path) -> None:
    write(tmp_path / "pets", "dog/a.jpg", "cat/b.jpg", "newt/README")
    dataset = found(f"imagenet={tmp_path}/pets")
    assert listed(dataset) == [("cat/b", 0), ("dog/a", 1)]
    assert (dataset.name, dataset.num_classes, dataset.class_names) == ("own-pets", 3, ("cat", "dog", "newt"))


def test_classes_can_be_folders_even_if_some_are_wnids(tmp_path: Path) -> None:
    write(tmp_path / "mine", f"{SHARK}/a.jpg", f"{GOLDFISH}/b.jpg")
    dataset = found(f"imagenet={tmp_path}/mine:classes=folders")
    assert listed(dataset) == [(f"{GOLDFISH}/b", 0), (f"{SHARK}/a", 1)]
    assert dataset.class_names == (GOLDFISH, SHARK)


def test_only_imagenets_place_takes_classes_of_ones_own(tmp_path: Path) -> None:
    write(tmp_path, "dog/a.jpg")
    assert "leave classes= out" in complaint(f"imagenet-a={tmp_path}:classes=folders", name="imagenet-a")
    assert "'dog' is not" in complaint(f"imagenet-a={tmp_path}", name="imagenet-a")


def test_a_root_named_as_imagenet_is_recognised(tmp_path: Path) -> None:
    write(tmp_path, f"imagenet/val/{TENCH}/a.jpg", "imagenet-a/x/b.jpg")
    assert complaint(f"imagenet={tmp_path}").endswith(f"give --data {tmp_path}")


# Csv ----------------------------------------------------------------------------------------------------------------


def flat(folder: Path, csv: str) -> tuple[Path, Path]:
    write(folder / "flat", "a.jpg", "b.jpg", "sub/c.jpg")
    (folder / "l.csv").write_text(csv)
    return folder / "flat", folder / "l.csv"


@pytest.mark.parametrize(
    "csv",
    [
        "a.jpg,2\nsub/c.jpg,0\n",
        "path,label\na.jpg,2\nsub/c.jpg,0\n",
        "\ufeffPath,Label\r\na.jpg, 2\r\n\r\n./sub/c.jpg,0",
        "label,note,path\n2,x,a.jpg\n0,y,sub/c.jpg\n",
        f"path,label\na.jpg,{SHARK}\nsub/c.jpg,0\n",
    ],
)
def test_a_csv_labels_a_flat_folder(tmp_path: Path, csv: str) -> None:
    folder, labels = flat(tmp_path, csv)
    expected = [(f"{TENCH}/sub/c", 0), (f"{SHARK}/a", 2)]
    assert listed(found(f"imagenet={folder}:labels={labels}")) == expected
    assert listed(found(f"imagenet={folder}", labels=str(labels))) == expected
    assert listed(found(str(folder), labels=str(labels))) == expected


def test_a_csv_over_class_folders_gives_the_same_ids_as_the_folders(tmp_path: Path) -> None:
    write(tmp_path / "set", f"{TENCH}/a.jpg")
    (tmp_path / "l.csv").write_text(f"{TENCH}/a.jpg,0\n")
    assert listed(found(f"imagenet={tmp_path}/set:labels={tmp_path}/l.csv")) == [(f"{TENCH}/a", 0)]


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ("a.jpg,1000\n", "l.csv:1: the label of a.jpg must be a class index from 0 to 999 or a wnid, was '1000'"),
        ("a.jpg,-1\n", "l.csv:1: the label of a.jpg must be a class index"),
        ("a.jpg,1\nb.jpg,cat\n", "the label of b.jpg must be a class index from 0 to 999 or a wnid, was 'cat'"),
        ("a.jpg,1\nb.jpg\n", "l.csv:2: must be path,label, was 'b.jpg'"),
        ("patient,path,label\nJane,a.jpg,1\nJane,b.jpg\n", "l.csv:3: must be path,label, has 2 of 3 fields"),
        ("a.jpg,1\n\nz.jpg,1\n", "l.csv:3: z.jpg must be a file in"),
        ("a.jpg,1\na.jpg,2\n", "l.csv:2: a.jpg must come once, but is also at"),
        ("path,label\n", "l.csv: must have a row"),
        ("", "l.csv: must have a row"),
    ],
)
def test_what_is_wrong_in_a_csv_is_told_with_its_line(tmp_path: Path, csv: str, message: str) -> None:
    folder, labels = flat(tmp_path, csv)
    told = complaint(f"imagenet={folder}:labels={labels}")
    assert message in told
    assert "Jane" not in told


def test_a_csv_of_ones_own_pictures_is_told_in_its_own_words(tmp_path: Path) -> None:
    folder, labels = flat(tmp_path, "file,cls\na.jpg,dog\nb.jpg,cat\n")
    place = f"own={folder}:labels={labels}"
    said = complaint(place, name="own")
    assert said.endswith("remove the line, or let it read path,label if it is the header")
    labels.write_text("a.jpg,0\nb.jpg,1\n")
    said = complaint(place, name="own")
    assert "must be the name of a class, or its index if how many there are is said by classes=N" in said
    assert f"as in --data {place}:classes=N, was '0'" in said
    assert len(found(f"{place}:classes=2", name="own").items) == 2
    labels.write_text("a.jpg,dog\nb.jpg,cat\n")
    (remark,) = found(place, name="own").remarks
    assert "(1 .jpg that the csv does not name; for example sub/c.jpg)" in text(remark)
    write(folder, "d.jpg")
    (remark,) = found(place, name="own").remarks
    assert "(2 .jpg that the csv does not name; for example d.jpg, sub/c.jpg)" in text(remark)


def test_of_two_folders_one_must_be_called_ones_own(tmp_path: Path) -> None:
    one, two = (write(tmp_path / name, "cat/a.jpg", "dog/b.jpg") for name in ("one", "two"))
    said = complaint(str(one), str(two), name="own")
    assert said.startswith(f"--data {one} and --data {two} are folders of which one may hold your own pictures")


def test_a_csv_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder, labels = flat(tmp_path, "")
    assert "cannot be read (No such file" in complaint(f"imagenet={folder}:labels={labels}x")
    labels.write_bytes(b"a.jpg,\xff\xfe\n")
    assert "must be a csv in UTF-8" in complaint(f"imagenet={folder}:labels={labels}")


def test_a_csv_for_a_subset_may_only_name_its_classes(tmp_path: Path) -> None:
    folder, labels = flat(tmp_path, "a.jpg,6\nb.jpg,7\n")
    message = complaint(f"imagenet-a={folder}:labels={labels}", name="imagenet-a")
    assert "of b.jpg must be the class index of one of the 200 wnids of ImageNet-A or a wnid, was '7'" in message


def test_a_csv_may_bring_classes_of_its_own(tmp_path: Path) -> None:
    folder, labels = flat(tmp_path, "a.jpg,dog\nb.jpg,cat\n")
    named = found(f"imagenet={folder}:labels={labels}:classes=names")
    assert (listed(named), named.class_names, named.name) == ([("cat/b", 0), ("dog/a", 1)], ("cat", "dog"), "own-flat")
    labels.write_text("a.jpg,1\nb.jpg,0\n")
    counted = found(f"imagenet={folder}:labels={labels}:classes=10")
    assert (listed(counted), counted.num_classes) == ([("0/b", 0), ("1/a", 1)], 10)
    labels.write_text("a.jpg,10\n")
    assert "from 0 to 9, was '10'" in complaint(f"imagenet={folder}:labels={labels}:classes=10")
    assert "needs a csv" in complaint(f"imagenet={folder}:classes=10")


def test_labels_need_one_folder(tmp_path: Path) -> None:
    folder, labels = flat(tmp_path, "a.jpg,1\n")
    assert "needs the one folder" in complaint(labels=str(labels))
    assert "needs the one folder" in complaint("embedded", labels=str(labels))
    assert "needs the one folder" in complaint(str(folder), str(tmp_path), labels=str(labels))


# Tars and shards ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "./", "val/", "imagenet/val/", "some/where/"])
def test_a_tar_of_a_tree_reads_as_the_tree(tmp_path: Path, prefix: str) -> None:
    contents = {f"{prefix}{TENCH}/a.JPEG": b"1", f"{prefix}{SHARK}/b.JPEG": b"2", f"{prefix}{SHARK}/._b.JPEG": b"3"}
    dataset = found(f"imagenet={tar_of(tmp_path / 'x.tar', contents)}")
    assert listed(dataset) == [(f"{TENCH}/a", 0), (f"{SHARK}/b", 2)]
    assert [item.file.read() for item in dataset.items] == [b"1", b"2"]


def test_a_flat_tar_takes_a_csv(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "x.tar", {"a.JPEG": b"1"})
    (tmp_path / "l.csv").write_text("a.JPEG,2\n")
    assert listed(found(f"imagenet={archive}:labels={tmp_path}/l.csv")) == [(f"{SHARK}/a", 2)]


def test_shards_carry_their_labels(tmp_path: Path) -> None:
    tar_of(tmp_path / "s-0.tar", {"000.jpg": b"1", "000.cls": b"2", f"{TENCH}/a.jpg": b"2", f"{TENCH}/a.cls": b"0"})
    tar_of(tmp_path / "s-1.tar", {"001.jpg": b"3", "001.json": b'{"label": 1}'})
    expected = [(f"{TENCH}/a", 0), (f"{GOLDFISH}/001", 1), (f"{SHARK}/000", 2)]
    assert listed(found(f"imagenet={tmp_path}/s-{{0..1}}.tar")) == expected
    assert listed(found(f"imagenet={tmp_path}/s-*.tar")) == expected
    assert listed(found(f"imagenet={tmp_path}/s-0.tar")) == [expected[0], expected[2]]


def test_keys_that_start_anew_in_each_shard_are_told_apart(tmp_path: Path) -> None:
    for number in "01":
        tar_of(tmp_path / f"s-{number}.tar", {"000.jpg": b"1", "000.cls": b"0"})
    assert [item.id for item in found(f"imagenet={tmp_path}/s-*.tar").items] == [f"{TENCH}/s-0/000", f"{TENCH}/s-1/000"]


def test_bad_archives_are_told(tmp_path: Path) -> None:
    tar_of(tmp_path / "s-0.tar", {"000.jpg": b"1", "000.cls": b"1000"})
    assert "must be a class index from 0 to 999, was 1000" in complaint(f"imagenet={tmp_path}/s-0.tar")
    assert f"{tmp_path}/s-1.tar does not exist" in complaint(f"imagenet={tmp_path}/s-{{0..1}}.tar")
    assert "does not exist" in complaint(f"imagenet={tmp_path}/t-*.tar")
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8b\x08\x00")
    assert "decompress it first" in complaint(f"imagenet={tmp_path}/x.tar.gz")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff" * 600)
    assert "must be a whole tar" in complaint(f"imagenet={tmp_path}/photo.jpg")
    tar_of(tmp_path / "empty.tar", {"README": b"1"})
    assert "must hold a folder of images for each class" in complaint(f"imagenet={tmp_path}/empty.tar")


# What is missing ----------------------------------------------------------------------------------------------------


def test_an_absent_data_set_is_told_with_what_is_there(tmp_path: Path) -> None:
    write(tmp_path, f"imagenet/val/{TENCH}/a.jpg", f"imagenet-sketch/{TENCH}/a.jpg")
    message = complaint(str(tmp_path), name="imagenet-a")
    assert f"--data {tmp_path} must hold imagenet-a/<wnid>/*, but it holds imagenet, imagenet-sketch alone" in message
    assert "--data imagenet-a=PATH" in message


def test_a_misspelt_folder_is_offered(tmp_path: Path) -> None:
    write(tmp_path, f"imagnet-a/{TENCH}/a.jpg")
    assert f"give --data imagenet-a={tmp_path}/imagnet-a" in complaint(str(tmp_path), name="imagenet-a")


@pytest.mark.parametrize("inside", ["val", TENCH])
def test_a_data_set_given_as_root_is_recognised(tmp_path: Path, inside: str) -> None:
    write(tmp_path, f"{inside}/x/a.jpg")
    assert complaint(str(tmp_path)).endswith(f"give --data imagenet={tmp_path}")


def test_missing_empty_and_wrong_places_are_told(tmp_path: Path) -> None:
    write(tmp_path, "file.txt", "text/n01440764/README", "flat/a.jpg")
    (tmp_path / "empty").mkdir()
    (tmp_path / "root" / "imagenet").mkdir(parents=True)
    assert "there is no such folder" in complaint(f"{tmp_path}/nowhere")
    assert "it is a file" in complaint(f"{tmp_path}/file.txt")
    assert "but it holds nothing" in complaint(f"{tmp_path}/empty")
    assert "it is empty" in complaint(f"{tmp_path}/root")
    assert "it is empty" in complaint(f"imagenet={tmp_path}/empty")
    assert "there is no image in its 1 folders" in complaint(f"imagenet={tmp_path}/text")
    assert "name a csv of their classes" in complaint(f"imagenet={tmp_path}/flat")
    assert f"did you mean {tmp_path}/flat?" in complaint(f"imagenet={tmp_path}/flt")
    assert "nor does" in complaint(f"imagenet={tmp_path}/no/where")
    assert "no --data was given" in complaint()
    assert f"--data imagenet-a={tmp_path} was given" in complaint(f"imagenet-a={tmp_path}")


def test_an_unreadable_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, f"{TENCH}/a.jpg")
    scandir: Callable[..., object] = os.scandir

    def locked(path: str) -> object:
        if str(path).endswith(TENCH):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    assert f"{TENCH} cannot be read (Permission denied); check its permissions" in complaint(f"imagenet={tmp_path}")


def test_arguments_that_make_no_sense_are_told(tmp_path: Path) -> None:
    write(tmp_path, f"{TENCH}/a.jpg")
    with pytest.raises(UnknownNameError, match="unknown data set 'imagnet'; did you mean 'imagenet'"):
        locate([f"imagnet={tmp_path}"])
    with pytest.raises(UnknownNameError, match="did you mean"):
        locate([str(tmp_path)]).dataset("imagenet-b")
    with pytest.raises(ArgumentError, match="names imagenet twice"):
        locate([f"imagenet={tmp_path}", "embedded"])
    with pytest.raises(ArgumentError, match="has no option 'label'; did you mean 'labels'"):
        locate([f"imagenet={tmp_path}:label=x.csv"])
    with pytest.raises(
        ArgumentError,
        match=r"classes must be 'folders', 'names' or a number from 2 to 1,000,000, or a file with .* was 'many'",
    ):
        locate([f"imagenet={tmp_path}:classes=many"])
    with pytest.raises(ArgumentError, match="leave one option out"):
        locate([f"imagenet={tmp_path}:classes=folders:labels=x.csv"])
    with pytest.raises(ArgumentError, match="the path is missing"):
        locate(["imagenet="])
    with pytest.raises(ArgumentError, match="the path is missing"):
        locate([""])


def test_a_path_with_an_equals_sign_or_colon_is_a_path(tmp_path: Path) -> None:
    write(tmp_path, f"a=b:c=d/imagenet/{TENCH}/a.jpg")
    assert len(found(f"{tmp_path}/a=b:c=d")) == 1
    assert len(found(f"imagenet={tmp_path}/a=b:c=d/imagenet")) == 1


# Fingerprints -------------------------------------------------------------------------------------------------------


def test_the_fingerprint_tells_every_change_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "set", f"{TENCH}/a.jpg", f"{SHARK}/b.jpg")
    file = tmp_path / "set" / TENCH / "a.jpg"
    os.utime(file, ns=(1, 10**18))

    def now(argument: str = f"imagenet={tmp_path}/set") -> str:
        return found(argument).fingerprint

    before = now()
    os.utime(file, ns=(2, 10**18))
    write(tmp_path / "set", "README", f"{TENCH}/notes.txt", f"{TENCH}/.hidden.jpg")
    assert now() == before
    (tmp_path / "set").rename(tmp_path / "moved")
    assert now(f"imagenet={tmp_path}/moved") == before
    seen = {before}
    changes: list[Callable[[], object]] = [
        lambda: os.utime(tmp_path / "moved" / TENCH / "a.jpg", ns=(1, 10**18 + 1)),
        lambda: write(tmp_path / "moved", f"{TENCH}/c.jpg"),
        lambda: (tmp_path / "moved" / TENCH / "c.jpg").rename(tmp_path / "moved" / TENCH / "d.jpg"),
        lambda: (tmp_path / "moved" / SHARK / "b.jpg").write_bytes(b"longer than it was before this"),
    ]
    for change in changes:
        change()
        seen.add(now(f"imagenet={tmp_path}/moved"))
    assert len(seen) == 1 + len(changes)


def test_other_labels_or_classes_make_another_fingerprint(tmp_path: Path) -> None:
    folder, labels = flat(tmp_path, "a.jpg,1\n")
    prints = {found(f"imagenet={folder}:labels={labels}").fingerprint}
    prints.add(found(f"imagenet={folder}:labels={labels}:classes=2").fingerprint)
    labels.write_text("a.jpg,2\n")
    prints.add(found(f"imagenet={folder}:labels={labels}").fingerprint)
    assert len(prints) == 3


def test_a_changed_tar_has_another_fingerprint(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "x.tar", {f"{TENCH}/a.jpg": b"1"})
    before = found(f"imagenet={archive}").fingerprint
    assert found(f"imagenet={archive}").fingerprint == before
    tar_of(archive, {f"{TENCH}/a.jpg": b"1", f"{TENCH}/b.jpg": b"1"})
    assert found(f"imagenet={archive}").fingerprint != before


def test_a_data_set_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, f"imagenet/{TENCH}/a.jpg")
    root = locate([str(tmp_path)])
    assert root.dataset("imagenet") is root.dataset("imagenet")
