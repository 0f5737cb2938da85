"""Every snippet of README, CONTRIBUTING and docs does what it says, in small."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import hardiness
from hardiness.benchmarks.suites import suite
from hardiness.cli.main import COMMANDS, command_of, main
from hardiness.core.random import rng
from hardiness.report import figure_files
from hardiness.report.figure_files import WRITERS
from hardiness.results.policy import policy_of

ROOT = Path(hardiness.__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WNIDS = ("n01440764", "n01443537", "n01484850")

NETWORK = """
import torch
def build():
    generator = torch.Generator().manual_seed(0)
    head = torch.nn.Linear(48, 1000)
    head.weight.data = torch.randn(1000, 48, generator=generator)
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), head)
def viewed():
    from hardiness import View
    return build(), View()
"""

ASSUMED = """
import numpy as np
import torch
import hardiness
from network import build
my_module = build()
my_classifier = lambda images: images[:, ::112, ::112].reshape(len(images), -1)[:, :2] / 255.0
view = hardiness.View(resize_px=36, crop_px=32)
image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
images, labels = np.stack([image, image[::-1]]), [0, 1]
"""
"""What snippets take for given: a module, its view, pictures with labels."""


PRINTED = re.compile(r"<!-- made: slices \w+ -->.*?<!-- end: slices \w+ -->", re.DOTALL)
"""The output of a command, which `docs/write.py` writes."""


def blocks(page: Path) -> list[tuple[str, str]]:
    """The language and the text of each fenced block, but for what commands print."""
    return BLOCK.findall(PRINTED.sub("", page.read_text("utf-8")))


def with_python() -> list[Path]:
    return [page for page in PAGES if any(language.startswith("python") for language, _ in blocks(page))]


def commands(page: Path) -> list[str]:
    """Every command of the page's blocks without a language: lines that go on are joined, ``&&`` parts them."""
    found = []
    for language, text in blocks(page):
        if not language and not re.match(r"[\w:-]+(: [\w ]+| on [^\n]+)?\n┏", text):
            lines = re.sub(r"\\\n\s*", "", text).splitlines()
            found += [part.strip() for line in lines for part in line.partition("  #")[0].split(" && ") if part.strip()]
    return found


def of_hardiness(line: str) -> bool:
    return line.startswith("hardiness ")


