"""Every command of README and of the pages that it leads to, in an environment made by README's first command.

It takes minutes and gigabytes. So the file is not called as tests are, and pytest runs it where it is named alone:
``pytest tests/environments/readme.py``, which is part of ``.ci/environments``.
The environment lies in a path with spaces, and what follows the installation has neither a HOME nor a network.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import exported
import pytest
import torch

import hardiness
from hardiness.data.embedded_photographs import embedded
from hardiness.reference.classes import wnids

ROOT = Path(hardiness.__file__).parents[2]
PAGES = ("README.md", "docs/start.md", "docs/gate.md", "docs/own_data.md")
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

STAND_INS = {
    "-m resnext101_32x8d_wsl -m timm:resnet50.a1_in1k": "-m squeezenet1_1 -m efficientnet_lite0",
    "-m timm:resnet50.a1_in1k": "-m squeezenet1_1",
    "-m MODEL": "-m efficientnet_lite0",
    "--data /data": "--data data --limit 1",
    "--data ROOT": "--data data --limit 40",
    "--data photos": "--data photos --limit 4",
}
"""What a machine without these weights and data puts in place of a command's words."""

TORCHS_INDEX = " --index-url https://download.pytorch.org/whl/cpu"


def no_network() -> tuple[str, str]:
    """The words before a command that take the network away; root may where namespaces of users are not allowed."""
    ways = (("unshare", "-rn"), ("unshare", "-n"))
    working = [way for way in ways if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0]
    assert working, "neither 'unshare -rn true' nor, as root, 'unshare -n true' works: allow namespaces of users"
    return working[0]


def blocks(page: str) -> list[tuple[str, str, str]]:
    """The language, the title and the text of each block but of tables that commands print."""
    found = [(*kind.partition(' title="')[::2], text) for kind, text in BLOCK.findall((ROOT / page).read_text("utf-8"))]
    return [(language, title.rstrip('"'), text) for language, title, text in found if "┏" not in text]


def commands(page: str) -> list[str]:
    """Every command of the page's blocks, comments left out, in which lines that go on are joined."""
    texts = [re.sub(r"\\\n\s*", "", text) for language, _, text in blocks(page) if not language]
    lines = [line.partition("  #")[0].strip() for text in texts for line in text.splitlines()]
    return [line for line in lines if line]


WITH_MAKE, WITHOUT_MAKE = commands("README.md")[0], commands("docs/start.md")[:4]
"""What installs: the first also runs the demo."""

DONE = {WITH_MAKE, "make test", ". .venv/bin/activate", *WITHOUT_MAKE}
"""Commands that are not run again, and the tests, which are run elsewhere."""


