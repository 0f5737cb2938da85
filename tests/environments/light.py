"""Reading, gating and corrupting where torch, torchvision, timm and OpenVINO are not installed.

`.ci/environments light` makes the environment by ``pip install .`` and calls this by name, as the file is not called as
tests are. It needs pytest and nothing else of what tests need; ``HARDINESS_HASHES`` is a file of the kernels' hashes by
the project's own environment, as ``python tests/masked/kernel_hashes.py`` prints them.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import pkgutil
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from kernel_hashes import kernel_hashes, picture

import hardiness
from hardiness.core.errors import ArgumentError
from hardiness.models.frameworks import FRAMEWORKS
from hardiness.report.exports import registry as exporters
from hardiness.store.store import Store

STORED = Path(__file__).parents[1] / "reference" / "stored_out"
COMMAND = Path(sys.executable).with_name("hardiness")


def called(*arguments: object) -> subprocess.CompletedProcess[str]:
    """``hardiness ARGUMENTS`` as a process of its own."""
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stored rows of two models on the validation set, and of one under corruptions and attack."""
    folder = tmp_path_factory.mktemp("stored") / "out"
    shutil.copytree(STORED, folder, ignore=shutil.ignore_patterns("scored"))
    store = Store.open(folder)
    (photographs,) = (each for each in store.runs() if each.run.benchmark.name == "imagenet-val")
    another = replace(photographs.run, model=replace(photographs.run.model, name="another"))
    rows = photographs.records()
    store.run(another, photographs.plan).write(0, [(sample, 0) for sample in rows["sample"].tolist()], rows)
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders with a picture each, as ImageNet's lie."""
    root = tmp_path_factory.mktemp("data")
    for place, name in enumerate(("n01440764/fish", "n01494475/shark")):
        file = root / "imagenet" / "val" / f"{name}.JPEG"
        file.parent.mkdir(parents=True)
        PIL.Image.fromarray(picture(260 + place, 300)).save(file)
    return root


def test_no_framework_is_installed() -> None:
    assert [name for name in FRAMEWORKS if find_spec(name)] == []


def test_every_module_can_be_imported() -> None:
    for module in pkgutil.walk_packages(hardiness.__path__, "hardiness."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@pytest.mark.parametrize("arguments", ["show", "show --all --json", "report", "compare", "list runs"])
def test_stored_rows_are_read(arguments: str, out: Path) -> None:
    done = called(*arguments.split(), out)
    assert done.returncode == 0, done.stderr
    assert "squeezenet1_1" in done.stdout or (out / "report.html").exists()


@pytest.mark.parametrize("form", exporters.names())
def test_everything_is_exported(form: str, out: Path, tmp_path: Path) -> None:
    done = called("export", out, "--format", form, "--to", tmp_path / "x")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x").stat().st_size


def test_a_gate_is_written_and_decides(out: Path, tmp_path: Path) -> None:
    policy, comment = tmp_path / "policy.toml", tmp_path / "comment.md"
    done = called("gate", out, "--write-policy", policy)
    assert done.returncode == 0, done.stderr
    done = called("gate", out, "--policy", policy, "--comment", comment)
    assert done.returncode in (0, 4), done.stderr
    assert "imagenet-val" in comment.read_text()
    policy.write_text('[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 1.0\n')
    assert called("gate", out, "--policy", policy).returncode == 3
    assert hardiness.gate(out, policy).exit_status == 3


def test_python_reads_rows_too(out: Path) -> None:
    assert len(hardiness.load_results(out).table())
    assert str(hardiness.compare(out))
    assert "squeezenet1_1" in Path(hardiness.write_report(out)).read_text()


def test_pictures_are_made(photos: Path, tmp_path: Path) -> None:
    done = called("make", "corruptions", photos, tmp_path / "c", "--severities", "3", "--contact-sheet")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "c").glob("*/3/*/*.png"))) == 15 * 2
    done = called("make", "perturbations", photos, tmp_path / "p", "--quiet")
    assert done.returncode == 0 or "hardiness[video]" in done.stderr, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        "run -m squeezenet1_1 -b imagenet-val --data PHOTOS --out OUT",
        "run -m timm:resnet50 --data PHOTOS --out OUT --plan",
        "run --suite demo --out OUT",
        "make features -m squeezenet1_1 --class goldfish --out OUT",
        "make patch -m squeezenet1_1 --data PHOTOS --out OUT",
    ],
)
def test_what_evaluates_names_the_command_that_installs_torch(arguments: str, photos: Path, tmp_path: Path) -> None:
    done = called(*arguments.replace("PHOTOS", str(photos)).replace("OUT", str(tmp_path / "out")).split())
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("hardiness: ")
    assert line.endswith("needs torch, which is not installed; pip install 'hardiness[torch]'")
    assert not (tmp_path / "out").exists()


def test_python_says_the_same() -> None:
    for call in (
        lambda: hardiness.load_model("squeezenet1_1"),
        lambda: hardiness.evaluate("squeezenet1_1", "imagenet-val", "embedded"),
        lambda: hardiness.evaluate(len, "own", ([], [])),
        lambda: hardiness.attack("squeezenet1_1", np.zeros((1, 224, 224, 3), np.uint8), [0], epsilon=0.01),
    ):
        with pytest.raises(ArgumentError, match=r"needs torch, .* pip install 'hardiness\[torch\]'"):
            call()


def test_doctor_finds_nothing_wrong() -> None:
    done = called("doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["versions"]["torch"] == "not installed"
    assert found["speed"]["models"].endswith("pip install 'hardiness[torch]'")


CORRUPT = hardiness.Corrupt("gaussian_noise", severity=3, seed=1)


def corrupted(image: Any) -> Any:
    """The picture corrupted, in whatever process this is."""
    return CORRUPT(image)


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_workers_give_the_pixels_of_one_process(start: str) -> None:
    """Workers that get a copy and hand pictures back in another order, as those of a data loader do."""
    images = [picture(64 + each, 70) for each in range(8)]
    expected = [CORRUPT(image) for image in images]
    with multiprocessing.get_context(start).Pool(2) as pool:
        for given, made in ((images, expected), (images[::-1], expected[::-1])):
            by_copy, by_import = pool.map(CORRUPT, given), pool.map(corrupted, given)
            for one, other, right in zip(by_copy, by_import, made, strict=True):
                np.testing.assert_array_equal(one, right)
                np.testing.assert_array_equal(other, right)
    assert "torch" not in sys.modules


STEP = hardiness.Corrupt("gaussian_noise", severity=3)


def adopt(step: hardiness.Corrupt) -> None:
    """Gives a worker the step that its parent has, once for all epochs."""
    global STEP
    STEP = step


def stepped(image: Any) -> Any:
    """The picture as the worker's own step makes it."""
    return STEP(image)


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_workers_that_live_on_follow_the_epoch(start: str) -> None:
    image, step = picture(64, 70), hardiness.Corrupt("gaussian_noise", severity=3)
    with multiprocessing.get_context(start).Pool(1, adopt, (step,)) as pool:
        for step.epoch in (0, 1):
            np.testing.assert_array_equal(
                pool.apply(stepped, (image,)), hardiness.Corrupt("gaussian_noise", 3, epoch=step.epoch)(image)
            )


def test_all_kernels_give_the_bytes_of_the_whole_installation() -> None:
    expected = json.loads(Path(os.environ["HARDINESS_HASHES"]).read_text())
    assert len(expected) > 90
    assert kernel_hashes() == expected
