"""``hardiness data get`` and ``list``, as a person calls them, against a server on this machine."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from hardiness.core.random import rng
from hardiness.data.root import locate
from hardiness.reference import published_data
from hardiness.reference.classes import subset, wnids
from hardiness.reference.published_data import PublishedFile, PublishedSet
from hardiness.reference.validation_images import (
    VALIDATION_NAMES_SHA256,
    names_sha256,
    validation_labels,
    validation_name,
)

A, B = (wnids()[index] for index in subset("imagenet-a")[:2])


def tar_of(contents: dict[str, bytes], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def publish(web: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts archives on the server in place of the published ones of a data set; some with a checksum, some without."""

    def put(name: str, *archives: tuple[PublishedFile, bytes], checksum: bool = True) -> PublishedSet:
        files = []
        for file, content in archives:
            path = f"published/{name}/{file.name}"
            web.files[path] = content
            known = {"md5": md5(content).hexdigest(), "size": len(content)} if checksum else {"md5": "", "size": None}
            files.append(replace(file, urls=(web.url(path),), sha256="", about_gb=None, **known))
        changed = replace(published_data.published_set(name), files=tuple(files))
        monkeypatch.setitem(published_data._read(), name, changed)
        return changed

    return put


@pytest.fixture
def imagenet_a(publish: Any) -> PublishedSet:
    (file,) = published_data.published_set("imagenet-a").files
    content = tar_of({f"imagenet-a/{A}/1.jpg": b"1", f"imagenet-a/{B}/2.jpg": b"2", "imagenet-a/README.txt": b"read"})
    return publish("imagenet-a", (file, content))