def picture(file: Path, side: int) -> None:
    """Writes noise, other noise for another name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng(0, file.name).integers(0, 256, (side, side, 3), np.uint8)).save(file)


def furnish(folder: Path) -> None:
    """Writes two networks, a data root of five pictures, and the answers of two networks to those of CIFAR-10."""
    for name in ("network", "my_model"):
        (folder / f"{name}.py").write_text(NETWORK)
    for number, wnid in enumerate(WNIDS):
        picture(folder / "data" / "imagenet" / "val" / wnid / f"{number}.png", 230)
        picture(folder / "data" / "imagenet-a" / "n01498041" / f"{number}.png", 230)
    for name in ("cat1-dog2", "car3-boat1"):
        picture(folder / "data" / "cue-conflict" / f"{name}.png", 224)
    columns = ("labels", "labels_v4", "darc.test", "darc.v4", "nas.test", "nas.v4")
    answers = {name: rng(0, name).integers(0, 10, 200) for name in columns}
    np.savez(folder / "predictions_of_15.npz", **answers)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working folder."""
    furnish(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What commands on stored results are given: two models on three benchmarks."""
    folder = tmp_path_factory.mktemp("stored")
    furnish(folder)
    three = "-b cue-conflict -b imagenet-c:corruptions=fog -b imagenet-p:perturbations=translate"
    made = f"hardiness run -m {FIRST} -m {SECOND} {three} --data data --limit 1 --out stored --quiet"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", shlex.split(made))
        with pytest.raises(SystemExit) as left:
            main()
    assert not left.value.code
    return folder / "stored"


@pytest.fixture(autouse=True)
def nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The paper's suite asks for a surrogate of a hundred megabytes, and waits for a network that does not answer."""
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")


def first_only(write: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """The same file whatever is drawn: that of the first drawing."""
    drawn: list[bytes] = []

    def written(sheet: Any) -> bytes:
        if not drawn:
            drawn.append(write(sheet))
        return drawn[0]

    return written


@pytest.fixture(scope="module", autouse=True)
def one_figure_of_each_kind_is_drawn() -> Iterator[None]:
    """Whatever a page's commands draw into files is what was drawn first: here nobody looks at figures.

    They were half the time of these tests. That every figure is drawn has tests in ``tests/unit/report``.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            figure_files, "WRITERS", {**WRITERS, **{kind: first_only(WRITERS[kind]) for kind in ("pdf", "png")}}
        )
        yield


def complaint(warm: Callable[..., Any], place: Path, *command: str) -> str:
    """What a process in that folder, with the same packages, wrote to standard error where it failed."""
    paths = [str(place), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    process = warm(*command, cwd=place, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    _, err = process.communicate(timeout=1800)
    return f"{process.returncode}: {err}" if process.returncode else ""


@pytest.mark.slow
@pytest.mark.parametrize("page", with_python(), ids=lambda page: page.stem)
def test_python_snippets_of_a_page_run_one_after_the_other(page: Path, place: Path, warm: Callable[..., Any]) -> None:
    """In a process of their own: what they register would else become part of the contract tests."""
    if "Store.open" in page.read_text("utf-8"):  # what an earlier command of the page left behind
        for benchmark, out in (("cue-conflict", "runs/shape"), ("imagenet-val", "runs/mine")):
            asked = f"-m hardiness.cli run -m py:network.py:viewed -b {benchmark} --data data --out {out} --quiet"
            assert complaint(warm, place, *asked.split()) == ""
    session = [ASSUMED]
    for language, text in blocks(page):
        name, _, file = language.removesuffix('"').partition(' title="')
        if name == "python" and file:
            (place / file).write_text(text)
            session += [f"import {file.removesuffix('.py')}"] if file.startswith("_") else []
        elif name == "python":
            session.append(text.replace('"/data"', '"data"'))
    (place / "session.py").write_text("\n".join(session))
    assert complaint(warm, place, "session.py") == ""


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    kinds = {language for page in PAGES for language, _ in blocks(page)}
    assert {kind.partition(' title="')[0] for kind in kinds} <= {"", "python", "toml", "csv", "json", "yaml"}


def test_json_on_pages_is_json() -> None:
    texts = [text for page in PAGES for language, text in blocks(page) if language == "json"]
    assert texts
    assert all(isinstance(json.loads(text), dict) for text in texts)


def test_toml_snippets_are_suites_policies_or_entry_points(tmp_path: Path) -> None:
    groups = set(re.findall(r"^\| `(hardiness\.\w+)`", (ROOT / "docs" / "extend.md").read_text(), re.MULTILINE))
    assert groups, "the table of what can be added"
    for page in PAGES:
        for language, text in blocks(page):
            if language == "toml" and "rows" in text:
                (tmp_path / "mine.toml").write_text(text)
                assert suite(str(tmp_path / "mine.toml")).rows
            elif language == "toml" and "rules" in text:
                assert policy_of(text).rules
            elif language == "toml":
                assert {*tomllib.loads(text)["project"]["entry-points"]} <= groups


def test_other_commands_name_what_there_is() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    known = ("git clone", "cd ", "python3 -m venv", ". .venv", "eval ", "MODELS=")
    for page in PAGES:
        for line in commands(page):
            words = [word for word in line.split() if "=" not in word]
            if of_hardiness(line) or line.startswith(known):
                continue
            if words[0] == "make":
                assert set(words[1:]) <= targets, f"{page}: {line}"
            elif words[:2] == ["pip", "install"]:
                named = {extra for found in re.findall(r"\.\[([\w,]+)\]", line) for extra in found.split(",")}
                assert named <= {*extras}, f"{page}: {line}"
            elif words[0] in ("python", "pytest"):
                files = [word.partition("::")[0] for word in words[1:] if "/" in word]
                assert all((ROOT / file).exists() for file in files), f"{page}: {line}"
            else:
                assert re.fullmatch(r"[\w ]+,[\w ]+", line), f"{page}: a command of an unknown kind: {line}"


NOT_RUN = (
    "hardiness data get",
    "hardiness data drop",
    "upside-down",
    "upside_down",
    "sklearn:",
    "-b street",
    ":labels=FILE.csv",
    "py:guess",
    "py:photos",
    "bars",
    "lines-and-light",
    "passing",
    "bpda=",
    "adversarial=",
    "universal-patch",
    "robustbench",
    "--humans raw-data",
    "--log",
    "--columns",
    "--slice",
    "--cluster",
    "--data photos",
    "runs/mine --all",
    "runs/int8",
    "-m chat:",
    "slices.toml",
    "--ladder",
    "runs/lite0",
    "file:",
    "coco",
    "runs/markers",
    "gate runs/net",
    "gate runs/jpeg",
)
"""What downloads, what removes a run by a key that no other folder has, what needs the page's own example registered,
people's files, boxes, scores, a csv, columns of pictures, exports of a page's own, an endpoint and trackers: tests of
their own run these."""

FIRST, SECOND = "py:network.py:viewed", "py:my_model.py:viewed"

SMALLER = {
    "run": "--limit 1",
    "compare --noise": "--limit 2",
    "make corruptions": "--limit 1 --corruptions fog",
    "make perturbations": "--limit 1 --perturbations translate",
    "make features": "--steps 2 --size 64",
    "make stimuli": "--limit 1 --steps 1",
    "make patch": "--limit 2 --steps 1",
}
"""What is added to a command so that it takes seconds."""


POLICY = "until_decided.toml"
"""What ends a run: one rule on what is run, and not on all that the page's other commands have stored."""


def in_small(line: str) -> list[str]:
    """The words of a command with stand-ins for its placeholders and its models."""
    line = (
        re.sub(r"\[[^\]]*\]…?", "", line)
        .replace("$MODELS", "-m MODEL")
        .replace("…", "--data ROOT")
        .replace("BENCHMARK", "imagenet-val")
    )
    line = line.replace("autoattack", "autoattack:queries=20").replace("--data embedded", "--data data")
    line = re.sub(r"surrogate=[\w.]+", f"surrogate={SECOND}", line)
    # One image says nothing of 75 cells, and next to nothing of one.
    line = re.sub(r"-b imagenet-\w+ (.*)--precision-target [\d.]+", r"-b imagenet-val \1--precision-target 1", line)
    line = line.replace("--until-decided policy.toml", f"--until-decided {POLICY}")
    words = shlex.split(line)[1:]
    names = {"ROOT": "data", "SRC": "data", "/data": "data", "DIR": "data/imagenet/val", "DST": "written"}
    words = [re.sub(r"\b(ROOT|SRC|DST)$|^(DIR|/data)$", lambda found: names[found[0]], word) for word in words]
    if words[:2] == ["make", "features"]:
        words = [re.sub(r"^timm:.*", "timm:resnet50:weights=random", word) for word in words]
        words = [FIRST if word == "MODEL" else word for word in words]
    else:
        models = [place for place, word in enumerate(words) if place and words[place - 1] in ("-m", "--model")]
        for place, stand_in in zip(models, (FIRST, SECOND), strict=False):
            words[place] = stand_in
        dropped = {at for place in models[2:] for at in (place - 1, place)}
        words = [word for place, word in enumerate(words) if place not in dropped]
        words = [
            FIRST if place and words[place - 1] in ("--baseline", "--reference") else word
            for place, word in enumerate(words)
        ]
        if words[0] == "run" and not models:
            words += ["-m", FIRST]
    if "imagenet-c=written" in words:
        words[words.index("imagenet-c")] = "imagenet-c:corruptions=fog"
    if "imagenet-p=written" in words:
        words[words.index("imagenet-p")] = "imagenet-p:perturbations=translate"
    out = 2 if words[1] in ("--claims", "--people") else 1
    if (
        words[0] in ("show", "report", "export", "compare", "gate")
        and len(words) > out
        and not words[out].startswith("-")
    ):
        words[out] = "stored"
        words[out + 1 :] = ["stored" if word.startswith("runs/") else word for word in words[out + 1 :]]
    if words[:2] == ["list", "runs"]:
        words[2] = "stored"
    added = shlex.split(SMALLER.get(" ".join(words[:2]), SMALLER.get(words[0], "")))
    if "--levels" in words:  # which are of one corruption, and fog has none
        added = ["--limit", "1"]
    if "--limit" in words and "--limit" in added:  # an option is given once
        at = words.index("--limit")
        words = [*words[:at], *words[at + 2 :]]
    return words + added


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(map(of_hardiness, commands(page)))], ids=lambda page: page.stem
)
def test_commands_of_a_page_run_one_after_the_other(
    page: Path, place: Path, stored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    lines = [line for line in commands(page) if of_hardiness(line) and not any(each in line for each in NOT_RUN)]
    asked = [in_small(line) for line in lines]
    for language, text in blocks(page):
        if title := re.fullmatch(r'toml title="(.+)"', language):
            Path(title[1]).write_text(text)
    Path(POLICY).write_text('[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.5\n')
    if any("stored" in words[1:3] for words in asked):
        shutil.copytree(stored, "stored")
    for words in asked:
        monkeypatch.setattr(sys, "argv", ["hardiness", *words])
        with pytest.raises(SystemExit) as left:
            main()
        assert not left.value.code, f"{' '.join(words)}\n{capsys.readouterr().err}"


def test_options_in_brackets_exist() -> None:
    for page in PAGES:
        for line in filter(of_hardiness, commands(page)):
            words = line.split()[1:3]
            command = command_of(" ".join(words) if " ".join(words) in COMMANDS else words[0])
            known = {name for option in command.params for name in option.opts}
            assert set(re.findall(r"\[(--[\w-]+)", line)) <= known, f"{page}: {line}"
