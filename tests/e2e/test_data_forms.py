"""The same photographs as a tree, a tar, shards and a flat folder give the same predictions."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hardiness.reference.classes import wnids


def as_tar(root: Path, folder: Path) -> list[str]:
    with tarfile.open(folder / "val.tar", "w", dereference=True) as archive:
        archive.add(root / "imagenet" / "val", arcname="val")
    return ["--data", f"imagenet={folder / 'val.tar'}"]


def as_shards(root: Path, folder: Path) -> list[str]:
    photographs = sorted((root / "imagenet" / "val").rglob("*.JPEG"))
    for number in range(2):
        with tarfile.open(folder / f"val-{number:03d}.tar", "w") as archive:
            for photograph in photographs[number::2]:
                label = str(wnids().index(photograph.parent.name)).encode()
                for suffix, content in (("jpg", photograph.read_bytes()), ("cls", label)):
                    member = tarfile.TarInfo(f"{photograph.parent.name}/{photograph.stem}.{suffix}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return ["--data", f"imagenet={folder / 'val-{000..001}.tar'}"]


def as_flat_folder(root: Path, folder: Path) -> list[str]:
    lines = ["path,label"]
    (folder / "flat").mkdir()
    for photograph in (root / "imagenet" / "val").rglob("*.JPEG"):
        (folder / "flat" / photograph.name).symlink_to(photograph.resolve())
        lines.append(f"{photograph.name},{wnids().index(photograph.parent.name)}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return ["--data", f"imagenet={folder / 'flat'}", "--labels", str(folder / "labels.csv")]


def as_named_folder(root: Path, folder: Path) -> list[str]:
    return ["--data", f"imagenet={root / 'imagenet' / 'val'}"]


def predictions(out: Path) -> dict[str, tuple[int, int, float]]:
    (file,) = (out / "records").glob("*/*.parquet")
    table = pq.read_table(file)
    rows = zip(*(table[name].to_pylist() for name in ("sample", "label", "prediction", "confidence")), strict=True)
    return {sample.rpartition("/")[2]: tuple(rest) for sample, *rest in rows}


@pytest.mark.parametrize("form", [as_tar, as_shards, as_flat_folder, as_named_folder])
def test_every_form_gives_the_same_predictions(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, form: Callable[[Path, Path], list[str]]
) -> None:
    root, model = tree(9), factory()
    run = ["run", "-m", model, "-b", "imagenet-val", "--out"]
    assert hardiness(*run, tmp_path / "folder", "--data", root).status == 0
    told = hardiness(*run, tmp_path / "other", *form(root, tmp_path))
    assert told.status == 0, told.err
    expected = predictions(tmp_path / "folder")
    assert len(expected) == 9
    assert predictions(tmp_path / "other") == expected