def test_small_pictures_are_fetched_and_read(hardiness: Any, publish: Any, web: Any, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    batch = {"data": pictures.transpose(0, 3, 1, 2).reshape(10, -1), "labels": list(range(10))}
    archive = tar_of({"cifar-10-batches-py/test_batch": pickle.dumps(batch, 3)}, "w:gz")
    publish("cifar10", (published_data.published_set("cifar10").files[0], archive))
    arrays = []
    for file, array in zip(published_data.published_set("cifar10.1").files, (pictures, np.arange(10)), strict=True):
        stream = io.BytesIO()
        np.save(stream, array)
        arrays.append((file, stream.getvalue()))
    publish("cifar10.1", *arrays, checksum=False)
    told = hardiness("data", "get", "cifar10", "cifar10.1", "--data", tmp_path)
    assert told.status == 0, told.err
    for name in ("cifar10", "cifar10.1"):
        assert [item.id for item in locate([str(tmp_path)]).dataset(name).items][9] == "truck/00009"
    web.asked.clear()
    assert (hardiness("data", "get", "cifar10", "cifar10.1", "--data", tmp_path).status, web.asked) == (0, [])
    assert not (tmp_path / "downloads").exists()


def test_a_data_set_is_one_command_away(hardiness: Any, imagenet_a: Any, web: Any, tmp_path: Path) -> None:
    root = tmp_path / "root"
    told = hardiness("data", "get", "imagenet-a", "--data", root)
    assert told.status == 0, told.err
    assert f"{root}/imagenet-a: 3 files of imagenet-a.tar" in told.out
    assert f"{imagenet_a.files[0].checksum} (as published)" in told.out
    assert [item.id for item in locate([str(root)]).dataset("imagenet-a").items] == [f"{A}/1", f"{B}/2"]
    assert not (root / "downloads").exists()
    web.asked.clear()
    again = hardiness("data", "get", "imagenet-a", "--data", root)
    assert (again.status, web.asked) == (0, [])
    assert "is there already" in again.out
    listed = json.loads(hardiness("data", "list", "--data", root, "--json").out)
    (found,) = (each for each in listed if each["place"])
    assert (found["name"], found["images"], found["benchmarks"]) == ("imagenet-a", 2, ["imagenet-a"])


def test_a_tar_is_kept_or_read_where_it_lies(hardiness: Any, imagenet_a: Any, tmp_path: Path) -> None:
    assert hardiness("data", "get", "imagenet-a", "--data", tmp_path / "kept", "--keep-archive", "--quiet").out == ""
    assert (tmp_path / "kept/downloads/imagenet-a/imagenet-a.tar").is_file()
    root = tmp_path / "packed"
    assert hardiness("data", "get", "imagenet-a", "--data", root, "--no-unpack", "--quiet").status == 0
    assert [path.name for path in root.iterdir()] == ["imagenet-a.tar"]
    assert [item.file.read() for item in locate([str(root)]).dataset("imagenet-a").items] == [b"1", b"2"]
    assert "a tar, read where it lies" in hardiness("data", "list", "--data", root).out


@pytest.mark.parametrize("packed", [False, True])
def test_parts_come_one_by_one(hardiness: Any, publish: Any, tmp_path: Path, packed: bool) -> None:
    known = {file.part: file for file in published_data.published_set("imagenet-c").files}
    contents = {
        part: tar_of({f"{name}/{level}/{A}/1.JPEG": f"{name}{level}".encode() for name in held for level in "12345"})
        for part, held in {"noise": known["noise"].holds, "blur": known["blur"].holds}.items()
    }
    publish("imagenet-c", *((known[part], contents[part]) for part in ("noise", "blur")))
    root, options = tmp_path / "root", ["--quiet", *(["--no-unpack"] if packed else [])]
    assert hardiness("data", "get", "imagenet-c:noise", "--data", root, *options).status == 0
    first = locate([str(root)]).dataset("imagenet-c")
    assert len(first.conditions or ()) == 15
    assert hardiness("data", "get", "imagenet-c:noise+blur", "--data", root, *options).status == 0
    second = locate([str(root)]).dataset("imagenet-c")
    assert len(second.conditions or ()) == 35
    assert second.fingerprint == first.fingerprint
    assert all(second.fingerprints[cell] == first.fingerprints[cell] for cell in first.fingerprints)
    told = hardiness("data", "get", "imagenet-c:nois", "--data", root)
    assert (told.status, told.out) == (2, "")
    assert "did you mean 'noise'" in told.err


def test_without_a_published_checksum_the_first_is_kept(hardiness: Any, publish: Any, web: Any, tmp_path: Path) -> None:
    (file,) = published_data.published_set("cue-conflict").files
    publish("cue-conflict", (file, tar_of({"cue-conflict/cat/cat1-dog1.png": b"1"}, "w:gz")), checksum=False)
    told = hardiness("data", "get", "cue-conflict", "--data", tmp_path / "a")
    assert told.status == 0, told.err
    assert "none is published; kept in" in told.out
    web.files["published/cue-conflict/cue-conflict.tar.gz"] = tar_of({"cue-conflict/cat/cat1-dog1.png": b"2"}, "w:gz")
    told = hardiness("data", "get", "cue-conflict", "--data", tmp_path / "b")
    assert told.status == 2
    assert "must have a sha256 of" in told.err
    assert not (tmp_path / "b/cue-conflict").exists()


@pytest.mark.slow
@pytest.mark.thorough
def test_killed_at_any_moment_it_continues(web: Any, tmp_path: Path) -> None:
    """SIGKILL while it comes in, and while it is unpacked: nothing looks whole, what had come is not asked again."""
    noise = rng(0, "noise").bytes(60_000_000)
    names = [f"cue-conflict/cat/cat{number}-dog1.png" for number in range(40)]
    content = tar_of({name: noise[1_500_000 * n : 1_500_000 * (n + 1)] for n, name in enumerate(names)})
    web.files["cue-conflict/cue-conflict.tar.gz"] = content
    root = tmp_path / "root"
    arguments = ["data", "get", "cue-conflict", "--data", str(root), "--mirror", web.address, "--quiet"]
    command = [sys.executable, "-m", "hardiness.cli", *arguments]
    part = root / "downloads/cue-conflict/cue-conflict.tar.gz.part"
    staging = root / ".cue-conflict.cue-conflict.tar.gz.partial"
    web.pause_s = 0.02
    for is_far in (lambda: part.exists() and part.stat().st_size > 5_000_000, staging.exists):
        process = subprocess.Popen(command, env={**os.environ, "HARDINESS_CACHE": str(tmp_path / "cache")})
        while process.poll() is None and not is_far():
            time.sleep(0.001)
        process.kill()
        process.wait()
        assert not (root / "cue-conflict").exists()
        web.pause_s = 0.0
    came = len(web.asked)
    assert subprocess.run(command, env={**os.environ, "HARDINESS_CACHE": str(tmp_path / "cache")}).returncode == 0
    assert len(web.asked) == came  # the archive was whole
    found = {path.name: path.read_bytes() for path in (root / "cue-conflict").rglob("*.png")}
    assert found == {Path(name).name: noise[1_500_000 * n : 1_500_000 * (n + 1)] for n, name in enumerate(names)}
    assert sorted(path.name for path in root.iterdir()) == ["cue-conflict"]
    first, second = (span for name, span in web.asked if name.endswith("tar.gz"))
    assert first is None
    assert int(second.removeprefix("bytes=").removesuffix("-")) > 5_000_000


def test_a_mirror_is_asked_first(hardiness: Any, imagenet_a: Any, web: Any, tmp_path: Path) -> None:
    web.files["m/imagenet-a/imagenet-a.tar"] = web.files["published/imagenet-a/imagenet-a.tar"]
    arguments = ["data", "get", "imagenet-a", "--quiet", "--data", tmp_path / "root"]
    assert hardiness(*arguments, "--mirror", web.url("m/")).status == 0
    assert {path for path, _ in web.asked} == {"m/imagenet-a/imagenet-a.tar"}


@pytest.mark.parametrize("fault", ["page", "loop", "404"])
def test_what_cannot_be_had_costs_one_line(
    hardiness: Any, imagenet_a: Any, web: Any, tmp_path: Path, fault: str
) -> None:
    web.faults = [fault] * 9
    told = hardiness("data", "get", "imagenet-a", "--data", tmp_path / "root", "--quiet")
    assert told.status == 2
    assert len(told.err.splitlines()) == 1
    assert not (tmp_path / "root/imagenet-a").exists()


def test_what_cannot_be_fetched_is_said_how(hardiness: Any, tmp_path: Path) -> None:
    told = hardiness("data", "get", "imagenet", "--data", tmp_path)
    assert told.status == 2
    assert "register at image-net.org" in told.err
    assert "did you mean 'imagenet-a'" in hardiness("data", "get", "imagenet-aa", "--data", tmp_path).err


BY_HAND = ("laion-c", "ssb-hard", "inaturalist", "textures", "openimage-o")
"""Sets that benchmarks read and that lie at no address which a command can fetch."""


def test_every_set_that_a_benchmark_reads_is_listed_and_checked(hardiness: Any, tmp_path: Path) -> None:
    picture = io.BytesIO()
    PIL.Image.new("RGB", (32, 32)).save(picture, "JPEG")
    for name in BY_HAND:
        file = tmp_path / name / ("glitched/intensity_level_1/ball/1.jpg" if name == "laion-c" else "a/b/1.jpg")
        file.parent.mkdir(parents=True)
        file.write_bytes(picture.getvalue())
        assert hardiness("data", "check", name, "--data", tmp_path, "--quiet").status == 0
        told = hardiness("data", "get", name, "--data", tmp_path)
        assert told.status == 2
        assert f"{name} lies at no address that can be fetched by a command: fetch " in told.err
    (tmp_path / "textures/a/b/1.jpg").write_bytes(picture.getvalue()[:200])
    assert hardiness("data", "check", "textures", "--data", tmp_path, "--quiet").status == 1
    listed = {each["name"]: each for each in json.loads(hardiness("data", "list", "--data", tmp_path, "--json").out)}
    assert {name: listed[name]["images"] for name in BY_HAND} == dict.fromkeys(BY_HAND, 1)
    assert [listed[name]["note"] for name in BY_HAND] == ["", "of 49,000", "of 10,000", "of 5,160", "of 15,869"]
    assert [listed[name]["benchmarks"] for name in BY_HAND] == [["laion-c"], *[["ood"]] * 4]
    assert listed["ninco"]["benchmarks"] == ["ood"]


def test_a_size_that_nobody_publishes_is_said_to_be_none(hardiness: Any, tmp_path: Path) -> None:
    told = hardiness("data", "list", "--data", tmp_path).out
    assert "?" not in told
    lines = [each.replace("│", " ") for each in told.splitlines()]
    sizes = {name: each.split() for each in lines for name in published_data.datasets() if each.split()[:1] == [name]}
    assert sizes["imagenet-a"][1] == "0.7"
    for name in (*BY_HAND, "ninco", "imagenet-o", "imagenet-p"):
        assert sizes[name][1:3] == ["not", "known"], name  # "here" stands in the next line
    assert told.count(" not known ") == told.count(" here ") > 7
    assert "published" not in told


def test_all_facts_are_of_one_form() -> None:
    for name in published_data.datasets():
        found = published_data.published_set(name)
        assert found.images > 0 or found.by_hand
        assert bool(found.files) != bool(found.by_hand)
        assert found.home.startswith("https://")
        assert len(found.seen) == 10
        assert {file.part for file in found.chosen(())} <= {file.part for file in found.files}
        for file in found.files:
            assert all(url.startswith("https://") for url in file.urls)
            assert bool(file.urls) != bool(found.account)
            assert len(file.sha256) in (0, 64)
            assert len(file.md5) in (0, 32)
    labels = validation_labels()
    assert len(labels) == 50_000
    assert {labels.count(index) for index in (0, 1, 500, 999)} == {50}
    assert names_sha256([validation_name(i) for i in range(1, 50_001)]) == VALIDATION_NAMES_SHA256