@dataclass(frozen=True)
class Environment:
    """An environment in a checkout, and the caches of who made it.

    Attributes:
        checkout: where README's first command was run.
        caches: what stands for the user's cache folder.
    """

    checkout: Path
    caches: Path

    def call(self, line: str, folder: Path, *before: str, **more: str) -> subprocess.CompletedProcess[str]:
        """What a command does in a folder where the environment is active."""
        usual = re.compile(r"LANG|TMPDIR|SSL_CERT_\w+|PIP_\w+|\w+_proxy", re.IGNORECASE)
        environment = {name: value for name, value in os.environ.items() if usual.fullmatch(name)}
        programs = self.checkout / ".venv" / "bin"
        path = f"{programs}:{self.checkout.parent / 'bin'}:{os.environ['PATH']}"
        environment |= {"PATH": path, "XDG_CACHE_HOME": str(self.caches), **more}
        line = f"set -euo pipefail; {line}"
        return subprocess.run(
            [*before, "bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What `make demo` makes of a copy of the project; in the folder ``HARDINESS_ENVIRONMENT`` where that is set."""
    given = os.environ.get("HARDINESS_ENVIRONMENT")
    folder = Path(given) if given else tmp_path_factory.mktemp("README") / "a path with spaces"
    checkout = folder / "hardiness"
    checkout.mkdir(parents=True)
    shutil.copytree(ROOT / "src", checkout / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    made = Environment(checkout, folder / "caches")
    python3 = folder / "bin" / "python3"  # in README's sense: 3.11 or newer
    python3.parent.mkdir()
    python3.symlink_to(sys._base_executable)  # type: ignore[attr-defined]
    _, *others = (line.replace(TORCHS_INDEX, "") for line in WITHOUT_MAKE)  # make has made .venv
    for line in (WITH_MAKE, *others):
        done = made.call(line, checkout, HOME=os.environ.get("HOME", "/"))
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert (checkout / "runs" / "demo" / "report.html").exists()
    return made


def test_the_pages_begin_with_what_installs() -> None:
    assert WITH_MAKE == "make demo"
    assert WITHOUT_MAKE[0].startswith("python3 -m venv")
    assert WITHOUT_MAKE[1].endswith(TORCHS_INDEX)
    assert WITHOUT_MAKE[3] == "hardiness data get frost"


def test_commands_of_pages_have_what_stands_in_for_their_data() -> None:
    text = "\n".join(line for page in PAGES for line in commands(page))
    for words in STAND_INS:
        assert words in text, f"{words}: no command has it any more"


def furnish(folder: Path, page: str) -> None:
    """Writes what a page takes for given: pictures, a network, a data root, and the files that it shows."""
    for place, item in enumerate(embedded().items):
        content, wnid = item.file.read(), wnids()[item.label]
        for place_of in (f"data/imagenet/val/{wnid}", f"photos/{'animals' if item.label < 398 else 'things'}"):
            target = folder / place_of / f"{place}.JPEG"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    (folder / "data" / "imagenet-a" / "n01498041").mkdir(parents=True)
    (folder / "data" / "imagenet-a" / "n01498041" / "1.JPEG").write_bytes(content)
    torch.manual_seed(0)
    small = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 2))
    exported.export(small, folder / "net.onnx")
    if page == "docs/gate.md":
        pictures = sorted((folder / "data" / "imagenet" / "val").rglob("*.JPEG"))
        lines = (f"{picture.name},{'AB'[number % 2]},{number // 3}" for number, picture in enumerate(pictures))
        (folder / "metadata.csv").write_text("\n".join(["file,site,patient", *lines]))
    if page == "docs/own_data.md":
        shutil.rmtree(folder / "photos")
        for _, title, text in blocks(page):
            if title:
                (folder / title).write_text(text)


OUT = "hardiness run -m efficientnet_lite0 -b imagenet-val --data data --limit 40 --out OUT"
FIRST = {"docs/gate.md": [f"{OUT} --seed 1", OUT], "docs/own_data.md": ["python photos.py", "python columns.py"]}
"""What a page takes for done."""

KEY = "3fa2c19b"
"""Stands on a page for the key of the oldest run of a folder."""


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_work_in_that_environment(page: str, environment: Environment, tmp_path: Path) -> None:
    """One after the other; the gate may say that images are too few."""
    alone = no_network()
    folder = tmp_path / "a folder of mine"
    furnish(folder, page)
    for line in [*FIRST.get(page, []), *commands(page)]:
        if line in DONE:
            continue
        for words, others in STAND_INS.items():
            line = line.replace(words, others)
        if KEY in line:
            runs = sorted((folder / "OUT" / "records").iterdir(), key=lambda run: (run / "run.json").stat().st_mtime_ns)
            line = line.replace(KEY, json.loads((runs[0] / "run.json").read_text())["key"])
        done = environment.call(line, folder, *alone)
        undecided = done.returncode == 4 and line.startswith("hardiness gate ")
        assert done.returncode == 0 or undecided, f"{line}\n{done.stdout}{done.stderr}"
    for language, title, text in blocks(page):
        if language == "python" and not title:
            done = environment.call('python -c "$TEXT"', folder, *alone, TEXT=text)
            assert done.returncode == 0, done.stderr
