"""Command lines of 0.1 do and print what the command lines of today do and print."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from hardiness.cli.main import ALIASES, main
from hardiness.data.root import locate

STORED = Path(__file__).parents[2] / "reference" / "out_f2dda58"
NETWORK = """
import torch
from hardiness import View
def build():
    torch.manual_seed(0)
    layers, channels = [], 3
    for wide in (4, 6, 8, 8):
        layers += [torch.nn.Conv2d(channels, wide, 3, stride=2, padding=1), torch.nn.ReLU()]
        channels = wide
    head = [torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(32, 1000)]
    return torch.nn.Sequential(*layers, *head), View()
"""
MODEL = "-m py:network.py:build --device cpu"
SAME = {
    "models": ("", "efficientnet_lite0", "resnext*", "--published imagenet-r --at-least 70", "alexnat", "--at-least 3"),
    "benchmarks": ("", "imagenet-c", "imagenet-cc"),
    "attacks": ("", "pgd", "pdg"),
    "corruptions": ("", "fog", "fgo"),
    "perturbations": ("", "snow", "snwo"),
    "claims": ("--published", "--published --json", "--published --format csv", "OUT", "OUT --published", "nowhere"),
    "noise": (f"{MODEL} -b imagenet-val --data embedded --limit 2 --out N --quiet", "-m alexnet", "-b imagenet-val"),
    "power": ("--difference 0.01 --baseline-error 0.2", "--difference 0.01 --baseline-error 0.2 --json", "--power 0.9"),
    "corrupt": (
        "embedded D --corruptions contrast --severities 1+3 --limit 1",
        "embedded D --severities 9",
        "embedded",
    ),
    "perturb": ("embedded D --perturbations translate --limit 1 --contact-sheet", "embedded D --difficulty 4", ""),
    "visualise": (f"{MODEL} --class 3 --steps 1 --size 32 --out V", f"{MODEL} --layers --size 32", MODEL),
    "make-cue-conflict": (f"--shapes S --textures S --out C {MODEL} --limit 1 --steps 1 --size 64", "--out C"),
    "make-patch": (f"{MODEL} --data embedded --limit 2 --steps 1 --out P", f"{MODEL} --data embedded --share 2"),
}
"""By the name of 0.1: what follows it, one line that works, and others; a line may be wrong, and is refused alike."""

SLOW = ("noise", "visualise", "claims", "perturb")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a stored OUT, a small network, and photographs S in a folder for each of two classes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    return tmp_path


def laid_out(place: Path) -> None:
    """The same files as before the first line."""
    for each in place.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    shutil.copytree(STORED, place / "OUT")
    (place / "network.py").write_text(NETWORK)
    for item in locate(["embedded"]).dataset("imagenet").items[:50:49]:
        folder = place / "S" / item.id.partition("/")[0]
        folder.mkdir(parents=True)
        shutil.copy(str(item.file.path), folder)


def test_every_name_of_the_version_before_is_here() -> None:
    """But for the two whose tables ``show --people`` prints together; tests of their benchmarks hold these."""
    assert ALIASES.keys() - SAME.keys() == {"consistency", "human-likeness"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in SAME]
)
def test_old_command_lines_print_and_write_the_same(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def done(words: str, rest: str) -> tuple[int, str, str, list[str]]:
        laid_out(place)
        monkeypatch.setattr(sys, "argv", ["hardiness", *words.split(), *rest.split()])
        with pytest.raises(SystemExit) as left:
            main()
        told = capsys.readouterr()
        files = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
        files = [file for file in files if "/measured/" not in file]  # named after the moment
        lines = re.sub(r"after \d+ s", "", told.err).replace(f"{words} --help", "--help")
        return int(left.value.code or 0), told.out, lines, files

    first, *_ = SAME[name]
    for rest in SAME[name]:
        before, now = done(name, rest), done(ALIASES[name], rest)
        assert before == now
        assert before[0] == 0 or rest != first, before
        assert before[1] or before[2] or rest == first
